"""Images through the config's test pipeline."""

from typing import Any, NamedTuple

from mmcv.transforms import LoadImageFromFile
from mmengine.dataset import Compose
from torch.utils.data import Dataset

from ..datasets.image_header import check_header
from ..datasets.load_image import LoadReIDImage, UnreadableImageError
from ..datasets.pipeline import Pipeline, pipeline_steps
from ..datasets.read_image import MAX_PIXELS, read_file
from .sources import ImageSource, check_local


class LoadedImage(NamedTuple):
    """What the pipeline made of an image.

    Attributes:
        index: its place among the inputs, or the row that its source states.
        name: of its source.
        sample: as the pipeline's last step packs it, or a text: why there is none.
    """

    index: int
    name: str
    sample: dict[str, Any] | str


class SampleReader(Dataset):
    """(place, image source) -> `LoadedImage`.

    The pipeline is used as it is. Its first step loads; `LoadReIDImage` takes pixels too, and in
    place of mmcv's `LoadImageFromFile` pixels are passed on by it.

    Args:
        pipeline: of the config's test data set; it ends with `PackInputs`.

    Raises:
        ValueError: if the pipeline has no step.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        steps = Compose(pipeline_steps(pipeline)).transforms
        if not steps:
            raise ValueError('the pipeline of the test data set has no step: the first loads')
        self.load, self.rest = steps[0], Compose(steps[1:])

    def __getitem__(self, numbered: tuple[int, ImageSource]) -> LoadedImage:
        index, source = numbered
        if source.problem is not None:
            return LoadedImage(index, source.name, source.problem)
        record = dict(
            img_path=source.name,
            img=source.image,
            sample_idx=index,
            pid=-1,
            camid=None,
            is_query=False,
        )
        loaded = self._read(record) if source.image is None else self._take(record)
        return LoadedImage(
            index, source.name, loaded if isinstance(loaded, str) else self.rest(loaded)
        )

    def _read(self, record: dict[str, Any]) -> dict[str, Any] | str:
        if isinstance(self.load, LoadReIDImage):
            try:
                return self.load(record)
            except (UnreadableImageError, FileNotFoundError) as error:
                return str(error)
        if isinstance(self.load, LoadImageFromFile) and not self.load.backend_args:
            problem = _problem(record['img_path'])
            if problem is not None:
                return problem
        try:
            loaded = self.load(record)
        except MemoryError:
            raise
        except Exception as error:  # which ones another loader raises is not known
            return f'{type(error).__name__}: {error}'
        return loaded if loaded is not None else 'the pipeline passes it over'

    def _take(self, record: dict[str, Any]) -> dict[str, Any]:
        if isinstance(self.load, LoadReIDImage):
            return self.load(record)
        if not isinstance(self.load, LoadImageFromFile) or self.load.color_type != 'color':
            raise ValueError(
                f'{record["img_path"]} is given as pixels, but the pipeline begins '
                f'with {self.load}: let it begin with LoadReIDImage'
            )
        record = LoadReIDImage()(record)
        if self.load.to_float32:
            record['img'] = record['img'].astype('float32')
        return record


def _problem(path: str) -> str | None:
    """Why mmcv's loader is not let at a file: it fetches, waits, and decodes whatever it finds."""
    try:
        check_local(path)
        check_header(read_file(path), MAX_PIXELS)
    except (OSError, ValueError) as error:
        return f'image {path} cannot be decoded ({error})'
    return None
