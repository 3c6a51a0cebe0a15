"""Evaluate each set of a joint test set by itself: no query is ranked against another set."""

from collections.abc import Iterator, Mapping
from typing import Any

from .embeddings import EmbeddingTable


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
