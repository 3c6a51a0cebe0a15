"""BNNeck head of the strong baseline."""

from collections.abc import Collection, Sequence

from torch import Tensor, nn

from ...checks import check_names
from ...registry import MODELS
from .linear_head import LinearReIDHead


@MODELS.register_module()
class BNNeckHead(LinearReIDHead):
    """Batch normalisation between the pooled feature and the classifier.

    BNNeck of Luo et al., "Bag of Tricks and a Strong Baseline for Deep Person Re-identification",
    CVPRW 2019, section 3.5: metric losses read the feature before it (`pooled`), classification
    reads the one after it (`bn`, `logits`, `cosines`). Its bias is frozen at 0 and the classifier
    has none, so that both feature spaces keep the origin.

    Args:
        num_classes: as in `LinearReIDHead`.
        in_channels: channels of the neck's output.
        loss: as in `LinearReIDHead`.
        test_feature: the embedding that is tested, 'bn' or 'pooled', or several: the first is the
            one that counts, the others are there to be compared (`ReIDMetric(compare=True)`).
        embedding_dims: as in `LinearReIDHead`; the reduction comes before the normalisation.
        init_cfg: as in `LinearReIDHead`.

    Raises:
        ValueError: as `LinearReIDHead`, and if `test_feature` names anything but 'bn' and 'pooled'.
    """

    tensors_offered = ('pooled', 'bn', 'logits', 'cosines')

    def __init__(
        self,
        num_classes: int | None,
        in_channels: int,
        loss: dict,
        test_feature: str | Sequence[str] = 'bn',
        embedding_dims: int | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        names = check_names('test_feature', test_feature, ('bn', 'pooled'))
        super().__init__(num_classes, in_channels, loss, False, embedding_dims, init_cfg)
        self.test_features = names
        self.bn = nn.BatchNorm1d(self.feat_dims)
        self.bn.bias.requires_grad_(False)
        self.bn.weight.requires_grad_(self.loss_module.reads != {'pooled'})

    def embeddings(self, feats: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """After or before the normalisation, as `test_feature` says; see `LinearReIDHead`."""
        pooled = self.reduced(feats)
        return {name: self.bn(pooled) if name == 'bn' else pooled for name in self.test_features}

    def tensors(self, pooled: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """The tensors of these names for a batch; see `LinearReIDHead.tensors`."""
        bn = self.bn(pooled)
        return {'pooled': pooled, 'bn': bn, **self._classify(bn, names)}
