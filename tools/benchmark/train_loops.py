"""Training with MMEngine's Runner and this package's config, and the same steps in a bare loop.

Both get the same batches, drawn once and held in memory, so loaders are not compared.
"""

import contextlib
import copy
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmpretrain.structures import DataSample
from rounds import CLOCKS, wait
from torch import Tensor, nn

from reid_fusedloss.engine.config import load_config

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
CONFIG = CONFIGS / 'paper' / 'fusedloss_r50.py'
NUM_IDS, NUM_INSTANCES = 751, 4
SCRATCH = {'model.backbone.init_cfg': None}
NOT_TRAINED = [
    f'{split}_{part}' for split in ('val', 'test') for part in ('dataloader', 'cfg', 'evaluator')
]
SPANS = ('data', 'preprocessing', 'forward', 'backward', 'step', 'the Runner')


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


def start_runner(cfg: Config, loader: MemoryLoader) -> Runner:
    """Start a Runner with all its hooks and train an epoch; it logs only to files."""
    cfg = copy.deepcopy(cfg)
    cfg.train_dataloader = dict(cfg.train_dataloader, persistent_workers=False, num_workers=0)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        runner = Runner.from_cfg(cfg)
        runner._train_dataloader = loader
        runner.train()
    runner.call_hook('before_train_epoch')
    return runner


def run_epoch(runner: Runner, batches: Iterable[dict]) -> None:
    """Run the Runner's iterations over the batches, with all their hooks."""
    for index, batch in enumerate(batches):
        runner.train_loop.run_iter(index, batch)


class BareLoop:
    """A hand-written training loop: no hooks, no log, no schedule.

    Args:
        cfg: of a Runner; says the optimizer and the memory layout.
        model: copied with its weights.
        loader: the batches.
        device: where to train.
    """

    def __init__(
        self, cfg: Config, model: nn.Module, loader: MemoryLoader, device: torch.device
    ) -> None:
        self.model: Any = copy.deepcopy(model).to(device).train()
        if 'channels_last' in cfg.default_hooks:
            self.model.to(memory_format=torch.channels_last)
        settings = dict(cfg.optim_wrapper.optimizer)
        self.optimizer = getattr(torch.optim, settings.pop('type'))(
            self.model.parameters(), **settings
        )
        self.mean, self.std = (
            torch.tensor(cfg.model.data_preprocessor[key], device=device).view(-1, 1, 1)
            for key in ('mean', 'std')
        )
        self.batches = [
            (batch['inputs'], torch.cat([sample.gt_label for sample in batch['data_samples']]))
            for batch in loader
        ]
        self.device = device

    def run_epoch(self) -> list[Tensor]:
        """Run a step for each batch and return the losses."""
        return [self.step(*batch) for batch in self.batches]

    def step(self, images: Tensor, labels: Tensor) -> Tensor:
        """Run a training step and return the loss before it."""
        images = images.to(self.device, non_blocking=True).flip(1).float()
        head = self.model.head
        pooled = self.model.neck(self.model.backbone((images - self.mean) / self.std))[-1]
        tensors = head.tensors(pooled, head.loss_module.reads)
        losses = head.loss_module(tensors, labels.to(self.device, non_blocking=True))
        loss = torch.stack(list(losses.values())).sum()
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss.detach()


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


def time_spans(
    runner: Runner, batches: Iterable[dict], device: torch.device, clock: str = 'wall'
) -> dict[str, float]:
    """Measure what the seconds of an epoch are spent on; on a GPU, wait for each part to finish.

    'data' is the wait for a batch, 'the Runner' is the rest: hooks and logging.
    """
    seconds: dict[str, float] = defaultdict(float)
    now = CLOCKS[clock]

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            start = now()
            result = function(*args, **kwargs)
            wait(device)
            seconds[name] += now() - start
            return result

        return call

    model, wrapper = runner.model, runner.optim_wrapper
    places = [
        (model, 'data_preprocessor', 'preprocessing'),
        (model, '_run_forward', 'forward'),
        (wrapper, 'backward', 'backward'),
        (wrapper, 'step', 'step'),
        (wrapper, 'zero_grad', 'step'),
    ]
    replaced = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
    for owner, name, span in places:
        object.__setattr__(owner, name, timed(span, getattr(owner, name)))
    try:
        start = now()
        run_epoch(runner, _timed_batches(batches, seconds, now))
        total = now() - start
    finally:
        for owner, name, _ in replaced:
            owner.__dict__.pop(name, None)
    seconds['the Runner'] = total - sum(seconds.values())
    return {name: seconds[name] for name in SPANS}


def _timed_batches(
    batches: Iterable[dict], seconds: dict[str, float], now: Callable[[], float]
) -> Iterator[dict]:
    iterator = iter(batches)
    while True:
        start = now()
        batch = next(iterator, None)
        seconds['data'] += now() - start
        if batch is None:
            return
        yield batch


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
