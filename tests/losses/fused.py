"""Tensors, terms and losses of one's own for the tests of the fused loss."""

import torch
from torch import nn
from torch.nn import functional as F

from tests.oracles import losses as oracle

X, Y, W = oracle.fixture()
X, W = X.float(), W.float()
TENSORS = dict(
    pooled=X, bn=X - X.mean(0), logits=1.5 * X @ W.T, cosines=F.normalize(X) @ F.normalize(W).T
)
CIRCLE = dict(
    type='reid_fusedloss.CircleLoss',
    reads='cosines',
    weight=1.0,
    form='class',
    margin=0.35,
    gamma=64,
)
TRIPLET = dict(type='reid_fusedloss.TripletLoss', reads='pooled', weight=2.0)
CENTER = dict(
    type='reid_fusedloss.CenterLoss', reads='pooled', weight=0.005, num_classes=6, feat_dims=8
)
ID = dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=1.0, label_smoothing=0.1)


class Paired(nn.Module):
    """In the manner of pytorch-metric-learning: embeddings and labels, further arguments unused."""

    def forward(self, embeddings, labels, indices_tuple=None, ref_emb=None, ref_labels=None):
        return embeddings.square().mean()


class Distance:
    def __init__(self, power=1):
        self.power = power


class Miner(nn.Module):
    """In the manner of pytorch-metric-learning: indices of what a loss is to look at."""

    def __init__(self, distance):
        super().__init__()
        self.distance = distance

    def forward(self, embeddings, labels):
        return torch.arange(self.distance.power)


class Base(nn.Module):
    def __init__(self, num_classes=None, embedding_size=None, distance=None, reducers=()):
        super().__init__()
        self.sizes, self.distance, self.reducers = (num_classes, embedding_size), distance, reducers


class Nested(Base):
    """Hands keywords on to its parent, and takes other parts ready made."""

    def __init__(self, loss=None, **kwargs):
        super().__init__(**kwargs)
        self.loss = loss

    def forward(self, embeddings, labels, indices_tuple=None):
        kept = embeddings if indices_tuple is None else embeddings[indices_tuple]
        return kept.sum() ** self.distance.power


class WithMiner(Nested):
    def __init__(self, miner, **kwargs):
        super().__init__(**kwargs)
        self.own_miner = miner


class Strict(Base):
    """Hands no keywords on: it takes no sizes, whatever its parent takes."""

    def __init__(self, power=2):
        super().__init__(num_classes=0)
        self.power = power

    def forward(self, embeddings, labels, indices_tuple=None):
        kept = embeddings if indices_tuple is None else embeddings[indices_tuple]
        return kept.sum() ** self.power


class Looking(nn.Module):
    def forward(self, tensor, labels):
        self.dtypes = tensor.dtype, (tensor @ tensor.T).dtype
        return tensor.sum()


def local(name, **keys):
    return dict(type=f'{__name__}.{name}', **keys)
