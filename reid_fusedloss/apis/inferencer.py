"""Features of images, in batches."""
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Optional, Union

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.utils import ProgressBar
from torch.utils.data import DataLoader

from ..checks import check_flag, check_int
from .images import ImageLoader, list_sources
from .model import load_model

PathLike = Union[str, os.PathLike]


@dataclass(frozen=True)
class Extraction:
    """Features of the images that could be read.

    Attributes:
        features: shape (N, C), float32, of unit length.
        names: of the N images: their paths, or what stands for one.
        unreadable: name -> reason, of the images that could not be read.
    """
    features: np.ndarray
    names: list[str]
    unreadable: dict[str, str]


class ReIDInferencer:
    """Images in, L2-normalised features out.

    Args:
        source: a config file, or the work_dir of a training.
        checkpoint: file of the weights; for a work_dir None takes its latest.
        device: where it computes; None: a GPU where there is one.
        batch_size: images that go through the network together.
        num_workers: processes that load images; 0: this one.
        progress: show a bar.
        options: keys of the config to set, as in `Config.merge_from_dict`.

    Raises:
        FileNotFoundError, ValueError: see `load_model`.
        TypeError: if an argument has another type.
    """

    def __init__(self, source: PathLike, checkpoint: Optional[PathLike] = None,
                 device: Optional[Union[str, torch.device]] = None, *, batch_size: int = 64,
                 num_workers: int = 0, progress: bool = True,
                 options: Optional[Mapping[str, Any]] = None) -> None:
        check_int('batch_size', batch_size)
        check_int('num_workers', num_workers, least=0)
        check_flag('progress', progress)
        self.batch_size, self.num_workers, self.progress = batch_size, num_workers, progress
        self.model, self.cfg = load_model(source, checkpoint, device=device, options=options)

    def __call__(self, inputs: Any, channel_order: str = 'bgr') -> Extraction:
        """Features of all images.

        Args:
            inputs: a path of an image or a folder, an array (H, W, 3) of uint8, a PIL image, or
                an iterable of these.
            channel_order: of arrays, 'bgr' as OpenCV's or 'rgb'.
        """
        parts = list(self.extract(inputs, channel_order))
        features = [part.features for part in parts if len(part.names)]
        return Extraction(
            np.concatenate(features) if features else np.empty((0, 0), np.float32),
            [name for part in parts for name in part.names],
            {name: reason for part in parts for name, reason in part.unreadable.items()})

    def extract(self, inputs: Any, channel_order: str = 'bgr') -> Iterator[Extraction]:
        """As a call, a batch at a time."""
        sources = list_sources(inputs, channel_order)
        loader = DataLoader(ImageLoader(sources, self.cfg.test_dataloader.dataset.pipeline),
                            self.batch_size, num_workers=self.num_workers, collate_fn=list)
        bar = ProgressBar(len(sources)) if self.progress else None
        for batch in loader:
            yield self._extract_batch(batch)
            if bar is not None:
                bar.update(len(batch))

    def _extract_batch(self, batch: list[tuple[str, Any]]) -> Extraction:
        readable = [(name, item) for name, item in batch if not isinstance(item, str)]
        unreadable = {name: item for name, item in batch if isinstance(item, str)}
        if not readable:
            return Extraction(np.empty((0, 0), np.float32), [], unreadable)
        with torch.inference_mode():
            samples = self.model.test_step(pseudo_collate([item for _, item in readable]))
        features = torch.stack([sample.embedding for sample in samples]).float()
        features = torch.nn.functional.normalize(features, dim=1).cpu().numpy()
        return Extraction(features, [name for name, _ in readable], unreadable)
