"""Images a second of the training pipelines: this package's, and torchreid's of a checkout.

Both read the same files in the same order and end at a normalised float batch. Loaders have the
same number of workers and no shuffling, so that a round is the same work again.
"""

import contextlib
import importlib.util
import io
from collections.abc import Callable, Sequence
from typing import Any

import cv2
from mmengine.dataset import default_collate
from mmengine.registry import init_default_scope
from peers import Peer
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset
from train_loops import CONFIG

from reid_fusedloss.engine.config import load_config
from reid_fusedloss.registry import DATASETS, MODELS

BATCH = 64
BUDGETS = dict(vehicle_reid='cpu_vehicles')
TRANSFORMS = ['random_flip', 'random_crop', 'random_erase']


class PILDataset(Dataset):
    """Images by PIL, as torchreid reads them.

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
        dataset: name of a data set config; its files lie where that config says.
        number: images to read, evenly spread over the training set; fewer if it has fewer.
        workers: processes of a loader, 0: none.
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
        """Height and width of what comes out."""
        return tuple(self.cfg.train_dataloader.dataset.pipeline.crop.crop_size)

    def own(self, auto_augment: float | None) -> Callable[[], None]:
        """A run over the images; with AutoAugment at a probability, None: at the config's."""
        data = Subset(self._dataset(auto_augment), self.indices)
        loader = self._loader(data, default_collate)
        preprocessor = MODELS.build(dict(self.cfg.model.data_preprocessor))

        def run() -> None:
            for batch in loader:
                preprocessor(batch, True)

        return run

    def torchreid(self, peer: Peer) -> Callable[[], None]:
        """A run over the images with torchreid's flip, crop, erasing and normalisation."""
        path = peer.path / 'torchreid' / 'data' / 'transforms.py'
        specification = importlib.util.spec_from_file_location('torchreid_transforms', path)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        with contextlib.redirect_stdout(io.StringIO()):
            transform, _ = module.build_transforms(*self.image, TRANSFORMS)
        loader = self._loader(PILDataset(self.paths, transform), None)

        def run() -> None:
            for _ in loader:
                pass

        return run

    def _dataset(self, auto_augment: float | None = None) -> Any:
        cfg = self.cfg.train_dataloader.dataset.copy()
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
