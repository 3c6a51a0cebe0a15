"""The built-in data set: drawn pedestrians, no download."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.dist import barrier, is_main_process

from ..logs import log
from ..registry import DATASETS
from .benchmarks import Market1501
from .file_names import ImageFile
from .pedestrians import check_parameters, draw_shot, list_shots, write_market1501_layout


@DATASETS.register_module()
class SyntheticReID(Market1501):
    """Pedestrians drawn from a seed, in Market-1501's layout; see `write_market1501_layout`.

    Args:
        split: 'train' or 'test'.
        data_root: folder that the images are written into, once; None: they stay in memory.
        pipeline: as in `ReIDDataset`.
        num_train_ids: identities to train on.
        num_test_ids: identities to test on, different ones.
        num_distractors: gallery images of people seen once.
        num_junk: images to drop, as a detector's false alarms.
        num_cameras: cameras.
        images_per_camera: images of each identity in each camera.
        size: (height, width) of the images, in pixels.
        seed: of all random choices.
        max_ids, unreadable: as in `ReIDDataset`.

    Raises:
        TypeError: if an argument has another type.
        ValueError: if an argument is out of range, or the folder holds something else or cannot be
            written.
    """

    COUNTS: dict[str, tuple[int, int]] = {}

    def __init__(
        self,
        split: str,
        data_root: str | None = None,
        pipeline: Sequence[dict] | Mapping[str, dict | None] = (),
        num_train_ids: int = 64,
        num_test_ids: int = 48,
        num_distractors: int = 96,
        num_junk: int = 16,
        num_cameras: int = 4,
        images_per_camera: int = 4,
        size: tuple[int, int] = (128, 64),
        seed: int = 0,
        max_ids: int | None = None,
        unreadable: str = 'skip',
    ) -> None:
        self.parameters: dict[str, Any] = dict(
            num_train_ids=num_train_ids,
            num_test_ids=num_test_ids,
            num_distractors=num_distractors,
            num_junk=num_junk,
            num_cameras=num_cameras,
            images_per_camera=images_per_camera,
            size=size,
            seed=seed,
        )
        check_parameters(self.parameters)
        self.parameters['size'] = tuple(size)
        self.in_memory = data_root is None
        if data_root is not None:
            if is_main_process():
                self._write(data_root)
            barrier()
        else:
            log('SyntheticReID stays in memory: pictures of ranking lists need a data_root')
        super().__init__(data_root or '', split, pipeline, max_ids=max_ids, unreadable=unreadable)

    def load_data_list(self) -> list[dict]:
        """List the images and, in memory, draw them."""
        records = super().load_data_list()
        if self.in_memory:
            shots = {shot.name: shot for shot in list_shots(self.parameters)}
            for record in records:
                record['img'] = draw_shot(shots[Path(record['img_path']).name], self.parameters)
        return records

    def _write(self, data_root: str) -> None:
        try:
            write_market1501_layout(Path(os.path.expanduser(data_root)), **self.parameters)
        except OSError as error:
            raise ValueError(
                f'data_root {data_root!r} cannot be written ({error}): choose another '
                'folder, or None to keep the images in memory'
            ) from error

    def _parse_role(self, role: str) -> list[ImageFile]:
        if not self.in_memory:
            return super()._parse_role(role)
        return sorted(
            ImageFile(f'{shot.folder}/{shot.name}', f'{shot.name_pid:04d}', str(shot.camid))
            for shot in list_shots(self.parameters)
            if shot.folder == self.sources[role] and shot.pid is not None
        )
