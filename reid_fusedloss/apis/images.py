"""What a user has, paths, folders, arrays and pictures, as images that a pipeline takes."""
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Optional, Union

import numpy as np
from mmengine.dataset import Compose
from PIL import Image
from torch.utils.data import Dataset

from ..checks import check_choice
from ..datasets.image_files import list_images
from ..datasets.load_image import UnreadableImageError
from ..datasets.pipeline import Pipeline, pipeline_steps

CHANNEL_ORDERS = ('bgr', 'rgb')


class ImageSource(NamedTuple):
    """An image: a file, or pixels.

    Attributes:
        name: path of the file, or what stands for one.
        image: (H, W, 3), uint8, BGR; None: it is read from the file.
    """
    name: str
    image: Optional[np.ndarray] = None


def list_sources(inputs: Any, channel_order: str = 'bgr') -> list[ImageSource]:
    """All images that are meant, in their order; a folder's sorted by path.

    Args:
        inputs: a path of an image or a folder, an array (H, W, 3) of uint8, a PIL image, or an
            iterable of these.
        channel_order: of arrays, 'bgr' as OpenCV's or 'rgb'.

    Raises:
        TypeError: if an input is none of these.
        ValueError: if the channel order is unknown, or a folder holds no image.
        FileNotFoundError: if a path does not exist.
    """
    check_choice('channel_order', channel_order, CHANNEL_ORDERS)
    single = isinstance(inputs, (str, os.PathLike, np.ndarray, Image.Image))
    return [source for number, item in enumerate([inputs] if single else inputs)
            for source in _sources(item, number, channel_order)]


class ImageLoader(Dataset):
    """(name, sample) of each image; in place of the sample the reason if it cannot be read.

    Args:
        sources: images.
        pipeline: of the config's test data set; it ends with `PackInputs`.
    """

    def __init__(self, sources: Sequence[ImageSource], pipeline: Pipeline) -> None:
        self.sources = sources
        self.pipeline = Compose(pipeline_steps(pipeline))

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, index: int) -> tuple[str, Union[Mapping[str, Any], str]]:
        name, image = self.sources[index]
        record = dict(img_path=name, img=image, sample_idx=index, pid=-1, camid=None,
                      is_query=False)
        try:
            return name, self.pipeline(record)
        except (UnreadableImageError, FileNotFoundError) as error:
            return name, str(error)


def _sources(item: Any, number: int, channel_order: str) -> Iterator[ImageSource]:
    if isinstance(item, (str, os.PathLike)):
        path = Path(item)
        paths: Iterable[Path] = list_images(path, '.') if path.is_dir() else [path]
        yield from (ImageSource(str(path)) for path in paths)
    elif isinstance(item, Image.Image):
        yield ImageSource(f'image {number}', np.asarray(item.convert('RGB'))[..., ::-1].copy())
    elif isinstance(item, np.ndarray):
        image = item if channel_order == 'bgr' else item[..., ::-1].copy()
        yield ImageSource(f'image {number}', image)
    else:
        raise TypeError(f'input {number} is a {type(item).__name__}: expected a path, an array '
                        '(H, W, 3) of uint8 or a PIL image')
