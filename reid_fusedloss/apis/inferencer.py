"""Features of images, in batches."""
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Optional, Union

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from PIL import Image
from torch import Tensor
from torch.nn.functional import normalize as unit_length

from ..checks import check_flag, check_int
from ..models.flip_test_model import FlipTestModel
from .extraction import Extraction, join_extractions
from .images import ImageSource, ImageStream
from .loading import ImageLoader, LoadedImage, load_batches
from .model import load_model
from .progress import Progress

PathLike = Union[str, os.PathLike]
HALF = dict(cuda=torch.float16, cpu=torch.bfloat16)  # mixed precision, as in training


class ReIDInferencer:
    """Images in, L2-normalised features out.

    Args:
        source: a config file, or the work_dir of a training.
        checkpoint: file of the weights; for a work_dir None takes its latest.
        device: where it computes; None: a GPU where there is one.
        batch_size: images that go through the network together.
        num_workers: processes that load images; 0: this one.
        progress: show a bar on stderr.
        normalize: scale features to unit length.
        flip: average the features of an image and its mirror image.
        amp: mixed precision, float16 on a GPU and bfloat16 on a CPU; faster, and features differ in
            the third digit.
        options: keys of the config to set, as in `Config.merge_from_dict`.

    Attributes:
        model: in evaluation mode.
        cfg: its config.
        feat_dims: C, length of a feature.
        image_size: (H, W), to which the config's pipeline brings images.

    Raises:
        FileNotFoundError, ValueError: see `load_model`; ValueError also if the model gives no
            embedding, or there is no mixed precision on the device.
        TypeError: if an argument has another type.
    """

    def __init__(self, source: PathLike, checkpoint: Optional[PathLike] = None,
                 device: Optional[Union[str, torch.device]] = None, *, batch_size: int = 64,
                 num_workers: int = 0, progress: bool = True, normalize: bool = True,
                 flip: bool = False, amp: bool = False,
                 options: Optional[Mapping[str, Any]] = None) -> None:
        check_int('batch_size', batch_size)
        check_int('num_workers', num_workers, least=0)
        for name, value in dict(progress=progress, normalize=normalize, flip=flip, amp=amp).items():
            check_flag(name, value)
        self.batch_size, self.num_workers, self.progress = batch_size, num_workers, progress
        self.normalize, self.flip, self.amp = normalize, flip, amp
        self.model, self.cfg = load_model(source, checkpoint, device=device, options=options)
        self.device = next(self.model.parameters()).device
        if amp and self.device.type not in HALF:
            raise ValueError(f'amp=True: no mixed precision on {self.device}; leave it out')
        self._tested = FlipTestModel(self.model) if flip else self.model
        self._loader = ImageLoader(self.cfg.test_dataloader.dataset.pipeline)
        self.feat_dims, self.image_size = self._measure()

    def __call__(self, inputs: Any, channel_order: str = 'bgr',
                 recursive: bool = False) -> Extraction:
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

    def extract(self, inputs: Any, channel_order: str = 'bgr',
                recursive: bool = False) -> Iterator[Extraction]:
        """As a call, a batch at a time; a generator of images is read no further than needed."""
        return self._extract(ImageStream(inputs, channel_order, recursive))

    def _extract(self, stream: ImageStream) -> Iterator[Extraction]:
        progress = Progress(stream.total, self.progress)
        try:
            for batch in load_batches(stream, self._loader, self.batch_size, self.num_workers):
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
            features = self._features([image.sample for image in readable]).cpu().numpy()
        names = [image.name for image in readable]
        wrong = [name for name, row in zip(names, features) if not np.isfinite(row).all()]
        if wrong:
            hint = '; amp=False has the range of float32' if self.amp else ''
            raise FloatingPointError(f'features of {len(wrong)} images are not finite, such as '
                                     f'{wrong[0]}: check the weights{hint}')
        return Extraction(features, names, unreadable, [image.index for image in readable])

    @torch.inference_mode()
    def _features(self, samples: list[Mapping[str, Any]]) -> Tensor:
        with self._precision():
            results = self._tested.test_step(pseudo_collate(samples))
        if 'embedding' not in results[0]:
            raise ValueError(f'{type(self.model).__name__} gives no `embedding`: its head is none of '
                             'this package, such as BNNeckHead')
        features = torch.stack([result.embedding for result in results]).float()
        return unit_length(features, dim=1) if self.normalize else features

    def _precision(self) -> AbstractContextManager:
        kind = self.device.type
        return torch.autocast(kind, HALF[kind]) if self.amp else nullcontext()

    def _measure(self) -> tuple[int, tuple[int, int]]:
        """Length of a feature and size of an image, from a grey one."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / 'grey.png'
            Image.new('RGB', (64, 128), (128, 128, 128)).save(path)
            sample = self._loader[0, ImageSource(str(path))].sample
        if isinstance(sample, str):
            raise ValueError(f'the test pipeline cannot load a PNG file: {sample}')
        height, width = sample['inputs'].shape[-2:]
        return self._features([sample]).shape[1], (height, width)
