"""Training with MMEngine's Runner and this package's config, and the same steps in a bare loop.

Both get the same batches, drawn once and held in memory, so loaders are not compared.
"""

import contextlib
import copy
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from rounds import CLOCKS, wait
from torch import Tensor, nn
from train_networks import MemoryLoader

SPANS = ('data', 'preprocessing', 'forward', 'backward', 'step', 'the Runner')


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
