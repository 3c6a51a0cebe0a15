"""Embeddings of a test set: kept batch by batch, gathered over processes, put in order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.dist import (
    all_gather_object,
    gather,
    get_comm_device,
    get_world_size,
    is_main_process,
)
from mmengine.evaluator import BaseMetric

SAMPLE_KEYS = ('sample_idx', 'pid', 'camid', 'is_query')
LABEL_KEYS = ('clothes', 'track')  # where the data set has them

Columns = dict[str, list[Any]]
BLOCK_ROWS = 4096


@dataclass
class EmbeddingTable:
    """All images, each once, ordered by `sample_idx`.

    Attributes:
        features: by name, the embeddings, shape (N, C), float32.
        columns: by name, N entries each: sample_idx, pid, camid, is_query, img_path, clothes and
            track; None where an image has no such label.
    """

    features: dict[str, np.ndarray]
    columns: Columns


class EmbeddingStore:
    """The embeddings of one process.

    The features are kept side by side in blocks of some thousand images and reach the first
    process as tensors, a block of each process at a time; what is pickled are the columns. MMEngine
    does not tell a metric that an evaluation begins, so an aborted one may have left images. Each
    evaluation therefore gets a new store (`EmbeddingMetric.begin`); if an image still comes twice,
    the latest feature counts.

    Args:
        needs: further labels that each image must have.
    """

    def __init__(self, needs: Sequence[str] = ()) -> None:
        self._needs = tuple(needs)
        self._clear()

    def _clear(self) -> None:
        self._columns: Columns = {key: [] for key in (*SAMPLE_KEYS, 'img_path', *LABEL_KEYS)}
        self._widths: dict[str, int] = {}
        self._pending: list[np.ndarray] = []
        self._blocks: list[np.ndarray] = []

    def __len__(self) -> int:
        return len(self._columns['pid'])

    def add(self, samples: Sequence[Mapping[str, Any]]) -> None:
        """Take a batch of data samples as MMEngine's evaluator passes them to a metric.

        Raises:
            ValueError: if the samples lack what the metric needs.
        """
        for sample in samples:
            missing = [key for key in SAMPLE_KEYS if key not in sample]
            if missing:
                raise ValueError(
                    f'the data samples lack {missing}: the test pipeline ends with '
                    "dict(type='PackInputs', meta_keys=('sample_idx', 'img_path', "
                    "'pid', 'camid', 'is_query'))"
                )
            lost = [key for key in self._needs if sample.get(key) is None]
            if lost:
                raise ValueError(
                    f'{sample.get("img_path") or "an image"} has no {" and no ".join(lost)}, which '
                    'the protocol or the pooling reads: use a data set with that label, and list '
                    'it in meta_keys of PackInputs'
                )
            for key in SAMPLE_KEYS:
                self._columns[key].append(sample[key])
            for key in LABEL_KEYS:
                self._columns[key].append(sample.get(key))
            self._columns['img_path'].append(sample.get('img_path', ''))
        if not samples:
            return
        named = [
            sample.get('embeddings') or dict(embedding=sample['embedding']) for sample in samples
        ]
        parts = [
            torch.stack([features[name] for features in named]).detach().float().cpu().numpy()
            for name in named[0]
        ]
        self._widths = {name: part.shape[1] for name, part in zip(named[0], parts)}
        self._pending.append(np.concatenate(parts, axis=1))
        if sum(map(len, self._pending)) >= BLOCK_ROWS:
            self._pack()

    def gather(self, size: int | None = None) -> EmbeddingTable | None:
        """Gather the table of all processes on the first, None on the others; empties the store.

        An image that several processes have, as a sampler's padding makes them, is counted once.

        Args:
            size: how many images there are at most; None: any number.

        Raises:
            ValueError: if processes have features of different width, or more images than there
                are, or some labels are numbers and others text; on all of them.
        """
        self._pack()
        shares = all_gather_object((self._columns, self._widths, list(map(len, self._blocks))))
        blocks = self._blocks
        self._clear()
        columns: Columns = {
            key: [label for share in shares for label in share[0][key]] for key in self._columns
        }
        widths: dict[str, int] = next((share[1] for share in shares if share[1]), {})
        if any(share[1] not in ({}, widths) for share in shares):
            raise ValueError(
                f'the processes have features of different width: {[share[1] for share in shares]}'
            )
        _check_labels(columns)
        places, order = _places([share[0]['sample_idx'] for share in shares])
        if size is not None and len(order) > size:
            raise ValueError(
                f'{len(order)} different images were evaluated, but the data set has '
                f'{size}: evaluate again, nothing of them is kept'
            )
        table = EmbeddingTable(
            {name: np.empty((len(order), width), np.float32) for name, width in widths.items()},
            {key: [column[i] for i in order] for key, column in columns.items()},
        )
        counts = [share[2] for share in shares]
        first = np.cumsum([0, *map(sum, counts[:-1])])
        for number, received in enumerate(_exchange(blocks, counts, sum(widths.values()))):
            for rank, block in enumerate(received):
                start = first[rank] + sum(counts[rank][:number])
                _write(table.features, block, places[start : start + len(block)])
        return table if is_main_process() else None

    def _pack(self) -> None:
        """Make a block of the batches that are pending."""
        if self._pending:
            self._blocks.append(np.concatenate(self._pending))
            self._pending = []


class EmbeddingMetric(BaseMetric):
    """A metric that keeps the embeddings of an evaluation.

    Args:
        prefix: as in MMEngine.
        needs: labels that each image must have, in addition to identity and camera.
    """

    def __init__(self, prefix: str | None = None, needs: Sequence[str] = ()) -> None:
        super().__init__(prefix=prefix)
        self.needs = tuple(needs)
        self.begin()

    def begin(self, variant: str = '') -> None:
        """Start an evaluation with an empty store.

        Args:
            variant: put after the names of what is written, if it is of another model.
        """
        self.store, self.variant = EmbeddingStore(self.needs), variant

    def process(self, data_batch: Any, data_samples: Sequence[Mapping[str, Any]]) -> None:
        """Keep the embeddings of a batch; called by MMEngine."""
        self.store.add(data_samples)


def _check_labels(columns: Columns) -> None:
    """Refuse the identities 7 and '7' side by side: NumPy would make one of them."""
    for key in ('pid', 'camid', *LABEL_KEYS):
        given = {isinstance(label, str): label for label in columns[key] if label is not None}
        if len(given) > 1:
            raise ValueError(
                f'the {key} of some images is a number, {given[False]!r}, of others '
                f'text, {given[True]!r}: give all processes the same kind'
            )


def _exchange(
    blocks: list[np.ndarray], counts: list[list[int]], width: int
) -> Iterator[list[np.ndarray]]:
    """Blocks of all processes, one of each at a time; nothing but on the first process.

    Args:
        blocks: this process' own; are released as they are sent.
        counts: rows of each block of each process.
        width: number of columns.
    """
    blocks.reverse()
    for number in range(max(map(len, counts))):
        rows = [count[number] if number < len(count) else 0 for count in counts]
        own = blocks.pop() if blocks else np.empty((0, width), np.float32)
        if get_world_size() == 1:
            yield [own]
            continue
        padded = torch.zeros(max(rows), width)
        padded[: len(own)] = torch.from_numpy(own)
        received = gather(padded.to(get_comm_device()))
        yield [part[:row].cpu().numpy() for part, row in zip(received, rows)]


def _places(sample_idx: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Row of each record in the table, -1 for repeated ones, and the record of each row.

    Args:
        sample_idx: of the records of each process. Of repeated ones the first process' counts, and
            of those the last.
    """
    numbers = np.array([number for part in sample_idx for number in part], dtype=np.int64)
    starts = np.cumsum([0, *map(len, sample_idx)])
    candidates = np.concatenate(
        [np.arange(start, stop)[::-1] for start, stop in zip(starts, starts[1:])]
    )
    order = candidates[np.unique(numbers[candidates], return_index=True)[1]]
    places = np.full(len(numbers), -1)
    places[order] = np.arange(len(order))
    return places, order


def _write(features: dict[str, np.ndarray], block: np.ndarray, places: np.ndarray) -> None:
    """Write rows of features side by side to their places; -1: nowhere."""
    kept, start = places >= 0, 0
    for feature in features.values():
        stop = start + feature.shape[1]
        feature[places[kept]] = block[kept, start:stop]
        start = stop
