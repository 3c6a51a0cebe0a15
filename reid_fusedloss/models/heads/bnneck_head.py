"""BNNeck head of the strong baseline."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from ...checks import check_names
from ...registry import MODELS
from ..parts import InitConfig
from .linear_head import LinearReIDHead


@MODELS.register_module()
class BNNeckHead(LinearReIDHead):
    """Head with batch normalisation between the pooled feature and the classifier.

    BNNeck of Luo et al., "Bag of Tricks and a Strong Baseline for Deep Person Re-identification",
    CVPRW 2019, section 3.5: metric losses read the feature before the normalisation (`pooled`),
    classification losses the feature after it (`bn`, `logits`, `cosines`). The bias of the
    normalisation is frozen at 0 and the classifier has none, so that both feature spaces keep the
    origin.

    Args:
        num_classes: as in `LinearReIDHead`.
        in_channels: channels of the neck's output.
        loss: as in `LinearReIDHead`.
        test_feature: the embedding to test, 'bn' or 'pooled', or both: the first is the main one,
            the other is for comparison (`ReIDMetric(compare=True)`).
        embedding_dims: as in `LinearReIDHead`; the reduction comes before the normalisation.
        init_cfg: as in `LinearReIDHead`.

    Raises:
        ValueError: as `LinearReIDHead`, and if `test_feature` is neither 'bn' nor 'pooled' nor
            both.
    """

    tensors_offered = ('pooled', 'bn', 'logits', 'cosines')

    def __init__(
        self,
        num_classes: int | None,
        in_channels: int,
        loss: Mapping[str, Any],
        test_feature: str | Sequence[str] = 'bn',
        embedding_dims: int | None = None,
        init_cfg: InitConfig = None,
    ) -> None:
        names = check_names('test_feature', test_feature, ('bn', 'pooled'))
        super().__init__(num_classes, in_channels, loss, False, embedding_dims, init_cfg)
        self.test_features = names
        self.bn = nn.BatchNorm1d(self.feat_dims)
        self.bn.bias.requires_grad_(False)
        self.bn.weight.requires_grad_(self.loss_module.reads != {'pooled'})

    def embeddings(self, feats: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Return the features that `test_feature` names; see `LinearReIDHead`."""
        pooled = self.reduced(feats)
        return {name: self.bn(pooled) if name == 'bn' else pooled for name in self.test_features}

    def tensors(self, pooled: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """Return the named tensors for a batch; see `LinearReIDHead.tensors`."""
        bn = self.bn(pooled)
        return {'pooled': pooled, 'bn': bn, **self._classify(bn, names)}
