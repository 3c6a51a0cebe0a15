"""Plain head: a linear classifier on the pooled feature."""

import inspect
from collections.abc import Collection, Mapping
from typing import Any

import torch
from mmpretrain.models.heads import ClsHead
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from ...checks import check_flag, check_int, check_tensor_size
from ...functional.cosines import class_cosines
from ...registry import MODELS
from ..parts import InitConfig, build_part, check_init_cfg

CLASSIFIED = {'logits', 'cosines'}


@MODELS.register_module()
class LinearReIDHead(ClsHead):
    """Head whose embedding is the pooled feature, with a linear classifier on it.

    The head computes tensors by name for the terms of the loss, and knows nothing else about the
    terms:

    - `pooled`: the neck's output, reduced if `embedding_dims` is set, shape (B, C);
    - `logits`: the classifier's output, shape (B, num_classes);
    - `cosines`: cosine similarities of the feature and the classifier's rows, shape
      (B, num_classes), always in float32, also under autocast.

    A part that no term reads is not trained: without a term on `logits` or `cosines` the classifier
    is frozen.

    Args:
        num_classes: identities in the training set; None: a provisional head, which can be tested,
            and which `ReIDTrainLoop` replaces when it has counted the identities.
        in_channels: channels of the neck's output.
        loss: config of a module `(tensors, labels) -> dict of losses` with a property `reads`,
            such as `FusedLoss`; it gets `num_classes` and `feat_dims` as defaults.
        bias: whether the classifier has a bias.
        embedding_dims: C, to which a linear layer without bias first reduces the neck's output;
            None: no such layer, C = `in_channels`.
        init_cfg: as in MMEngine; by default the classifier starts at N(0, 0.001) and the reduction
            as in He et al., both as in reid-strong-baseline.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if a size is not positive, or a term reads a tensor that the head does not have.
    """

    tensors_offered: tuple[str, ...] = ('pooled', 'logits', 'cosines')
    classifier: Any  # a Linear; subclasses may have another module

    def __init__(
        self,
        num_classes: int | None,
        in_channels: int,
        loss: Mapping[str, Any],
        bias: bool = True,
        embedding_dims: int | None = None,
        init_cfg: InitConfig = None,
    ) -> None:
        rng_state = torch.get_rng_state()  # the head that replaces it starts from the same state
        is_provisional = num_classes is None
        num_classes = 1 if num_classes is None else num_classes
        check_int('num_classes', num_classes)
        check_int('in_channels', in_channels)
        check_flag('bias', bias)
        if embedding_dims is not None:
            check_int('embedding_dims', embedding_dims)
            check_tensor_size(in_channels=in_channels, embedding_dims=embedding_dims)
        feat_dims = embedding_dims or in_channels
        check_tensor_size(num_classes=num_classes, feat_dims=feat_dims)
        check_init_cfg(init_cfg)
        built = self._build_loss(loss, num_classes, feat_dims)
        super().__init__(loss=built, init_cfg=init_cfg or _start(embedding_dims is not None))
        self.num_classes = None if is_provisional else num_classes
        self.start_state = rng_state if is_provisional else None
        self.in_channels = in_channels
        self.feat_dims = feat_dims
        self.embedding = (
            nn.Identity()
            if embedding_dims is None
            else nn.Linear(in_channels, embedding_dims, bias=False)
        )
        self.classifier = nn.Linear(feat_dims, num_classes, bias=bias)
        # DistributedDataParallel waits for the gradient of whatever can be trained
        self.classifier.weight.requires_grad_(bool(CLASSIFIED & built.reads))
        if bias:
            self.classifier.bias.requires_grad_('logits' in built.reads)
        self._register_load_state_dict_pre_hook(self._keep_own_identities)

    def _build_loss(self, loss: Mapping[str, Any], num_classes: int, feat_dims: int) -> Any:
        built: Any = build_part('loss', loss, num_classes=num_classes, feat_dims=feat_dims)
        if not hasattr(built, 'reads'):
            raise TypeError(
                f'loss must have a property `reads`, as FusedLoss has; {loss["type"]} has none'
            )
        missing = set(built.reads) - set(self.tensors_offered)
        if missing:
            raise ValueError(
                f'{type(self).__name__} has the tensors {self.tensors_offered}, a loss '
                f'term reads {sorted(missing)}: correct `reads`, or use another head'
            )
        return built

    @property
    def out_channels(self) -> int:
        """C of `forward`, under the name that MMDetection's trackers use."""
        return self.feat_dims

    def embeddings(self, feats: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Return the embeddings to test, shape (B, C) each, by name."""
        return dict(pooled=self.reduced(feats))

    def reduced(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return the neck's last output after the reduction, shape (B, C).

        Raises:
            ValueError: if it does not have `in_channels` values for each image.
        """
        name, feature = type(self).__name__, feats[-1]
        if not isinstance(feature, Tensor) or feature.ndim != 2:
            got = (
                f'shape {tuple(feature.shape)}'
                if isinstance(feature, Tensor)
                else f'a {type(feature).__name__}'
            )
            raise ValueError(
                f'{name} needs one feature for each image, (B, C), got {got}: pool a '
                "map by neck=dict(type='GlobalAveragePooling'), or set "
                "out_type='cls_token' of a transformer"
            )
        if feature.shape[1] != self.in_channels:
            raise ValueError(
                f'{name}(in_channels={self.in_channels}) got features of '
                f'{feature.shape[1]} channels from backbone and neck: set '
                f'model.head.in_channels={feature.shape[1]}'
            )
        return self.embedding(feature)

    def pre_logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return the first of `embeddings`, shape (B, C), which is exported."""
        return next(iter(self.embeddings(feats).values()))

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return `pre_logits`."""
        return self.pre_logits(feats)

    def predict(
        self, feats: tuple[Tensor, ...], data_samples: list[DataSample] | None = None
    ) -> list[DataSample]:
        """Store each image's embedding (C,) in its data sample.

        Its field is `embedding`; if several are tested, `embeddings` holds all of them by name.
        """
        named = {name: part.float() for name, part in self.embeddings(feats).items()}
        data_samples = data_samples or [DataSample() for _ in feats[-1]]
        for sample, *row in zip(data_samples, *named.values()):
            sample.set_field(row[0], 'embedding')
            if len(row) > 1:
                sample.set_field(dict(zip(named, row)), 'embeddings')
        return data_samples

    def tensors(self, pooled: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """Return the named tensors for a batch.

        Args:
            pooled: the neck's output after the reduction, shape (B, C).
            names: some of `tensors_offered`.
        """
        return {'pooled': pooled, **self._classify(pooled, names)}

    def loss(
        self,
        feats: tuple[Tensor, ...],
        data_samples: list[DataSample],
        teacher: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Compute the losses of a training batch, as `{'loss_<term>': scalar}`.

        If the data samples have a `gt_score`, as after Mixup and CutMix, the loss gets it too.

        Args:
            feats: of the neck.
            data_samples: with `gt_label`.
            teacher: tensors of a teacher for the same images, which the loss then gets too.

        Raises:
            ValueError: if the head is provisional, or scores are mixed and the loss has no argument
                `scores`.
        """
        if self.num_classes is None:
            raise ValueError(
                'model.head.num_classes=None: ReIDTrainLoop counts the identities of the training '
                "set; with another loop set the number, or train_cfg=dict(type='reid_fusedloss."
                "ReIDTrainLoop', ...)"
            )
        labels = torch.cat([sample.gt_label for sample in data_samples])
        tensors = self.tensors(self.reduced(feats), self.loss_module.reads)
        given: dict[str, Any] = {} if teacher is None else dict(teacher=teacher)
        if 'gt_score' in data_samples[0]:
            scores = torch.stack([sample.gt_score for sample in data_samples])
            if 'scores' in inspect.signature(self.loss_module.forward).parameters:
                given['scores'] = scores
            elif bool((scores.amax(1) < 1).any()):
                raise ValueError(
                    f'{type(self.loss_module).__name__} does not accept `scores`, the targets '
                    'that Mixup and CutMix make: leave the batch augments out'
                )
        return self.loss_module(tensors, labels, **given)

    def _classify(self, features: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        classified = {}
        if 'logits' in names:
            classified['logits'] = self.classifier(features)
        if 'cosines' in names:
            classified['cosines'] = class_cosines(features, self.classifier.weight)
        return classified

    def _keep_own_identities(self, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
        """Keep the weights of a provisional head that depend on the identities."""
        if self.num_classes is None:
            parts = (f'{prefix}classifier.', f'{prefix}loss_module.')
            for name in [name for name in state if name.startswith(parts)]:
                del state[name]
            state.update(
                {
                    name: value
                    for name, value in self.state_dict(prefix=prefix).items()
                    if name.startswith(parts)
                }
            )


def _start(reduces: bool) -> dict[str, Any]:
    start: dict[str, Any] = dict(type='Normal', layer='Linear', std=0.001)
    if reduces:
        start['override'] = dict(type='Kaiming', name='embedding', mode='fan_out')
    return start
