"""Synthetic pedestrians: a ReID data set that needs no download (numpy and cv2 only)."""

from .drawing import draw_junk, draw_pedestrian
from .writer import check_parameters, draw_shot, list_shots, write_market1501_layout

__all__ = [
    'check_parameters',
    'draw_junk',
    'draw_pedestrian',
    'draw_shot',
    'list_shots',
    'write_market1501_layout',
]
