"""Training pipelines to time: this package's, and torchreid's from a checkout.

Both read the same files in the same order and produce a normalised float batch. Loaders have the
same number of workers and do not shuffle, so every round does the same work.
"""

import contextlib
import io
from collections.abc import Callable, Sequence
from typing import Any

import cv2
from mmengine.dataset import default_collate
from mmengine.registry import init_default_scope
from peers import Peer, import_file
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset
from train_networks import CONFIG

from reid_fusedloss.engine.config import load_config
from reid_fusedloss.registry import DATASETS, MODELS

BATCH = 64
BUDGETS = dict(vehicle_reid='cpu_vehicles')
TRANSFORMS = ['random_flip', 'random_crop', 'random_erase']


class PILDataset(Dataset):
    """Images read with PIL, as in torchreid.

    Args:
        paths: the files.
        transform: of an image in RGB.
    """

    def __init__(self, paths: Sequence[str], transform: Callable[[Image.Image], Tensor]) -> None:
        self.paths = paths
        self.transform = transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, idx: int) -> Tensor:
        return self.transform(Image.open(self.paths[idx]).convert('RGB'))


class Pipelines:
    """The pipelines over one data set.

    Args:
        dataset: name of a data set config, which says where the files are.
        number: of images to read, evenly spread over the training set; all if it has fewer.
        workers: processes of a loader; 0: none.
    """

    def __init__(self, dataset: str, number: int, workers: int) -> None:
        self.cfg = load_config(str(CONFIG), dataset, budget=BUDGETS.get(dataset))
        init_default_scope('mmpretrain')
        self.workers = workers
        whole = self._dataset()
        step = max(1, len(whole) // number)
        self.indices = range(0, len(whole), step)[:number]
        self.paths = [whole.get_data_info(index)['img_path'] for index in self.indices]

    @property
    def image(self) -> tuple[int, int]:
        """Height and width of the output."""
        height, width = self.cfg.train_dataloader.dataset.pipeline.crop.crop_size
        return height, width

    def own(self, auto_augment: float | None, cached: bool = False) -> Callable[[], None]:
        """Make a run over the images.

        Args:
            auto_augment: probability of AutoAugment; None: the config's.
            cached: whether decoded images are in memory.
        """
        data = Subset(self._dataset(auto_augment, cached), self.indices)
        loader = self._loader(data, default_collate)
        preprocessor = MODELS.build(dict(self.cfg.model.data_preprocessor))

        def run() -> None:
            for batch in loader:
                preprocessor(batch, True)

        return run

    def torchreid(self, peer: Peer) -> Callable[[], None]:
        """Make a run over the images with torchreid's flip, crop, erasing and normalisation."""
        path = peer.path / 'torchreid' / 'data' / 'transforms.py'
        module = import_file('torchreid_transforms', path)
        with contextlib.redirect_stdout(io.StringIO()):
            transform, _ = module.build_transforms(*self.image, TRANSFORMS)
        loader = self._loader(PILDataset(self.paths, transform), None)

        def run() -> None:
            for _ in loader:
                pass

        return run

    def _dataset(self, auto_augment: float | None = None, cached: bool = False) -> Any:
        cfg = self.cfg.train_dataloader.dataset.copy()
        if cached:
            cfg.cache_images = True
        if auto_augment is not None:
            cfg.pipeline.auto_augment.prob = auto_augment
        with contextlib.redirect_stdout(io.StringIO()):
            return DATASETS.build(cfg)

    def _loader(self, data: Dataset, collate: Callable | None) -> DataLoader:
        cv2.setNumThreads(0)
        return DataLoader(
            data,
            BATCH,
            num_workers=self.workers,
            collate_fn=collate,
            persistent_workers=self.workers > 0,
        )
