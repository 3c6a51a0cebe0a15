"""Batches of images, as far ahead as workers need."""

import itertools
from collections.abc import Iterable, Iterator

import cv2
import torch
from torch.utils.data import DataLoader

from ..engine.training.data_worker import start_worker
from .images import LoadedImage, SampleReader
from .sources import ImageSource


def load_batches(
    sources: Iterable[ImageSource], reader: SampleReader, batch_size: int, num_workers: int = 0
) -> Iterator[list[LoadedImage]]:
    """Batches in the order of the sources.

    Sources are read in this process, files in the workers; without workers no source is read before
    its batch is asked for, with W workers at most 2 W batches are under way.

    Args:
        sources: images.
        reader: what reads them.
        batch_size: images in a batch; the last may be smaller.
        num_workers: processes that read; 0: this one.
    """
    return iter(
        DataLoader(
            reader,
            batch_sampler=_batches(sources, batch_size),
            num_workers=num_workers,
            collate_fn=list,
            generator=torch.Generator(),
            worker_init_fn=_start_worker,
        )
    )


def _batches(
    sources: Iterable[ImageSource], batch_size: int
) -> Iterator[list[tuple[int, ImageSource]]]:
    numbered = (
        (place if source.row is None else source.row, source)
        for place, source in enumerate(sources)
    )
    while batch := list(itertools.islice(numbered, batch_size)):
        yield batch


def _start_worker(worker_id: int) -> None:
    """As in a training; OpenCV's threads of several workers would fight for the cores."""
    start_worker(worker_id)
    cv2.setNumThreads(0)
