"""The base class of feature extractors: images in batches through a pipeline and a model."""

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
from .images import LoadedImage, SampleReader, load_batches, read_ahead
from .progress import Progress
from .sources import ImageSource, ImageStream


class FeatureExtractor(ABC):
    """Compute features of images; a subclass runs the model (PyTorch, ONNX).

    Args:
        pipeline: transforms of a config's test data set; the last one is `PackInputs`.
        batch_size: images per forward pass.
        num_workers: processes that load images; 0: this one.
        progress: show a progress bar on stderr.

    Raises:
        TypeError, ValueError: if an argument has the wrong type or is out of range.
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
        """Compute the features of a batch, shape (B, C), float32.

        Args:
            samples: outputs of the pipeline: `inputs`, (3, H, W), BGR, and `data_samples`.
        """

    @abstractmethod
    def fingerprint(self) -> dict[str, Any]:
        """Return all that the features depend on, as plain data.

        Features of two extractors are comparable if their fingerprints are equal.
        """

    def expect(self, images: int | None) -> None:  # noqa: B027
        """Prepare for images, of which None is an unknown number; by default nothing."""

    @property
    def distance(self) -> str:
        """The distance by which the model's test ranks features, 'cosine' or 'euclidean'."""
        return 'cosine'

    @property
    def feat_dims(self) -> int:
        """C, the dimension of a feature."""
        return self._measured[0]

    @property
    def image_size(self) -> tuple[int, int]:
        """(H, W), to which the pipeline resizes images."""
        return self._measured[1]

    def __call__(
        self, inputs: Any, channel_order: str = 'bgr', recursive: bool = False
    ) -> Extraction:
        """Compute the features of all images, in their order.

        Args:
            inputs: paths, folders, globs, arrays (H, W, 3) of uint8, PIL images, `video_crops`, or
                an iterable of these; see `ImageStream`.
            channel_order: of arrays, 'bgr' as in OpenCV, or 'rgb'.
            recursive: search subfolders too.

        Raises:
            TypeError, ValueError, FileNotFoundError: if an input is not an image, see
                `ImageStream`; images that cannot be read are reported in the result.
            FloatingPointError: if a feature is not finite.
        """
        return join_extractions(self.extract(inputs, channel_order, recursive), self.feat_dims)

    def extract(
        self, inputs: Any, channel_order: str = 'bgr', recursive: bool = False
    ) -> Iterator[Extraction]:
        """Yield the features batch by batch; a generator of images is read only as needed."""
        return self._extract(ImageStream(inputs, channel_order, recursive))

    def _extract(self, stream: ImageStream) -> Iterator[Extraction]:
        self.expect(stream.total)
        progress = Progress(stream.total, self.progress)
        if stream.total is None or self.num_workers:  # a generator is read only as needed
            batches = load_batches(stream, self._reader, self.batch_size, self.num_workers)
        else:
            batches = read_ahead(stream, self._reader, self.batch_size)
        try:
            for batch in batches:
                extraction = self._extract_batch(batch)
                progress.add(len(batch))
                yield extraction
        finally:
            progress.close()

    def _extract_batch(self, batch: list[LoadedImage]) -> Extraction:
        unreadable = {image.name: image.sample for image in batch if isinstance(image.sample, str)}
        readable = [image for image in batch if not isinstance(image.sample, str)]
        samples = [image.sample for image in batch if not isinstance(image.sample, str)]
        features = self.embed(samples) if samples else np.empty((0, self.feat_dims), np.float32)
        names = [image.name for image in readable]
        wrong = [name for name, row in zip(names, features) if not np.isfinite(row).all()]
        if wrong:
            raise FloatingPointError(
                f'features of {len(wrong)} images are not finite, such as {wrong[0]}: check the '
                'weights, and leave out amp, since float16 has less range'
            )
        return Extraction(features, names, unreadable, [image.index for image in readable])

    @cached_property
    def _measured(self) -> tuple[int, tuple[int, int]]:
        """Dimension of a feature and size of an image, measured on a grey image."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / 'grey.png'
            Image.new('RGB', (64, 128), (128, 128, 128)).save(path)
            sample = self._reader[0, ImageSource(str(path))].sample
        if isinstance(sample, str):
            raise ValueError(f'the test pipeline cannot load a PNG file: {sample}')
        height, width = sample['inputs'].shape[-2:]
        return self.embed([sample]).shape[1], (height, width)
