"""Centre loss."""

import torch
from mmengine.dist import all_gather, all_reduce, broadcast, get_world_size
from torch import Tensor, nn
from torch.nn import functional as F

from ..checks import check_choice, check_int, check_number, check_tensor_size
from ..functional.center import REDUCTIONS, UPDATES, center_loss, center_step, class_means
from ..functional.losses import check_class_labels
from ..registry import MODELS

INITS = ('normal', 'zeros', 'class_mean')


@MODELS.register_module()
class CenterLoss(nn.Module):
    """Centre loss (Wen et al., ECCV 2016) that keeps and updates its own centres.

    The centres are a float32 buffer: they are saved with the model, but the optimizer does not
    change them, so neither weight decay nor the term's weight affects them. Each forward in
    training mode with gradients enabled updates them once with the samples of all ranks, so that
    they are bit-equal on all ranks; the loss of that forward uses the centres before the update.
    Samples that are not finite do not change the centres. The host never waits for the device.

    Args:
        num_classes: number of identities.
        feat_dims: size C of the features.
        lr: step size of the update (alpha in Wen et al.).
        update: 'sgd': a step of SGD(lr) on the mean form of the loss, whatever the reduction; it
            equals the second optimizer of BoT, whose gradient is divided by the weight. 'wen':
            Wen et al., eq. 4. See `center_step`.
        init: 'normal': standard normal (BoT). 'zeros'. 'class_mean': a centre is NaN until its
            class first occurs in training, then starts from its mean feature in that batch.
        reduction: 'mean' or 'sum', see `center_loss`.

    Raises:
        TypeError: if a size or the lr is not a number.
        ValueError: if a size, the lr or a choice is out of range.
    """

    centers: Tensor

    def __init__(
        self,
        num_classes: int,
        feat_dims: int,
        lr: float = 0.5,
        update: str = 'sgd',
        init: str = 'normal',
        reduction: str = 'mean',
    ) -> None:
        super().__init__()
        check_int('num_classes', num_classes)
        check_int('feat_dims', feat_dims)
        check_tensor_size(num_classes=num_classes, feat_dims=feat_dims)
        check_number('lr', lr)
        if lr <= 0:
            raise ValueError(f'lr={lr} must be > 0')
        check_choice('update', update, UPDATES)
        check_choice('init', init, INITS)
        check_choice('reduction', reduction, REDUCTIONS)
        self.lr = lr
        self.update = update
        self.init = init
        self.reduction = reduction
        self._batch_size = 0  # largest batch of all ranks in the first update
        centers = torch.zeros(num_classes, feat_dims)
        if init == 'normal':
            centers.normal_()
        elif init == 'class_mean':
            centers.fill_(torch.nan)
        self.register_buffer('centers', centers)

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Compute the loss of features (B, C) with labels (B,); in training, update the centres.

        Raises:
            ValueError: if C is not `feat_dims`, a label is out of range, or on several ranks a
                batch is larger than the first batches of all ranks.
        """
        if features.shape[1:] != self.centers.shape[1:]:
            raise ValueError(
                f'CenterLoss(feat_dims={self.centers.shape[1]}) got features of '
                f'shape {tuple(features.shape)}'
            )
        check_class_labels(labels, len(self.centers))
        learns = self.training and torch.is_grad_enabled()
        batch = self._all_ranks(features.detach().float(), labels.long()) if learns else None
        if batch and self.init == 'class_mean':
            self._start_new(*batch)
        own = self.centers[labels.long()]
        # a class that did not occur in training has no centre: the loss of its samples is 0
        own = torch.where(own.isnan(), features.detach(), own)
        if batch:
            self._step(*batch)
        rows = torch.arange(len(labels), device=labels.device)
        return center_loss(features, rows, own, reduction=self.reduction)

    def _all_ranks(self, features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Gather the samples of all ranks, in the order of the ranks.

        All ranks send as many rows as the largest of the first batches has, so that they need not
        exchange batch sizes; missing rows are NaN and are ignored.
        """
        if get_world_size() == 1:
            return features, labels
        if not self._batch_size:
            broadcast(self.centers)
            largest = torch.tensor([len(labels)])
            all_reduce(largest, op='max')
            self._batch_size = int(largest)
        missing = self._batch_size - len(labels)
        if missing < 0:
            raise ValueError(
                f'CenterLoss got {len(labels)} samples, but the first batches of all '
                f'ranks had at most {self._batch_size}: use batches of one size'
            )
        features = F.pad(features, (0, 0, 0, missing), value=torch.nan)
        labels = F.pad(labels, (0, missing))
        return (
            torch.cat(all_gather(features.contiguous())),
            torch.cat(all_gather(labels.contiguous())),
        )

    def _start_new(self, features: Tensor, labels: Tensor) -> None:
        centers = self.centers[labels]
        means = class_means(features, labels).to(centers)
        self.centers[labels] = torch.where(centers.isnan(), means, centers)

    def _step(self, features: Tensor, labels: Tensor) -> None:
        self.centers[labels] = center_step(
            features, labels, self.centers, lr=self.lr, update=self.update
        ).to(self.centers)

    def extra_repr(self) -> str:
        """Return the settings for `print(model)`."""
        num_classes, feat_dims = self.centers.shape
        return (
            f'num_classes={num_classes}, feat_dims={feat_dims}, lr={self.lr}, '
            f'update={self.update!r}, init={self.init!r}, reduction={self.reduction!r}'
        )
