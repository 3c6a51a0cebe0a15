"""Embeddings of a few identities in two dimensions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ..checks import check_choice
from ..functional.distance import DISTANCES
from .canvas import PathLike, figure_to_array, save_png
from .panels import GREY, MARKERS, PALETTE, add_legend, make_panels, style_panel

METHODS = ('pca', 'tsne')
QUERY_STYLE: dict[str, Any] = dict(s=80, linewidths=1.1, edgecolors='black', zorder=3)
GALLERY_STYLE: dict[str, Any] = dict(s=24, alpha=0.7, linewidths=0, edgecolors='none', zorder=2)
MAX_IDENTITIES = 40  # of a picture: more colours and markers are hard to tell apart


@dataclass(frozen=True)
class Projection:
    """Images as points in the plane.

    Attributes:
        points: shape (N, 2).
        pids: identities, shape (N,).
        is_query: shape (N,), bool.
        axes: names of the two coordinates.
    """

    points: np.ndarray
    pids: np.ndarray
    is_query: np.ndarray
    axes: tuple[str, str]


def choose_identities(
    query_pids: np.ndarray, gallery_pids: np.ndarray, num: int, seed: int = 0
) -> list:
    """Draw identities that have images in query and gallery, sorted.

    Args:
        query_pids: shape (Q,), integers or strings.
        gallery_pids: shape (G,).
        num: how many; all of them if there are fewer.
        seed: of the draw.

    Raises:
        ValueError: if num is not from 1 to 40, or query and gallery have no identity in common.
    """
    if not 1 <= num <= MAX_IDENTITIES:
        raise ValueError(f'a picture shows 1 to {MAX_IDENTITIES} identities, got {num}')
    common = np.intersect1d(query_pids, gallery_pids)
    if not len(common):
        raise ValueError('query and gallery have no identity in common')
    chosen = np.random.default_rng(seed).permutation(len(common))[:num]
    return common[np.sort(chosen)].tolist()


def project(
    query: np.ndarray,
    gallery: np.ndarray,
    query_pids: np.ndarray,
    gallery_pids: np.ndarray,
    pids: Sequence,
    *,
    method: str = 'pca',
    distance: str = 'cosine',
    seed: int = 0,
) -> Projection:
    """Project the images of some identities into the plane.

    Args:
        query: features, shape (Q, C).
        gallery: features, shape (G, C).
        query_pids: shape (Q,), integers or strings.
        gallery_pids: shape (G,).
        pids: identities to show.
        method: 'pca': the two directions of largest variance of these images; 'tsne': t-SNE (van
            der Maaten & Hinton, JMLR 2008), which preserves neighbours and needs scikit-learn.
        distance: 'cosine': features are normalised first; 'euclidean': used as they are.
        seed: of t-SNE.

    Raises:
        ModuleNotFoundError: if the method is t-SNE and scikit-learn is not installed.
        ValueError: if the method or distance is unknown, an identity has no image, or there are
            fewer than three images.
    """
    check_choice('method', method, METHODS)
    check_choice('distance', distance, DISTANCES)
    labels = np.concatenate([query_pids, gallery_pids])
    unknown = [pid for pid in pids if pid not in labels]
    if unknown:
        raise ValueError(
            f'no image of identities {unknown}: there are {labels.min()} to {labels.max()}'
            if labels.dtype.kind in 'iu'
            else f'no image of identities {unknown}: {labels[0]!r} is one, for example'
        )
    kept = np.isin(labels, list(pids))
    if kept.sum() < 3:
        raise ValueError(f'{kept.sum()} images are too few, at least 3: choose more identities')
    features = np.concatenate([query, gallery])[kept].astype(np.float64)
    if distance == 'cosine':
        features /= np.linalg.norm(features, axis=1, keepdims=True).clip(np.finfo(float).tiny)
    points, axes = _pca(features) if method == 'pca' else _tsne(features, seed)
    return Projection(points, labels[kept], np.flatnonzero(kept) < len(query), axes)


def save_embedding(models: Mapping[str, Projection], out_png: PathLike, *, title: str = '') -> Path:
    """Draw the images of some identities, one panel per model, one colour and marker per identity.

    Args:
        models: by name, from `project`, all of the same identities.
        out_png: the picture; written whole or not at all.
        title: of the picture.

    Raises:
        ValueError: if there is no model, or they show different identities.
    """
    shown = {name: np.unique(model.pids).tolist() for name, model in models.items()}
    if not shown or any(pids != next(iter(shown.values())) for pids in shown.values()):
        raise ValueError(f'expected models that show the same identities, got {shown}')
    pids = next(iter(shown.values()))
    figure, panels = make_panels(
        len(models),
        title=title or 'embeddings of some identities',
        panel=(5.0, 4.6),
        extra=(1.1 + 0.8 * (len(pids) > 20), 0.5),
    )
    for axes, (name, model) in zip(panels, models.items()):
        style_panel(axes, name, *model.axes)
        _draw_points(axes, model, pids)
    light = '#CCCCCC'
    samples = [
        _sample('query', 'o', light, markersize=9, markeredgecolor='black'),
        _sample('gallery', 'o', light, markersize=5, markeredgecolor=light),
        *(_sample(f'id {pid}', _marker(i), _color(i), markersize=6) for i, pid in enumerate(pids)),
    ]
    add_legend(figure, handles=samples, loc='outside right upper', ncols=1 + (len(pids) > 20))
    return save_png(figure_to_array(figure), out_png)


def _sample(label: str, marker: str, color: str, **style: Any) -> Line2D:
    return Line2D([], [], linestyle='', label=label, marker=marker, color=color, **style)


def _draw_points(axes: Axes, model: Projection, pids: list) -> None:
    for i, pid in enumerate(pids):
        for is_query in (False, True):
            x, y = model.points[(model.pids == pid) & (model.is_query == is_query)].T
            style = QUERY_STYLE if is_query else GALLERY_STYLE
            axes.scatter(x, y, marker=_marker(i), color=_color(i), **style)
    axes.axhline(0, color=GREY, linewidth=0.6, zorder=1)
    axes.axvline(0, color=GREY, linewidth=0.6, zorder=1)
    axes.set_aspect('equal', adjustable='datalim')


def _pca(features: np.ndarray) -> tuple[np.ndarray, tuple[str, str]]:
    """Project on two principal components, each signed so that its largest weight is positive."""
    centred = features - features.mean(0)
    directions, scales, weights = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(weights[np.arange(len(weights)), np.abs(weights).argmax(1)])
    points = np.zeros((len(features), 2))
    points[:, : len(scales)] = (directions * scales * signs)[:, :2]
    share = np.zeros(2)
    share[: len(scales)] = 100 * (scales**2)[:2] / max((scales**2).sum(), np.finfo(float).tiny)
    first, second = (
        f'{name} principal component ({part:.0f} % of the variance)'
        for name, part in zip(('first', 'second'), share)
    )
    return points, (first, second)


def _tsne(features: np.ndarray, seed: int) -> tuple[np.ndarray, tuple[str, str]]:
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        raise ModuleNotFoundError(
            "t-SNE needs scikit-learn: pip install scikit-learn, or use method='pca'"
        ) from None
    perplexity = min(30.0, (len(features) - 1) / 3)
    points = TSNE(perplexity=perplexity, init='pca', random_state=seed).fit_transform(features)
    return points, (
        f't-SNE, perplexity {perplexity:.0f}, first coordinate (no unit)',
        'second coordinate (no unit)',
    )


def _color(number: int) -> str:
    return PALETTE[number % len(PALETTE)]


def _marker(number: int) -> str:
    return MARKERS[number % len(MARKERS)]
