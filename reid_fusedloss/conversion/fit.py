"""Compare weights with a model, the same way wherever the package loads weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

from torch import Tensor

BACKBONE = 'backbone.'
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
        """Refuse weights of another backbone; the caller handles a head of another size.

        Raises:
            ValueError: if a weight of the backbone is missing or unknown, or a weight outside the
                head has another shape.
        """
        if self.misshapen:
            theirs, ours = self.shapes[self.misshapen[0]]
            raise ValueError(
                f'{len(self.misshapen)} weights have another shape than the model '
                f'({self.misshapen[0]}: {theirs} in the file, {ours} in the model): the config '
                'is of another network or width'
            )
        missing = [name for name in self.missing if name.startswith(BACKBONE)]
        if missing:
            raise ValueError(
                f'{len(missing)} weights of the backbone are not in the file '
                f'({missing[0]}, ...): the config is of another network'
            )
        unknown = [name for name in self.unknown if name.startswith(BACKBONE)]
        if unknown:
            raise ValueError(
                f'the backbone has no place for {len(unknown)} weights of the file '
                f'({unknown[0]}, ...): the config is of another network'
            )

    @property
    def misshapen(self) -> list[str]:
        """Names of weights outside the head whose shapes differ."""
        return [name for name in self.shapes if not name.startswith('head.')]


def compare(
    weights: Mapping[str, Tensor], own: Mapping[str, Tensor], *, adaptable: bool = True
) -> Fit:
    """Compare names and shapes of weights with those of a model's state dict.

    The number of batches that a batch normalisation has seen does not count: PyTorch stores it
    since 0.4.1, and nothing here needs it.

    Args:
        weights: name -> tensor, by the model's names.
        own: state dict of the model.
        adaptable: accept a classifier of another number of identities, and a square of position
            embeddings of another size, which is resized while it is loaded.
    """
    shapes = {
        name: (tuple(value.shape), tuple(own[name].shape))
        for name, value in weights.items()
        if name in own
        and value.shape != own[name].shape
        and not (adaptable and _is_adaptable(name, value, own[name]))
    }
    return Fit(
        [name for name in own if name not in weights and not name.endswith(COUNTED)],
        [name for name in weights if name not in own],
        shapes,
    )


def _is_adaptable(name: str, value: Tensor, own: Tensor) -> bool:
    if name == POSITIONS:
        patches = value.shape[1] - 1  # without the class token
        return isqrt(patches) ** 2 == patches
    return name.startswith('head.classifier.') and value.shape[1:] == own.shape[1:]
