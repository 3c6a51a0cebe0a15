"""Evaluate each set of a joint test set by itself: no query is ranked against another set."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from mmengine.logging import print_log

from .embeddings import EmbeddingTable


class RankingMetric(Protocol):
    """The part of `ReIDMetric` that `compute_by_set` uses."""

    variant: str
    ranking_lists: list[dict[str, Any]]

    @property
    def dataset_meta(self) -> Mapping[str, Any] | None:
        """Of the test set."""

    def use_protocol(self, of_data: Any) -> None:
        """Rank by the protocol of the config or, where it names none, by that of the data."""

    def compute_metrics(self, results: EmbeddingTable, size: int | None = None) -> dict[str, float]:
        """Compute the metrics of a single set; keeps its ranking lists."""


def compute_by_set(metric: RankingMetric, table: EmbeddingTable) -> dict[str, float]:
    """Compute the metrics of each set of a joint test set, and their means; empty for a single set.

    Args:
        metric: called for each set; its ranking lists are then those of all sets, each under the
            name of its set.
        table: all images.

    Raises:
        ValueError: as the metric; it names the set.
    """
    before = metric.ranking_lists if metric.variant else []
    lists: list[dict[str, Any]] = []
    found: dict[str, dict[str, float]] = {}
    for name, part, size in split_by_set(table, metric.dataset_meta):
        metric.ranking_lists = []
        metric.use_protocol((metric.dataset_meta or {})['sets'][name].get('protocol'))
        try:
            found[name] = metric.compute_metrics(part, size)
        except ValueError as error:
            raise ValueError(f'{name}: {error}') from error
        lists += [dict(each, prefix=f'{name}/{each["prefix"]}') for each in metric.ranking_lists]
    if found:
        metric.ranking_lists = before + lists
        print_log(
            f'each set is evaluated by itself; figures without the name of a set are means over '
            f'{list(found)}',
            logger='current',
        )
    return mean_over_sets(found)


def split_by_set(
    table: EmbeddingTable, dataset_meta: Mapping[str, Any] | None
) -> Iterator[tuple[str, EmbeddingTable, int]]:
    """Yield the images of each set of a `JointReIDDataset`, with the labels of the set.

    Args:
        table: all images, ordered by `sample_idx`.
        dataset_meta: of the test set; its `sets`, in order, tell which images belong to which set.

    Yields:
        Name, images and how many there should be; nothing for a single data set.
    """
    stop = row = 0
    places = table.columns['sample_idx']
    for name, facts in ((dataset_meta or {}).get('sets') or {}).items():
        stop += facts['num_images']
        first = row
        while row < len(places) and places[row] < stop:
            row += 1
        columns = {key: column[first:row] for key, column in table.columns.items()}
        for key in ('pid', 'camid'):
            columns[key] = [
                _own(label, name, key in facts['number_keys']) for label in columns[key]
            ]
        features = {key: values[first:row] for key, values in table.features.items()}
        yield name, EmbeddingTable(features, columns), facts['num_images']


def mean_over_sets(by_set: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Average results over the sets of a joint test set, and prefix those of each by its name.

    Args:
        by_set: set -> its results, such as 'reid/mAP'.

    Returns:
        'reid/mAP', the mean of the sets that have it, one set counting as much as another, and
        'market1501/reid/mAP' of each.
    """
    names = dict.fromkeys(key for results in by_set.values() for key in results)
    means = {}
    for key in names:
        values = [results[key] for results in by_set.values() if key in results]
        means[key] = sum(values) / len(values)
    return means | {
        f'{name}/{key}': value for name, results in by_set.items() for key, value in results.items()
    }


def _own(label: Any, name: str, is_number: bool) -> Any:
    """'market1501/5' -> 5, as the set itself has it."""
    if label is None:
        return None
    own = label.removeprefix(f'{name}/')
    return int(own) if is_number else own
