"""Steps of mmcv and mmpretrain that take less time and give the same results to the bit.

They draw the same random numbers in the same order. Images other than (H, W, 3) of uint8, and rare
options, go to the parent class.
"""

from typing import Any, ClassVar

import cv2
import numpy as np
import torch
from mmcv import transforms as mmcv_steps
from mmpretrain.datasets import transforms as mmpretrain_steps

from ..registry import TRANSFORMS

FLIPS = dict(horizontal=1, vertical=0, diagonal=-1)
Borders = tuple[int, int, int, int]  # left, top, right, bottom


@TRANSFORMS.register_module()
class RandomFlip(mmcv_steps.RandomFlip):
    """Flip an image at random, as mmcv's `RandomFlip`.

    mmcv returns a view with a negative stride, which the next step copies at a fifteenth of the
    speed of OpenCV's flip.
    """

    SAME_RESULTS_AS: ClassVar[type] = mmcv_steps.RandomFlip

    def _flip(self, results: dict) -> None:
        image = results['img']
        super()._flip(results)
        if _is_plain(image):
            results['img'] = cv2.flip(image, FLIPS[results['flip_direction']])


@TRANSFORMS.register_module()
class RandomCrop(mmpretrain_steps.RandomCrop):
    """Pad an image with a constant and crop it at random, as mmpretrain's `RandomCrop`.

    Only the part inside the crop is copied, into memory in order; mmpretrain copies the whole
    padded image and returns a view of it.
    """

    SAME_RESULTS_AS: ClassVar[type] = mmpretrain_steps.RandomCrop

    def transform(self, results: dict) -> dict:
        """Fill `img` and `img_shape`."""
        image = results['img']
        borders = self._borders() if _is_plain(image) else None
        if borders is None:
            return super().transform(results)
        left, top, right, bottom = borders
        height, width = image.shape[:2]
        # the parent reads only the size of the padded image
        padded = np.empty((height + top + bottom, width + left + right), np.uint8)
        y, x, rows, columns = self.rand_crop_params(padded)
        y, x = y - top, x - left
        results['img'] = cv2.copyMakeBorder(
            image[max(y, 0) : y + rows, max(x, 0) : x + columns],
            max(-y, 0),
            max(y + rows - height, 0),
            max(-x, 0),
            max(x + columns - width, 0),
            cv2.BORDER_CONSTANT,
            value=self.pad_val,
        )
        results['img_shape'] = results['img'].shape
        return results

    def _borders(self) -> Borders | None:
        """Return the padding of each side; None for what is left to the parent."""
        padding = self.padding
        if isinstance(padding, int):
            padding = (padding,) * 4
        if isinstance(padding, tuple) and len(padding) == 2:
            padding = padding * 2
        if not isinstance(padding, tuple) or len(padding) != 4 or self.pad_if_needed:
            return None
        # a value for each channel is left to the parent, which checks it
        if not isinstance(self.pad_val, (int, float)):
            return None
        # a crop within the padding would hold no part of the image
        if min(padding) < 0 or max(padding) >= min(self.crop_size):
            return None
        return padding


@TRANSFORMS.register_module()
class RandomErasing(mmpretrain_steps.RandomErasing):
    """Erase a rectangle at random, as mmpretrain's `RandomErasing`."""

    SAME_RESULTS_AS: ClassVar[type] = mmpretrain_steps.RandomErasing

    def _fill_pixels(self, img: np.ndarray, top: int, left: int, h: int, w: int) -> np.ndarray:
        if self.mode != 'const':
            return super()._fill_pixels(img, top, left, h, w)
        row = np.empty((w, 3), np.uint8)
        row[:] = np.array(self.fill_color, dtype=np.uint8)
        img[top : top + h, left : left + w] = row
        return img


@TRANSFORMS.register_module()
class PackInputs(mmpretrain_steps.PackInputs):
    """Pack an image as a tensor (3, H, W) with its data sample, as mmpretrain's `PackInputs`."""

    SAME_RESULTS_AS: ClassVar[type] = mmpretrain_steps.PackInputs

    @staticmethod
    def format_input(input_: Any) -> Any:
        """Convert an image to a tensor."""
        if not _is_plain(input_):
            return mmpretrain_steps.PackInputs.format_input(input_)
        planes = np.empty((3, *input_.shape[:2]), np.uint8)
        cv2.split(input_, list(planes))  # fills planes of the right size and type
        return torch.from_numpy(planes)


def _is_plain(image: Any) -> bool:
    """Return whether OpenCV keeps the shape of an image: (H, W, 3), uint8."""
    return (
        isinstance(image, np.ndarray)
        and image.dtype == np.uint8
        and image.ndim == 3
        and image.shape[2] == 3
    )
