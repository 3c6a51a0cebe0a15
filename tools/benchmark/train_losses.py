"""Losses to time, forward and backward: this package's, other projects', and the matrix product.

Losses of other projects are imported from their checkouts, without the package around them.
"""

import importlib
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType

import torch
from peers import Peer
from torch import Tensor
from torch.nn import functional as F

from reid_fusedloss.functional.cosines import class_cosines
from reid_fusedloss.losses import CenterLoss, CircleLoss, TripletLoss

NUM_INSTANCES = 4
MARGIN, GAMMA, SMOOTHING = 0.35, 64, 0.1
PAIR_MARGIN, PAIR_GAMMA = 0.25, 128
FOLDERS = dict(
    fastreid=('fastreid/modeling/losses', 'fastreid/layers'), torchreid=('torchreid/losses',)
)
Loss = Callable[..., Tensor]


@dataclass(frozen=True)
class Case:
    """A loss at a size.

    Attributes:
        name: for the JSON file.
        title: for the table.
        size: number of samples in a batch.
        build: makes the loss, a function of features (B, C), labels (B,) and, if there are
            classes, rows of a classifier (num_classes, C).
        num_classes: None: the loss uses pairs only.
        reference: name of the case that it is compared with.
        learns_rows: whether the rows get a gradient; centres with their own update do not.
    """

    name: str
    title: str
    size: int
    build: Callable[[], Loss]
    num_classes: int | None = None
    reference: str | None = None
    learns_rows: bool = True

    def bytes_needed(self, width: int) -> int:
        """Upper estimate of the memory."""
        classes = self.num_classes or self.size
        return 2**29 + 4 * (5 * classes * width + 10 * self.size * classes)

    def prepare(self, width: int, device: torch.device) -> Callable[[], None]:
        """Draw the inputs; return a function that runs the loss forward and backward on them."""
        random = torch.Generator().manual_seed(0)
        features = torch.randn(self.size, width, generator=random).to(device).requires_grad_()
        ids = torch.arange(self.size) // NUM_INSTANCES
        labels = (
            ids * (self.num_classes or 1) // max(int(ids[-1]) + 1, 1) if self.num_classes else ids
        ).to(device)
        inputs, learnt = [features, labels], [features]
        if self.num_classes:
            rows = torch.randn(self.num_classes, width, generator=random).mul_(0.02).to(device)
            inputs.append(rows.requires_grad_(self.learns_rows))
            learnt += [rows] if self.learns_rows else []
        loss = self.build()

        def run() -> None:
            torch.autograd.grad(loss(*inputs), learnt)

        return run


def loss_cases(
    sizes: Iterable[int], numbers_of_ids: Sequence[int], width: int, peers: Sequence[Peer]
) -> list[Case]:
    """Make all losses at all sizes, ours before the others, which are compared with it."""
    cases = []
    for size in sizes:
        kinds: list[tuple[str, str, int | None]] = [
            ('triplet', 'triplet, batch hard', None),
            ('circle', 'circle, pairs', None),
        ]
        kinds += [
            (kind, f'{title}, {ids:,} ids', ids)
            for ids in numbers_of_ids
            for kind, title in (('class', 'circle, classes'), ('center', 'centre'))
        ]
        for kind, title, ids in kinds:
            ours = f'{kind}.{size}' + (f'.{ids}' if ids else '')
            cases.append(
                Case(ours, title, size, _own(kind, ids, width), ids, None, kind != 'center')
            )
            cases += [
                Case(f'{owner}.{ours}', f'- {owner}', size, build, ids, ours)
                for owner, build in _others(kind, peers)
            ]
    return cases


def _own(kind: str, ids: int | None, width: int) -> Callable[[], Loss]:
    if kind == 'triplet':
        return lambda: TripletLoss(margin=0.3)
    if kind == 'circle':
        return lambda: _on_features(CircleLoss('anchor', PAIR_MARGIN, PAIR_GAMMA))
    if kind == 'class':
        return lambda: _on_class_cosines(CircleLoss('class', MARGIN, GAMMA, SMOOTHING))
    return lambda: _with_centers(CenterLoss(ids or 0, width))


def _on_features(loss: Loss) -> Loss:
    return lambda features, labels: loss(features, labels)


def _on_class_cosines(loss: Loss) -> Loss:
    return lambda features, labels, rows: loss(class_cosines(features, rows), labels)


def _with_centers(module: CenterLoss) -> Loss:
    """Use the drawn rows as the centres of the centre loss."""

    def loss(features: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
        module.centers = rows
        return module(features, labels)

    return loss


def _others(kind: str, peers: Sequence[Peer]) -> list[tuple[str, Callable[[], Loss]]]:
    """List other implementations of a kind, with their owners."""
    found: list[tuple[str, Callable[[], Loss]]] = []
    if kind == 'center':
        return [('all distances', lambda: dense_center_loss)]
    if kind == 'class':
        found.append(('matrix product', lambda: product_alone))
    for peer in peers:
        if kind == 'triplet' and peer.name == 'torchreid':
            found.append((peer.name, partial(_torchreid_triplet, peer)))
        elif peer.name == 'fastreid':
            found.append((peer.name, partial(_FASTREID[kind], peer)))
    return found


def dense_center_loss(features: Tensor, labels: Tensor, centers: Tensor) -> Tensor:
    """Compute the centre loss from the distances of all samples to all centres.

    The common form, as in BoT's code but written from scratch: (B, num_classes) distances, masked
    except for the own classes; the centres get a dense gradient.
    """
    squares = features.square().sum(1, keepdim=True) + centers.square().sum(1)
    distances = squares - 2 * features @ centers.T
    own = labels[:, None] == torch.arange(len(centers), device=labels.device)
    return (distances * own).clamp(1e-12, 1e12).sum() / len(labels)


def product_alone(features: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
    """Compute the classifier's matrix product and the two of its gradient, without a loss."""
    return F.linear(features, rows).sum()


def _torchreid_triplet(peer: Peer) -> Loss:
    return _module(peer, 'hard_mine_triplet_loss').TripletLoss(0.3)


def _fastreid_class(peer: Peer) -> Loss:
    softmax = _module(peer, 'any_softmax', 1).CircleSoftmax(0, GAMMA, MARGIN)

    def loss(features: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
        logits = F.linear(F.normalize(features), F.normalize(rows))
        return F.cross_entropy(softmax(logits.clone(), labels), labels, label_smoothing=SMOOTHING)

    return loss


def _fastreid_triplet(peer: Peer) -> Loss:
    triplet = _module(peer, 'triplet_loss').triplet_loss
    return lambda features, labels: triplet(features, labels, 0.3, False, True)


def _fastreid_circle(peer: Peer) -> Loss:
    circle = _module(peer, 'circle_loss').pairwise_circleloss
    return lambda features, labels: circle(features, labels, PAIR_MARGIN, PAIR_GAMMA)


_FASTREID = {'triplet': _fastreid_triplet, 'circle': _fastreid_circle, 'class': _fastreid_class}


def _module(peer: Peer, name: str, folder: int = 0) -> ModuleType:
    """Import a file of a checkout, in a package that holds only the files beside it."""
    place = peer.path / FOLDERS[peer.name][folder]
    package = f'{peer.name}_{Path(place).name}'
    if package not in sys.modules:
        sys.modules[package] = ModuleType(package)
        sys.modules[package].__path__ = [str(place)]
    return importlib.import_module(f'{package}.{name}')
