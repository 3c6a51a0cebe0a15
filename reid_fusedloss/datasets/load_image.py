"""Load an image, with an error that says which file and what to do."""
from typing import Optional

from mmcv.transforms import LoadImageFromFile

from ..registry import TRANSFORMS


class UnreadableImageError(ValueError):
    """A file that holds no image that can be decoded."""


@TRANSFORMS.register_module()
class LoadReIDImage(LoadImageFromFile):
    """mmcv's `LoadImageFromFile` for records that may hold their image already.

    Data sets made in memory put `img` into the record; all others name a file in `img_path`.

    Raises:
        FileNotFoundError: if the file is gone.
        UnreadableImageError: if the file holds no readable image.
    """

    def transform(self, results: dict) -> Optional[dict]:
        """Fill `img`, `img_shape` and `ori_shape`."""
        if 'img' in results:
            results['img_shape'] = results['ori_shape'] = results['img'].shape[:2]
            return results
        path = results['img_path']
        try:
            return super().transform(results)
        except FileNotFoundError as error:
            raise FileNotFoundError(f'image {path} is gone; was it moved during the run?') from error
        except Exception as error:
            raise UnreadableImageError(
                f'image {path} cannot be decoded ({type(error).__name__}): it is damaged or no '
                'image; replace or remove the file') from error
