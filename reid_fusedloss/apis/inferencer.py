"""Extract features of images with a PyTorch model."""

import copy
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.model import BaseModel
from torch.nn.functional import normalize as unit_length

from ..checks import check_flag
from ..engine.testing import tested_pipeline
from ..models.flip_test_model import FlipTestModel
from ..whole_file import PathLike
from .backend import RUNTIMES, TORCH, RuntimeChoice, check_backend, only_in_torch
from .extraction import Extraction
from .extractor import FeatureExtractor
from .fingerprint import FULL, of_model
from .model import load_model

__all__ = ['Extraction', 'FeatureExtractor', 'ReIDInferencer']
HALF = dict(cuda=torch.float16, cpu=torch.bfloat16)  # mixed precision, as in training


class ReIDInferencer(FeatureExtractor):
    """Compute L2-normalised features of images.

    Args:
        source: a trained network of the package by name, such as 'mobilenetv2_market1501', a
            config, or the work_dir of a training.
        checkpoint: file of the weights; None: a trained network's own, the latest of a work_dir.
        device: device of the model; None: a GPU if there is one.
        batch_size: images per forward pass.
        num_workers: processes that load images; 0: this one.
        progress: show a progress bar on stderr.
        normalize: scale features to unit length.
        flip: average the features of an image and its mirror image.
        amp: mixed precision, float16 on a GPU and bfloat16 on a CPU: less exact, and faster on
            hardware that supports it.
        options: keys of the config to set, as in `Config.merge_from_dict`.
        backend: that computes the features: 'torch'; 'onnxruntime' or 'openvino', on the CPU, from
            a graph in the cache, which is exported first if needed; 'auto': the first of these two
            that is installed and has PyTorch's features within 1e-5, where it saves time, else
            PyTorch. The model's identity is the same.

    Attributes:
        model: in evaluation mode.
        cfg: its config.
        feat_dims: C, the dimension of a feature.
        image_size: (H, W), to which the config's pipeline resizes images.

    Raises:
        FileNotFoundError, ValueError: see `load_model`; ValueError also if the model predicts no
            embedding, the device does not support mixed precision, or the backend cannot compute
            this.
        ImportError, OSError: if the backend is not installed, or its graph cannot be written.
        TypeError: if an argument has the wrong type.
    """

    def __init__(
        self,
        source: PathLike,
        checkpoint: PathLike | None = None,
        device: str | torch.device | None = None,
        *,
        batch_size: int = 64,
        num_workers: int = 0,
        progress: bool = True,
        normalize: bool = True,
        flip: bool = False,
        amp: bool = False,
        options: Mapping[str, Any] | None = None,
        backend: str = TORCH,
    ) -> None:
        modes = dict(normalize=normalize, flip=flip, amp=amp)
        for name, value in modes.items():
            check_flag(name, value)
        device = device or ('cpu' if backend in RUNTIMES else None)
        check_backend(backend, only_in_torch(device, **modes))
        self.normalize, self.flip, self.amp = normalize, flip, amp
        self.model, self.cfg = load_model(source, checkpoint, device=device, options=options)
        self.device = next(self.model.parameters()).device
        if amp and self.device.type not in HALF:
            raise ValueError(f'amp=True: no mixed precision on {self.device}; leave amp out')
        self._tested: BaseModel = FlipTestModel(self.model) if flip else self.model
        super().__init__(tested_pipeline(self.cfg), batch_size, num_workers, progress)
        self._choice: RuntimeChoice | None = None
        _ = self.feat_dims  # refuses a model without embeddings
        if backend != TORCH:
            self._choice = RuntimeChoice(backend, self, only_in_torch(self.device, **modes))

    def in_torch(self) -> 'ReIDInferencer':
        """Return an inferencer of the same model whose features PyTorch computes."""
        other = copy.copy(self)
        other._choice = None
        return other

    def expect(self, images: int | None) -> None:
        """See `FeatureExtractor`."""
        if self._choice is not None:
            self._choice.expect(images)

    def embed(self, samples: Sequence[Mapping[str, Any]]) -> np.ndarray:
        """See `FeatureExtractor`."""
        if self._choice is not None and self._choice.network is not None:
            return self._choice.network.embed(samples)
        return self._embed_in_torch(samples)

    @torch.inference_mode()
    def _embed_in_torch(self, samples: Sequence[Mapping[str, Any]]) -> np.ndarray:
        with self._precision():
            results = self._tested.test_step(pseudo_collate(samples))
        if 'embedding' not in results[0]:
            raise ValueError(
                f'{type(self.model).__name__} predicts no `embedding`: use a head of this '
                'package, such as BNNeckHead'
            )
        features = torch.stack([result.embedding for result in results]).float()
        return (unit_length(features, dim=1) if self.normalize else features).cpu().numpy()

    def fingerprint(self) -> dict[str, Any]:
        """See `FeatureExtractor`."""
        precision = str(HALF[self.device.type]).removeprefix('torch.') if self.amp else FULL
        return of_model(
            self.model, self.cfg, normalize=self.normalize, flip=self.flip, precision=precision
        )

    @property
    def distance(self) -> str:
        """See `FeatureExtractor`."""
        return tested_distance(self.cfg)

    def _precision(self) -> AbstractContextManager:
        kind = self.device.type
        return torch.autocast(kind, HALF[kind]) if self.amp else nullcontext()


def tested_distance(cfg: Config) -> str:
    """Return the distance of the first `ReIDMetric` in a config's test, 'cosine' without one."""
    evaluators = cfg.get('test_evaluator') or []
    evaluators = [evaluators] if isinstance(evaluators, Mapping) else evaluators
    return next(
        (
            evaluator.get('distance', 'cosine')
            for evaluator in evaluators
            if str(evaluator.get('type')).endswith('ReIDMetric')
        ),
        'cosine',
    )
