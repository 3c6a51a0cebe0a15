"""Compute attention maps of images."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmpretrain.models import ImageClassifier
from torch import Tensor, nn

from ..apis import ReIDInferencer
from ..apis.images import SampleReader, load_batches
from ..apis.sources import ImageStream
from ..checks import check_int
from ..optional import require
from ..visualization.attention import AttentionMaps
from .layers import find_layer
from .maps import energy, grad_cam, layer_output, spread
from .targets import IdentityScores, SimilarityTarget

METHODS = ('energy', 'similarity', 'identity')
Maps = tuple[np.ndarray, list[str]]  # of a batch (B, H, W), and a note for each image


class _Batch(NamedTuple):
    """Named images as inputs of the network, (B, 3, H, W), and as RGB pictures."""

    names: list[str]
    inputs: Tensor
    seen: list[np.ndarray]


class Explainer:
    """Compute attention maps of images by three methods.

    - 'energy': where the backbone's last map has large values; see `maps.energy`;
    - 'similarity': which parts make the image similar to another one, by Grad-CAM of the cosine
      similarity of their embeddings;
    - 'identity': which parts support a training identity, by Grad-CAM of the classifier's score.

    Args:
        inferencer: holds the model.
        layer: name of a layer of the backbone; None: the last map, see `find_layer`.

    Attributes:
        unreadable: name -> reason, for images that the last call could not read.
    """

    def __init__(self, inferencer: ReIDInferencer, layer: str | None = None) -> None:
        self.inferencer = inferencer
        self.layer = layer
        self.unreadable: dict[str, str] = {}

    def __call__(
        self,
        inputs: Any,
        methods: Sequence[str] = ('energy',),
        *,
        against: Any = None,
        identity: int | None = None,
    ) -> list[AttentionMaps]:
        """Compute the maps of all readable images.

        Args:
            inputs: paths, folders, globs, arrays (H, W, 3) of uint8, BGR, PIL images, or an
                iterable of these; see `ImageStream`.
            methods: some of `METHODS`.
            against: an image that 'similarity' compares with.
            identity: identity that 'identity' explains, an index of the classifier; None: for each
                image the one with the highest score.

        Raises:
            FileNotFoundError, TypeError, ValueError: if an input is not an image, or an argument
                does not fit the model.
            ImportError: if Grad-CAM is needed and pytorch_grad_cam is not installed.
        """
        self._check(methods, against)
        self.unreadable = {}
        compute: dict[str, Callable[[Tensor], Maps]] = dict(energy=self._energy)
        if against is not None:
            compute['similarity'] = partial(self._similarity, other=self._embed(against))
        if 'identity' in methods:
            scores = IdentityScores(self._model)
            if identity is not None:
                check_int('identity', identity, 0, self._model.head.num_classes - 1)
            compute['identity'] = partial(self._identity, scores=scores, identity=identity)
        found = []
        for batch in self._load(inputs):
            results = {method: compute[method](batch.inputs) for method in methods}
            for i, (name, image) in enumerate(zip(batch.names, batch.seen)):
                notes = [notes[i] for _, notes in results.values() if notes[i]]
                maps = {method: maps[i] for method, (maps, _) in results.items()}
                found.append(AttentionMaps(name, image, maps, ', '.join(notes)))
        return found

    @property
    def _model(self) -> ImageClassifier:
        return self.inferencer.model

    def _check(self, methods: Sequence[str], against: Any) -> None:
        wrong = [method for method in methods if method not in METHODS]
        if wrong or not methods or isinstance(methods, str):
            raise ValueError(f'methods must be a list of some of {METHODS}, got {methods!r}')
        if 'similarity' in methods and against is None:
            raise ValueError(
                "the method 'similarity' compares with another image: give it as `against`"
            )

    def _embed(self, against: Any) -> Tensor:
        batch = next(self._load(against), None)
        if batch is None or len(batch.names) > 1:
            raise ValueError(
                f'against must be one image that can be read, got {against!r}: '
                f'{self.unreadable or "several images"}'
            )
        with torch.no_grad():
            return self._model(batch.inputs, mode='tensor')[0]

    def _energy(self, inputs: Tensor) -> Maps:
        layer = find_layer(self._model, inputs, self.layer)
        found = energy(layer_output(self._model, inputs, layer))
        height, width = inputs.shape[2:]
        return spread(found, (height, width)), [''] * len(inputs)

    def _similarity(self, inputs: Tensor, other: Tensor) -> Maps:
        layer = find_layer(self._model, inputs, self.layer, for_gradient=True)
        target = SimilarityTarget(other)
        maps = grad_cam(self._model, inputs, [target] * len(inputs), layer)
        with torch.no_grad():
            outputs = self._model(inputs, mode='tensor')
        return maps, [f'similarity {target(output):.3f}' for output in outputs]

    def _identity(self, inputs: Tensor, scores: nn.Module, identity: int | None) -> Maps:
        library = require('pytorch_grad_cam.utils.model_targets', 'Grad-CAM')
        with torch.no_grad():
            best = scores(inputs).argmax(1).tolist()
        chosen = best if identity is None else [identity] * len(inputs)
        layer = find_layer(self._model, inputs, self.layer, for_gradient=True)
        maps = grad_cam(
            scores, inputs, [library.ClassifierOutputTarget(one) for one in chosen], layer
        )
        return maps, [f'training identity {one}' for one in chosen]

    def _load(self, inputs: Any) -> Iterator[_Batch]:
        reader = SampleReader(self.inferencer.pipeline)
        for loaded in load_batches(ImageStream(inputs), reader, self.inferencer.batch_size):
            readable = []
            for image in loaded:
                if isinstance(image.sample, str):
                    self.unreadable[image.name] = image.sample
                else:
                    readable.append((image.name, image.sample))
            if readable:
                yield self._prepare(readable)

    def _prepare(self, images: list[tuple[str, dict[str, Any]]]) -> _Batch:
        preprocessor = self._model.data_preprocessor
        samples = pseudo_collate([sample for _, sample in images])
        inputs = preprocessor(samples, False)['inputs']
        pixels = inputs
        if getattr(preprocessor, '_enable_normalize', False):
            pixels = inputs * preprocessor.std + preprocessor.mean
        if not getattr(preprocessor, 'to_rgb', False):
            pixels = pixels.flip(1)
        seen = pixels.round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
        names = [name for name, _ in images]
        return _Batch(names, inputs, [np.ascontiguousarray(image) for image in seen])
