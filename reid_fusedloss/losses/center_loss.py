import math

import torch
from mmengine.dist import all_gather, broadcast, get_world_size
from torch import Tensor, nn

from ..functional.center import REDUCTIONS, UPDATES, center_loss, center_step, class_means
from ..functional.losses import check_class_labels
from ..registry import MODELS

INITS = ('normal', 'zeros', 'class_mean')


@MODELS.register_module()
class CenterLoss(nn.Module):
    """Centre loss (Wen et al., ECCV 2016) that keeps and updates its own centres.

    The centres are a float32 buffer: saved with the model, out of the optimizer's reach, so free
    of weight decay and of the term's weight. Every forward in training mode with gradients on is
    followed by one update with the samples of all ranks, so the centres are bit-equal on all
    ranks; the loss of that forward uses the centres from before it. Samples that are not finite
    do not reach the centres.

    Args:
        num_classes: number of identities.
        feat_dims: size C of the features.
        lr: step length of the update (Wen et al. call it alpha).
        update: 'sgd': a step of SGD(lr) on the mean form of the loss, whatever the reduction; it
            equals the second optimizer of BoT, whose gradient is divided by the weight. 'wen':
            Wen et al., eq. 4. See `center_step`.
        init: 'normal': standard normal (BoT). 'zeros'. 'class_mean': a centre is NaN until its
            class is first met in training, then starts from its mean feature in that batch.
        reduction: 'mean' or 'sum' of `center_loss`.

    Raises:
        ValueError: if a size, the lr or a choice is out of range.
    """

    def __init__(self, num_classes: int, feat_dims: int, lr: float = 0.5, update: str = 'sgd',
                 init: str = 'normal', reduction: str = 'mean') -> None:
        super().__init__()
        if num_classes < 1 or feat_dims < 1:
            raise ValueError(f'num_classes={num_classes} and feat_dims={feat_dims} must be >= 1')
        if not (math.isfinite(lr) and lr > 0):
            raise ValueError(f'lr={lr} must be finite and > 0')
        for name, value, choices in (('update', update, UPDATES), ('init', init, INITS),
                                     ('reduction', reduction, REDUCTIONS)):
            if value not in choices:
                raise ValueError(f'{name}={value!r} is none of {choices}')
        self.lr = lr
        self.update = update
        self.init = init
        self.reduction = reduction
        self._ranks_agree = False
        centers = torch.zeros(num_classes, feat_dims)
        if init == 'normal':
            centers.normal_()
        elif init == 'class_mean':
            centers.fill_(torch.nan)
        self.register_buffer('centers', centers)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Loss of features (B, C) with labels (B,); in training, also one update of the centres.

        Raises:
            ValueError: if C is not `feat_dims`, a label is out of range, or the ranks' batches
                differ in size.
        """
        if features.shape[1:] != self.centers.shape[1:]:
            raise ValueError(f'CenterLoss(feat_dims={self.centers.shape[1]}) got features of '
                             f'shape {tuple(features.shape)}')
        check_class_labels(labels, len(self.centers))
        learns = self.training and torch.is_grad_enabled()
        batch = self._all_ranks(features.detach().float(), labels.long()) if learns else None
        if batch and self.init == 'class_mean':
            self._start_unmet(*batch)
        own = self.centers[labels.long()]
        # a class not met in training has no centre: its samples count 0
        own = torch.where(own.isnan(), features.detach(), own)
        if batch:
            self._step(*batch)
        rows = torch.arange(len(labels), device=labels.device)
        return center_loss(features, rows, own, reduction=self.reduction)

    def _all_ranks(self, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Finite samples of all ranks, in the order of the ranks."""
        if get_world_size() > 1:
            if not self._ranks_agree:
                broadcast(self.centers)
                self._ranks_agree = True
            sizes = [int(size) for size in all_gather(torch.tensor([len(labels)]))]
            if len(set(sizes)) > 1:
                raise ValueError(f'CenterLoss needs batches of one size on all ranks, got {sizes}: '
                                 'set drop_last=True')
            features = torch.cat(all_gather(features.contiguous()))
            labels = torch.cat(all_gather(labels.contiguous()))
        finite = features.isfinite().all(1)
        return features[finite], labels[finite]

    def _start_unmet(self, features: Tensor, labels: Tensor) -> None:
        classes, means = class_means(features, labels)
        centers = self.centers[classes]
        self.centers[classes] = torch.where(centers.isnan(), means.to(centers), centers)

    def _step(self, features: Tensor, labels: Tensor) -> None:
        classes, centers = center_step(features, labels, self.centers, lr=self.lr,
                                       update=self.update)
        self.centers[classes] = centers.to(self.centers)

    def extra_repr(self) -> str:
        """The settings, for `print(model)`."""
        num_classes, feat_dims = self.centers.shape
        return (f'num_classes={num_classes}, feat_dims={feat_dims}, lr={self.lr}, '
                f'update={self.update!r}, init={self.init!r}, reduction={self.reduction!r}')
