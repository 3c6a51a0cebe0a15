"""Read images through the config's test pipeline, in batches."""

import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import cv2
import torch
from mmcv.transforms import LoadImageFromFile
from mmengine.dataset import Compose
from torch.utils.data import DataLoader, Dataset

from ..datasets.image_header import check_header
from ..datasets.load_image import LoadReIDImage, UnreadableImageError
from ..datasets.pipeline import Pipeline, pipeline_steps
from ..datasets.read_image import MAX_PIXELS, read_file
from ..engine.training.data_worker import start_worker
from .sources import ImageSource, check_local


@dataclass(frozen=True)
class LoadedImage:
    """Output of the pipeline for an image.

    Attributes:
        index: its position among the inputs, or the row that its source states.
        name: of its source.
        sample: output of the pipeline's last step, or a text: why the image cannot be read.
    """

    index: int
    name: str
    sample: dict[str, Any] | str


class SampleReader(Dataset):
    """Map (position, image source) to a `LoadedImage`.

    The pipeline is not changed. Its first step loads files. `LoadReIDImage` accepts pixels too, and
    handles pixels in place of mmcv's `LoadImageFromFile`.

    Args:
        pipeline: of the config's test data set; the last transform is `PackInputs`.

    Raises:
        ValueError: if the pipeline is empty.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        steps = Compose(pipeline_steps(pipeline)).transforms
        if not steps:
            raise ValueError(
                'the pipeline of the test data set is empty: its first step must load images'
            )
        self.load, self.rest = steps[0], Compose(steps[1:])

    def __getitem__(self, numbered: tuple[int, ImageSource]) -> LoadedImage:
        index, source = numbered
        if source.problem is not None:
            return LoadedImage(index, source.name, source.problem)
        record = dict(
            img_path=source.name,
            img=source.image,
            sample_idx=index,
            pid=-1,
            camid=None,
            is_query=False,
        )
        loaded = self._read(record) if source.image is None else self._take(record)
        return LoadedImage(
            index, source.name, loaded if isinstance(loaded, str) else self.rest(loaded)
        )

    def _read(self, record: dict[str, Any]) -> dict[str, Any] | str:
        if isinstance(self.load, LoadReIDImage):
            try:
                return self.load(record)
            except (UnreadableImageError, FileNotFoundError) as error:
                return str(error)
        if isinstance(self.load, LoadImageFromFile) and not self.load.backend_args:
            problem = _problem(record['img_path'])
            if problem is not None:
                return problem
        try:
            loaded = self.load(record)
        except MemoryError:
            raise
        except Exception as error:  # other loaders may raise anything
            return f'{type(error).__name__}: {error}'
        return loaded if loaded is not None else 'the pipeline skips it'

    def _take(self, record: dict[str, Any]) -> dict[str, Any]:
        if isinstance(self.load, LoadReIDImage):
            return self.load(record)
        if not isinstance(self.load, LoadImageFromFile) or self.load.color_type != 'color':
            raise ValueError(
                f'{record["img_path"]} is given as pixels, but the pipeline starts '
                f'with {self.load}: start it with LoadReIDImage'
            )
        record = LoadReIDImage()(record)
        if self.load.to_float32:
            record['img'] = record['img'].astype('float32')
        return record


def load_batches(
    sources: Iterable[ImageSource], reader: SampleReader, batch_size: int, num_workers: int = 0
) -> Iterator[list[LoadedImage]]:
    """Yield batches in the order of the sources.

    Sources are iterated in this process, files are read in the workers. Without workers a source is
    read only when its batch is requested; with W workers up to 2 W batches are prefetched.

    Args:
        sources: images.
        reader: reads them.
        batch_size: images in a batch; the last may be smaller.
        num_workers: processes that read; 0: this one.
    """
    return iter(
        DataLoader(
            reader,
            batch_sampler=_number_batches(sources, batch_size),
            num_workers=num_workers,
            collate_fn=list,
            generator=torch.Generator(),
            worker_init_fn=_start_worker,
        )
    )


def read_ahead(
    sources: Iterable[ImageSource], reader: SampleReader, batch_size: int
) -> Iterator[list[LoadedImage]]:
    """Yield batches while a thread reads the next one; decoders and networks release the GIL.

    Sources are iterated in the caller's thread, a batch ahead. Whoever stops early waits for one
    image at most.

    Args:
        sources, reader, batch_size: see `load_batches`.
    """
    thread = ThreadPoolExecutor(1, 'read-images')
    try:
        batches = _number_batches(sources, batch_size)
        following = [thread.submit(reader.__getitem__, item) for item in next(batches, [])]
        while batch := following:
            following = [thread.submit(reader.__getitem__, item) for item in next(batches, [])]
            yield [image.result() for image in batch]
    finally:
        thread.shutdown(cancel_futures=True)


def _number_batches(
    sources: Iterable[ImageSource], batch_size: int
) -> Iterator[list[tuple[int, ImageSource]]]:
    numbered = (
        (place if source.row is None else source.row, source)
        for place, source in enumerate(sources)
    )
    while batch := list(itertools.islice(numbered, batch_size)):
        yield batch


def _start_worker(worker_id: int) -> None:
    """Start as in a training; OpenCV's threads of several workers would compete for the cores."""
    start_worker(worker_id)
    cv2.setNumThreads(0)


def _problem(path: str) -> str | None:
    """Return why mmcv's loader must not read a file: it would fetch, wait or decode anything."""
    try:
        check_local(path)
        check_header(read_file(path), MAX_PIXELS)
    except (OSError, ValueError) as error:
        return f'image {path} cannot be decoded ({error})'
    return None
