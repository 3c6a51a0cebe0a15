"""What is expected of any picture."""

import cv2
import numpy as np


def read(path, min_colors=20):
    """RGB pixels of a PNG that is not blank and has ink on no edge (nothing is cut off)."""
    picture = cv2.imread(str(path))[..., ::-1]
    assert len(np.unique(picture @ np.array([1 << 16, 1 << 8, 1]))) >= min_colors
    for edge in (picture[:2], picture[-2:], picture[:, :2], picture[:, -2:]):
        assert (edge == 255).all()
    return picture


def shows(picture, color, least=30):
    """Whether a colour such as '#0072B2' covers some pixels."""
    rgb = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    return (picture == rgb).all(-1).sum() >= least


def keep_figures(monkeypatch, module):
    """The figures that a module draws from now on, instead of their pictures."""
    figures = []

    def keep(drawn):
        figures.append(drawn)
        return np.zeros((2, 2, 3), np.uint8)

    monkeypatch.setattr(module, 'figure_to_array', keep)
    return figures
