"""Embeddings of a few identities in two dimensions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from .canvas import PathLike, figure_to_array, save_png
from .panels import GREY, MARKERS, PALETTE, add_legend, make_panels, style_panel

METHODS = ('pca', 'tsne')
MAX_IDENTITIES = 40  # of a picture: beyond, faces of colour and marker are hard to tell


@dataclass(frozen=True)
class Projection:
    """Images in the plane.

    Attributes:
        points: shape (N, 2).
        pids: identities, shape (N,).
        is_query: shape (N,), bool.
        axes: what the two coordinates are.
    """

    points: np.ndarray
    pids: np.ndarray
    is_query: np.ndarray
    axes: tuple[str, str]


def choose_identities(
    query_pids: np.ndarray, gallery_pids: np.ndarray, num: int, seed: int = 0
) -> list:
    """Draw identities that have images in query and gallery, in their order.

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
    """Bring the images of some identities into the plane.

    Args:
        query: features, shape (Q, C).
        gallery: features, shape (G, C).
        query_pids: shape (Q,), integers or strings.
        gallery_pids: shape (G,).
        pids: identities to show.
        method: 'pca', the two directions of largest variance of these images; 'tsne', neighbours
            kept (van der Maaten & Hinton, JMLR 2008), which needs scikit-learn.
        distance: 'cosine': features are brought to norm 1 first; 'euclidean': taken as they are.
        seed: of t-SNE.

    Raises:
        ModuleNotFoundError: if t-SNE is asked for and scikit-learn is not installed.
        ValueError: if the method is unknown, an identity has no image, or there are fewer than
            three images.
    """
    if method not in METHODS or distance not in ('cosine', 'euclidean'):
        raise ValueError(
            f"method is one of {METHODS}, distance 'cosine' or 'euclidean', got "
            f'method={method!r}, distance={distance!r}'
        )
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
        raise ValueError(f'{kept.sum()} images are too few for a plane: choose more identities')
    features = np.concatenate([query, gallery])[kept].astype(np.float64)
    if distance == 'cosine':
        features /= np.linalg.norm(features, axis=1, keepdims=True).clip(np.finfo(float).tiny)
    points, axes = _pca(features) if method == 'pca' else _tsne(features, seed)
    return Projection(points, labels[kept], np.flatnonzero(kept) < len(query), axes)


def save_embedding(models: Mapping[str, Projection], out_png: PathLike, *, title: str = '') -> Path:
    """Draw the images of some identities, a panel for each model, a colour and marker an identity.

    Args:
        models: by name, what `project` returns, all of the same identities.
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
    samples = [
        Line2D(
            [],
            [],
            linestyle='',
            marker=_marker(i),
            color=_color(i),
            markersize=6,
            label=f'id {pid}',
        )
        for i, pid in enumerate(pids)
    ]
    roles = [
        Line2D(
            [],
            [],
            linestyle='',
            marker='o',
            color='#CCCCCC',
            markersize=size,
            markeredgecolor=edge,
            label=label,
        )
        for size, edge, label in ((9, 'black', 'query'), (5, '#CCCCCC', 'gallery'))
    ]
    add_legend(
        figure, handles=roles + samples, loc='outside right upper', ncols=1 + (len(pids) > 20)
    )
    return save_png(figure_to_array(figure), out_png)


def _draw_points(axes: Axes, model: Projection, pids: list) -> None:
    for i, pid in enumerate(pids):
        for is_query in (False, True):
            x, y = model.points[(model.pids == pid) & (model.is_query == is_query)].T
            axes.scatter(
                x,
                y,
                marker=_marker(i),
                color=_color(i),
                s=80 if is_query else 24,
                alpha=1 if is_query else 0.7,
                linewidths=1.1 if is_query else 0,
                edgecolors='black' if is_query else 'none',
                zorder=3 if is_query else 2,
            )
    axes.axhline(0, color=GREY, linewidth=0.6, zorder=1)
    axes.axvline(0, color=GREY, linewidth=0.6, zorder=1)
    axes.set_aspect('equal', adjustable='datalim')


def _pca(features: np.ndarray) -> tuple[np.ndarray, tuple[str, str]]:
    """Two principal components; the sign makes the largest weight of each positive."""
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
            "t-SNE needs scikit-learn: pip install scikit-learn, or take method='pca'"
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
