"""Whether weights fit a model."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

from torch import Tensor

POSITIONS = 'backbone.pos_embed'
COUNTED = 'num_batches_tracked'


@dataclass
class Fit:
    """How weights and a model differ.

    Attributes:
        missing: names that the model has and the weights lack.
        unknown: names that the weights have and the model lacks.
        shapes: name -> shapes in the weights and in the model, where they differ.
    """

    missing: list[str]
    unknown: list[str]
    shapes: dict[str, tuple[tuple[int, ...], tuple[int, ...]]]

    def check(self) -> None:
        """Refuse weights of another backbone; a head of another size is the caller's matter.

        Raises:
            ValueError: if a weight of the backbone is missing or has no place, or one outside the
                head has another shape.
        """
        other = [name for name in self.shapes if not name.startswith('head.')]
        if other:
            theirs, ours = self.shapes[other[0]]
            raise ValueError(
                f'{len(other)} weights have another shape than the model '
                f'({other[0]}: {theirs} in the file, {ours} in the model): the config '
                'is of another network or width'
            )
        lacking = [name for name in self.missing if name.startswith('backbone.')]
        if lacking:
            raise ValueError(
                f'{len(lacking)} weights of the backbone are not in the file '
                f'({lacking[0]}, ...): the config is of another network'
            )
        homeless = [name for name in self.unknown if name.startswith('backbone.')]
        if homeless:
            raise ValueError(
                f'the backbone has no place for {len(homeless)} weights of the file '
                f'({homeless[0]}, ...): the config is of another network'
            )


def compare(weights: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> Fit:
    """Compare names and shapes of weights and of a model's state dict.

    The classifier is of other identities where its first size alone differs, and a square of
    position embeddings is resized when it is loaded: neither counts. Nor does the number of batches
    that a batch normalisation has seen, which PyTorch counts since 0.4.1 and nothing here needs.
    """
    shapes = {
        name: (tuple(value.shape), tuple(own[name].shape))
        for name, value in weights.items()
        if name in own
        and value.shape != own[name].shape
        and not (name.startswith('head.classifier.') and value.shape[1:] == own[name].shape[1:])
        and not (name == POSITIONS and _is_square(value))
    }
    return Fit(
        [name for name in own if name not in weights and not name.endswith(COUNTED)],
        [name for name in weights if name not in own],
        shapes,
    )


def _is_square(positions: Tensor) -> bool:
    patches = positions.shape[1] - 1
    return isqrt(patches) ** 2 == patches
