"""BNNeck head of the strong baseline."""
from collections.abc import Collection
from typing import Optional

from torch import Tensor, nn

from ..registry import MODELS
from .linear_head import LinearReIDHead


@MODELS.register_module()
class BNNeckHead(LinearReIDHead):
    """Batch normalisation between the pooled feature and the classifier.

    BNNeck of Luo et al., "Bag of Tricks and a Strong Baseline for Deep Person Re-identification",
    CVPRW 2019, section 3.5: metric losses read the feature before it (`pooled`), classification
    reads the one after it (`bn`, `logits`, `cosines`). Its bias is frozen at 0 and the classifier
    has none, so that both feature spaces keep the origin.

    Args:
        num_classes: identities in the training set.
        in_channels: C, channels of the neck's output.
        loss: as in `LinearReIDHead`.
        test_feature: the embedding that is tested, 'bn' or 'pooled'.
        init_cfg: as in `LinearReIDHead`.

    Raises:
        ValueError: as `LinearReIDHead`, and if `test_feature` is neither 'bn' nor 'pooled'.
    """
    tensors_offered = ('pooled', 'bn', 'logits', 'cosines')

    def __init__(self, num_classes: int, in_channels: int, loss: dict, test_feature: str = 'bn',
                 init_cfg: Optional[dict] = None) -> None:
        if test_feature not in ('bn', 'pooled'):
            raise ValueError(f"test_feature is 'bn' or 'pooled', got {test_feature!r}")
        super().__init__(num_classes, in_channels, loss, bias=False, init_cfg=init_cfg)
        self.test_feature = test_feature
        self.bn = nn.BatchNorm1d(in_channels)
        self.bn.bias.requires_grad_(False)
        self.bn.weight.requires_grad_(self.loss_module.reads != {'pooled'})

    def pre_logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Embedding of the images, shape (B, C): after or before the normalisation."""
        return self.bn(feats[-1]) if self.test_feature == 'bn' else feats[-1]

    def tensors(self, pooled: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """The tensors of these names for a batch; see `LinearReIDHead.tensors`."""
        bn = self.bn(pooled)
        return {'pooled': pooled, 'bn': bn, **self._classify(bn, names)}
