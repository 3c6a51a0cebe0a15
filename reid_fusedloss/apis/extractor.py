"""Features of images in batches, whoever computes them."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from ..checks import check_flag, check_int
from ..datasets.pipeline import Pipeline
from .extraction import Extraction, join_extractions
from .images import LoadedImage, SampleReader
from .loading import load_batches
from .progress import Progress
from .sources import ImageSource, ImageStream


class FeatureExtractor(ABC):
    """Images in, features out; who computes them is the subclass's matter.

    Args:
        pipeline: transforms of an image, as of a config's test data set; it ends with `PackInputs`.
        batch_size: images that go through the network together.
        num_workers: processes that load images; 0: this one.
        progress: show a bar on stderr.

    Raises:
        TypeError, ValueError: if an argument has another type or is out of range.
    """

    def __init__(
        self, pipeline: Pipeline, batch_size: int, num_workers: int, progress: bool
    ) -> None:
        check_int('batch_size', batch_size)
        check_int('num_workers', num_workers, least=0)
        check_flag('progress', progress)
        self.pipeline = pipeline
        self.batch_size, self.num_workers, self.progress = batch_size, num_workers, progress
        self._reader = SampleReader(pipeline)

    @abstractmethod
    def embed(self, samples: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """Features of a batch, shape (B, C), float32.

        Args:
            samples: what the pipeline makes of each image: `inputs`, (3, H, W), BGR, and
                `data_samples`.
        """

    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """All that the features depend on, as plain data: features of extractors that have the same
        may be compared with each other."""

    @property
    def distance(self) -> str:
        """By which the model's test ranks its features, 'cosine' or 'euclidean'."""
        return 'cosine'

    @property
    def feat_dims(self) -> int:
        """C, length of a feature."""
        return self._measured[0]

    @property
    def image_size(self) -> tuple[int, int]:
        """(H, W), to which the pipeline brings images."""
        return self._measured[1]

    def __call__(
        self, inputs: Any, channel_order: str = 'bgr', recursive: bool = False
    ) -> Extraction:
        """Features of all images, in their order.

        Args:
            inputs: paths, folders, globs, arrays (H, W, 3) of uint8, PIL images, `video_crops`, or
                an iterable of these; see `ImageStream`.
            channel_order: of arrays, 'bgr' as OpenCV's or 'rgb'.
            recursive: look into the folders of folders too.

        Raises:
            TypeError, ValueError, FileNotFoundError: for what is no image at all, see
                `ImageStream`; what cannot be read is reported in the result.
            FloatingPointError: if a feature is not finite.
        """
        return join_extractions(self.extract(inputs, channel_order, recursive), self.feat_dims)

    def extract(
        self, inputs: Any, channel_order: str = 'bgr', recursive: bool = False
    ) -> Iterator[Extraction]:
        """As a call, a batch at a time; a generator of images is read no further than needed."""
        return self._extract(ImageStream(inputs, channel_order, recursive))

    def _extract(self, stream: ImageStream) -> Iterator[Extraction]:
        progress = Progress(stream.total, self.progress)
        try:
            for batch in load_batches(stream, self._reader, self.batch_size, self.num_workers):
                extraction = self._extract_batch(batch)
                progress.add(len(batch))
                yield extraction
        finally:
            progress.close()

    def _extract_batch(self, batch: list[LoadedImage]) -> Extraction:
        readable = [image for image in batch if not isinstance(image.sample, str)]
        unreadable = {image.name: image.sample for image in batch if isinstance(image.sample, str)}
        features = np.empty((0, self.feat_dims), np.float32)
        if readable:
            features = self.embed([image.sample for image in readable])
        names = [image.name for image in readable]
        wrong = [name for name, row in zip(names, features) if not np.isfinite(row).all()]
        if wrong:
            raise FloatingPointError(
                f'features of {len(wrong)} images are not finite, such as '
                f'{wrong[0]}: check the weights; float16 (amp) has less range'
            )
        return Extraction(features, names, unreadable, [image.index for image in readable])

    @cached_property
    def _measured(self) -> tuple[int, tuple[int, int]]:
        """Length of a feature and size of an image, from a grey one."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / 'grey.png'
            Image.new('RGB', (64, 128), (128, 128, 128)).save(path)
            sample = self._reader[0, ImageSource(str(path))].sample
        if isinstance(sample, str):
            raise ValueError(f'the test pipeline cannot load a PNG file: {sample}')
        height, width = sample['inputs'].shape[-2:]
        return self.embed([sample]).shape[1], (height, width)
