"""The paper's rows and figures, read from the configs' metafiles."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.fileio import load

METRICS = ('R1', 'mAP')
# the paper's names of its data sets, by the names of their configs
PAPER_DATASETS = {'market1501': 'Market-1501', 'dukemtmc': 'DukeMTMC-reID'}
ORDER_DATASET = 'Market-1501'
_WORDS = {'Paper': 'reid', 'Paper re-ranked': 'rerank'}


@dataclass(frozen=True)
class PaperRow:
    """A row of one of the paper's tables.

    Attributes:
        table: its number.
        label: the row's name in the paper.
        config: path of the config, as in the metafile.
        prefix: 'reid', or 'rerank' where the paper's figures are re-ranked.
        figures: R1 and mAP in percent, by the paper's name of the data set and metric.
    """

    table: int
    label: str
    config: str
    prefix: str
    figures: dict[str, dict[str, float]]

    @property
    def place(self) -> str:
        """Table and row as folders, such as 'table2/6_bn'."""
        return '/'.join(Path(self.config).with_suffix('').parts[-2:])

    @property
    def is_reranked(self) -> bool:
        """Whether the paper's figures, and so ours, are re-ranked."""
        return self.prefix == 'rerank'

    @property
    def is_second_reading(self) -> bool:
        """Whether it is another interpretation of a row, such as '4x16, as P x K'."""
        return ', as ' in self.label

    def paper(self, dataset: str, metric: str) -> float | None:
        """The paper's figure or None; Market-1501's for a data set that is not in the paper."""
        return self.figures.get(PAPER_DATASETS.get(dataset, ORDER_DATASET), {}).get(metric)


def read_paper(metafiles: Sequence[Path], tables: list[int] | None = None) -> list[PaperRow]:
    """Read the rows of the paper's tables, sorted by table, then in the order of the metafiles.

    Args:
        metafiles: model indices with 'Paper [re-ranked] R1' and '... mAP' for each data set.
        tables: numbers of the tables to read; None: all.

    Raises:
        ValueError: if the metafiles lack one of the tables.
    """
    rows = [_row(model) for metafile in metafiles for model in load(str(metafile))['Models']]
    rows.sort(key=lambda row: row.table)
    known = sorted({row.table for row in rows})
    unknown = sorted(set(tables or ()) - set(known))
    if unknown:
        raise ValueError(f'--tables must be among {known}, got {unknown}')
    return [row for row in rows if tables is None or row.table in tables]


def _row(model: dict) -> PaperRow:
    figures: dict[str, dict[str, float]] = {}
    prefixes = set()
    for result in model['Results']:
        for name, value in result['Metrics'].items():
            word, _, metric = name.rpartition(' ')
            prefixes.add(_WORDS[word])
            figures.setdefault(result['Dataset'], {})[metric] = value
    (prefix,) = prefixes
    return PaperRow(
        model['Metadata']['Table'], model['Metadata']['Row'], model['Config'], prefix, figures
    )
