"""The networks that are timed: their configs, and batches for them."""

import contextlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmpretrain.structures import DataSample

from reid_fusedloss.engine.config import load_config

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
CONFIG = CONFIGS / 'paper' / 'fusedloss_r50.py'
NUM_IDS, NUM_INSTANCES = 751, 4
SCRATCH = {'model.backbone.init_cfg': None}
NOT_TRAINED = [
    f'{split}_{part}' for split in ('val', 'test') for part in ('dataloader', 'cfg', 'evaluator')
]


@dataclass(frozen=True)
class Network:
    """A config at a size.

    Attributes:
        title: for the table.
        budget: as for `train --budget`; None: the config's own size.
        image: height and width.
        batch: number of images, NUM_INSTANCES of each identity.
        options: further keys.
        config: its path.
    """

    title: str
    budget: str | None
    image: tuple[int, int]
    batch: int
    options: Mapping[str, Any]
    config: Path = CONFIG


NETWORKS = {
    'r18': Network('ResNet-18 of half width, 96x48', 'cpu_synthetic', (96, 48), 64, {}),
    'r50': Network('ResNet-50, 256x128', None, (256, 128), 16, SCRATCH),
    'mobilenetv2': Network('MobileNetV2, 128x64', 'cpu_market', (128, 64), 64, SCRATCH),
    'lite0': Network('EfficientNet-Lite0, 128x64', 'cpu_market_lite0', (128, 64), 64, SCRATCH),
    'osnet': Network(
        'OSNet x0.25, 256x128',
        None,
        (256, 128),
        64,
        SCRATCH,
        CONFIGS / 'backbones' / 'osnet_x0_25.py',
    ),
    'tiny': Network(
        'ResNet-18 of an eighth of its width, 48x24',
        'cpu_synthetic',
        (48, 24),
        8,
        {
            'model.backbone.stem_channels': 8,
            'model.backbone.base_channels': 8,
            'model.head.in_channels': 64,
        },
    ),
}


class MemoryLoader:
    """Batches like those of the config's loader, drawn once.

    Args:
        network: size of the batches.
        number: of batches in an epoch.
    """

    def __init__(self, network: Network, number: int) -> None:
        random = torch.Generator().manual_seed(0)
        self.dataset = SimpleNamespace(metainfo=dict(num_ids=NUM_IDS))
        self.sampler = None
        self.batch_sampler = SimpleNamespace(batch_size=network.batch, sampler=None)
        self._batches = [_batch(network, random) for _ in range(number)]

    def __iter__(self) -> Iterator[dict]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)


def read_config(network: Network, work_dir: Path, dataset: str = 'synthetic') -> Config:
    """Load the network's config, for training only."""
    cfg = load_config(str(network.config), dataset, network.options, network.budget)
    cfg.model.head.num_classes = NUM_IDS
    cfg.train_dataloader.batch_size = network.batch
    cfg.train_cfg.pop('val_interval', None)
    for key in NOT_TRAINED:
        cfg.pop(key, None)
    cfg.work_dir = str(work_dir)
    cfg.experiment_name = work_dir.name
    cfg.train_cfg.max_epochs = 1
    return cfg


def from_files(network: Network, dataset: str, workers: int, number: int) -> Iterator[dict]:
    """Load batches with the config's loader, after skipping two.

    Args:
        network: size of the batches.
        dataset: name of a data set config with at most NUM_IDS identities.
        workers: processes of the loader; 0: none.
        number: of batches.
    """
    cfg = read_config(network, Path('files'), dataset).train_dataloader
    cfg.update(num_workers=workers, persistent_workers=workers > 0)
    with contextlib.redirect_stdout(io.StringIO()):
        batches = iter(Runner.build_dataloader(cfg, seed=0))
    return islice(batches, 2, 2 + number)


def _batch(network: Network, random: torch.Generator) -> dict:
    images = torch.randint(
        256, (network.batch, 3, *network.image), generator=random, dtype=torch.uint8
    )
    ids = torch.randperm(NUM_IDS, generator=random)[: network.batch // NUM_INSTANCES]
    samples = [
        DataSample(metainfo=dict(img_path='')).set_gt_label(label)
        for label in ids.repeat_interleave(NUM_INSTANCES).tolist()
    ]
    return dict(inputs=images, data_samples=samples)
