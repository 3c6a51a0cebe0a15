"""Part-based head with one feature and one classifier for each horizontal stripe."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...checks import check_int, check_names, check_number, check_tensor_size
from ...registry import MODELS
from ..parts import InitConfig, build_part
from .linear_head import LinearReIDHead

START: list[dict[str, Any]] = [
    dict(type='Normal', layer='Linear', std=0.001),
    dict(type='Kaiming', layer='Conv2d'),
]


@MODELS.register_module()
class PCBHead(LinearReIDHead):
    """Part-based convolutional baseline (PCB) of Sun et al., "Beyond Part Models", ECCV 2018.

    The map is averaged into horizontal stripes, a 1x1 convolution with BN and ReLU reduces them,
    and each stripe has its own classifier. As in the authors' code, the stripes share the
    convolution, and each part of a tested feature is L2-normalised. Refined part pooling (RPP) is
    not implemented. Stripes overlap if their number does not divide the height.

    The head reads the backbone's map: set `neck=None`. Its tensors:

    - `pooled`: the stripes, g in the paper, concatenated, shape (B, num_parts * C);
    - `bn`: the reduced stripes, h in the paper, concatenated, shape (B, num_parts * part_dims);
    - `logits`: shape (B, num_parts, num_classes), for a `PartwiseLoss`.

    Args:
        num_classes: as in `LinearReIDHead`.
        in_channels: C, channels of the map.
        loss: as in `LinearReIDHead`; `feat_dims` is the size of `pooled`, so a term that takes it
            and reads `bn` has to set its own.
        num_parts: number of stripes, 6 in the paper.
        part_dims: channels of a reduced stripe, 256 in the paper.
        dropout: probability of dropping a value of a stripe before the reduction.
        test_feature: the embedding to test, 'pooled' (G in the paper) or 'bn' (H), or both: the
            first is the main one.
        init_cfg: as in MMEngine; by default classifiers start at N(0, 0.001) and the reduction as
            in He et al.

    Raises:
        ValueError: as `LinearReIDHead`, and if an argument is out of range.
    """

    tensors_offered = ('pooled', 'bn', 'logits')

    def __init__(
        self,
        num_classes: int | None,
        in_channels: int,
        loss: Mapping[str, Any],
        num_parts: int = 6,
        part_dims: int = 256,
        dropout: float = 0.0,
        test_feature: str | Sequence[str] = 'pooled',
        init_cfg: InitConfig = None,
    ) -> None:
        if num_classes is not None:
            check_int('num_classes', num_classes)
        check_int('in_channels', in_channels)
        check_int('num_parts', num_parts)
        check_int('part_dims', part_dims)
        check_tensor_size(num_classes=num_classes or 1, num_parts=num_parts, part_dims=part_dims)
        check_tensor_size(in_channels=in_channels, part_dims=part_dims)
        check_number('dropout', dropout)
        if not 0 <= dropout < 1:
            raise ValueError(f'dropout={dropout} must be >= 0 and < 1')
        names = check_names('test_feature', test_feature, ('pooled', 'bn'))
        if not isinstance(loss, Mapping):
            raise TypeError(f'loss must be a dict with `type`, such as FusedLoss, got {loss!r}')
        loss = {'feat_dims': num_parts * in_channels, **loss}
        super().__init__(num_classes, in_channels, loss, init_cfg=init_cfg or START)
        self.num_parts, self.part_dims = num_parts, part_dims
        self.test_features = names
        self.reduction = nn.Sequential(
            nn.Dropout(dropout),
            nn.Conv2d(in_channels, part_dims, 1, bias=False),
            nn.BatchNorm2d(part_dims),
            nn.ReLU(),
        )
        self.classifier = nn.ModuleList(
            nn.Linear(part_dims, num_classes or 1) for _ in range(num_parts)
        )
        self.reduction.requires_grad_(self.loss_module.reads != {'pooled'})
        self.classifier.requires_grad_('logits' in self.loss_module.reads)

    @property
    def out_channels(self) -> int:
        """C of `forward`; see `LinearReIDHead`."""
        reduced = self.test_features[0] == 'bn'
        return self.num_parts * (self.part_dims if reduced else self.in_channels)

    def embeddings(self, feats: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Return the features that `test_feature` names: G, H or both.

        G has the shape (B, num_parts * C), H (B, num_parts * part_dims).

        Raises:
            ValueError: as `tensors`.
        """
        stripes = self._stripes(feats[-1])
        found = {
            name: self.reduction(stripes) if name == 'bn' else stripes
            for name in self.test_features
        }
        return {
            name: F.normalize(_part_by_part(parts), dim=2).flatten(1)
            for name, parts in found.items()
        }

    def tensors(self, feature_map: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """Return the named tensors for a batch, without normalising the parts.

        Args:
            feature_map: output of the backbone, shape (B, C, H, W).
            names: some of `tensors_offered`.

        Raises:
            ValueError: if it is not a map of C channels with a row for each stripe.
        """
        stripes = self._stripes(feature_map)
        tensors = {'pooled': _part_by_part(stripes).flatten(1)}
        if {'bn', 'logits'} & set(names):
            reduced = _part_by_part(self.reduction(stripes))
            tensors['bn'] = reduced.flatten(1)
        if 'logits' in names:
            tensors['logits'] = torch.stack(
                [classify(part) for classify, part in zip(self.classifier, reduced.unbind(1))], 1
            )
        return tensors

    def reduced(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return the map (B, C, H, W), which `tensors` checks and reduces."""
        return feats[-1]

    def _stripes(self, feature_map: Tensor) -> Tensor:
        """Average the stripes, to shape (B, C, num_parts, 1)."""
        shape = tuple(feature_map.shape)
        if len(shape) != 4:
            raise ValueError(
                f'PCBHead needs the map of the backbone, (B, C, H, W), got shape '
                f'{shape}: set neck=None'
            )
        if shape[1] != self.in_channels:
            raise ValueError(
                f'PCBHead(in_channels={self.in_channels}) got a map of {shape[1]} '
                f'channels: set in_channels={shape[1]}'
            )
        if shape[2] < self.num_parts:
            raise ValueError(
                f'a map of height {shape[2]} cannot be split into {self.num_parts} stripes: use '
                'higher images, a last stride of 1, or a smaller num_parts'
            )
        return F.adaptive_avg_pool2d(feature_map, (self.num_parts, 1))


@MODELS.register_module()
class PartwiseLoss(nn.Module):
    """Sum of a loss over the parts of a head, for the `logits` of `PCBHead`.

    Args:
        loss: config of a module `(tensor, labels) -> scalar`, applied to each part.

    Raises:
        TypeError: if it is not a module.

    Example, in a config::

        id=dict(type='reid_fusedloss.PartwiseLoss', reads='logits', weight=1.,
                loss=dict(type='torch.nn.CrossEntropyLoss'))
    """

    def __init__(self, loss: Mapping[str, Any]) -> None:
        super().__init__()
        self.loss = build_part('loss', loss)

    def forward(self, parts: Tensor, labels: Tensor) -> Tensor:
        """Compute the loss of parts (B, num_parts, *) with integer identities (B,), a scalar.

        Raises:
            ValueError: if the tensor has no dimension for the parts.
        """
        if parts.ndim < 3:
            raise ValueError(
                'PartwiseLoss needs a tensor (B, num_parts, *), such as the logits of '
                f'PCBHead; got shape {tuple(parts.shape)}'
            )
        return torch.stack([self.loss(part, labels) for part in parts.unbind(1)]).sum()


def _part_by_part(parts: Tensor) -> Tensor:
    """Reorder (B, C, num_parts, 1) to (B, num_parts, C)."""
    return parts.squeeze(3).transpose(1, 2)
