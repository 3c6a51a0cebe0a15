"""From images to their attention maps."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
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


class _Batch(NamedTuple):
    """Images of a name each as the network takes them, (B, 3, H, W), and as they are seen."""

    names: list[str]
    inputs: Tensor
    seen: list[np.ndarray]


class Explainer:
    """Attention maps of images, by any of three methods.

    - 'energy': where the backbone's last map is strong; see `maps.energy`;
    - 'similarity': where the image is like another one, by Grad-CAM of the cosine similarity of
      both embeddings;
    - 'identity': what speaks for a training identity, by Grad-CAM of the classifier's score.

    Args:
        inferencer: holds the model.
        layer: of the backbone, by name; None: the last map, see `find_layer`.

    Attributes:
        unreadable: name -> reason, of the images that could not be read by the last call.
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
        """Maps of all images that can be read.

        Args:
            inputs: paths, folders, globs, arrays (H, W, 3) of uint8, BGR, PIL images, or an
                iterable of these; see `ImageStream`.
            methods: of `METHODS`.
            against: an image that 'similarity' compares with.
            identity: that 'identity' explains, an index of the classifier; None: for each image
                the one of the highest score.

        Raises:
            FileNotFoundError, TypeError, ValueError: if an input is no image, or an argument does
                not fit the model.
            ImportError: if Grad-CAM is asked for and pytorch_grad_cam is not installed.
        """
        self._check(methods, against)
        self.unreadable = {}
        other = None if against is None else self._embed(against)
        scores = IdentityScores(self._model) if 'identity' in methods else None
        if identity is not None and scores is not None:
            check_int('identity', identity, 0, self._model.head.num_classes - 1)
        compute = dict(
            energy=self._energy,
            similarity=lambda images: self._similarity(images, other),
            identity=lambda images: self._identity(images, scores, identity),
        )
        found = []
        for batch in self._load(inputs):
            results = {method: compute[method](batch.inputs) for method in methods}
            for i, (name, image) in enumerate(zip(batch.names, batch.seen)):
                notes = [notes[i] for _, notes in results.values() if notes[i]]
                maps = {method: maps[i] for method, (maps, _) in results.items()}
                found.append(AttentionMaps(name, image, maps, ', '.join(notes)))
        return found

    @property
    def _model(self) -> nn.Module:
        return self.inferencer.model

    def _check(self, methods: Sequence[str], against: Any) -> None:
        wrong = [method for method in methods if method not in METHODS]
        if wrong or not methods or isinstance(methods, str):
            raise ValueError(f'methods={methods!r}: expected a list of some of {METHODS}')
        if 'similarity' in methods and against is None:
            raise ValueError(
                "the method 'similarity' compares with another image: name it (against)"
            )

    def _embed(self, against: Any) -> Tensor:
        batch = next(self._load(against), None)
        if batch is None or len(batch.names) > 1:
            raise ValueError(
                f'against is one image that can be read, got {against!r}: '
                f'{self.unreadable or "several"}'
            )
        with torch.no_grad():
            return self._model(batch.inputs, mode='tensor')[0]

    def _energy(self, inputs: Tensor) -> tuple[np.ndarray, list[str]]:
        layer = find_layer(self._model, inputs, self.layer)
        found = energy(layer_output(self._model, inputs, layer))
        return spread(found, tuple(inputs.shape[2:])), [''] * len(inputs)

    def _similarity(self, inputs: Tensor, other: Tensor) -> tuple[np.ndarray, list[str]]:
        layer = find_layer(self._model, inputs, self.layer, for_gradient=True)
        target = SimilarityTarget(other)
        maps = grad_cam(self._model, inputs, [target] * len(inputs), layer)
        with torch.no_grad():
            outputs = self._model(inputs, mode='tensor')
        return maps, [f'similarity {target(output):.3f}' for output in outputs]

    def _identity(
        self, inputs: Tensor, scores: nn.Module, identity: int | None
    ) -> tuple[np.ndarray, list[str]]:
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
            self.unreadable |= {
                image.name: image.sample for image in loaded if isinstance(image.sample, str)
            }
            readable = [image for image in loaded if not isinstance(image.sample, str)]
            if readable:
                yield self._prepare(
                    [image.name for image in readable], [image.sample for image in readable]
                )

    def _prepare(self, names: list[str], samples: list[Mapping[str, Any]]) -> _Batch:
        preprocessor = self._model.data_preprocessor
        inputs = preprocessor(pseudo_collate(samples), False)['inputs']
        pixels = inputs
        if getattr(preprocessor, '_enable_normalize', False):
            pixels = inputs * preprocessor.std + preprocessor.mean
        if not getattr(preprocessor, 'to_rgb', False):
            pixels = pixels.flip(1)
        seen = pixels.round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
        return _Batch(names, inputs, [np.ascontiguousarray(image) for image in seen])
