"""A training loop whose steps depend only on the seed and their number, so it resumes exactly."""

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np
import torch
from mmengine.dist import all_gather, get_rank, get_world_size
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from ...checks import check_choice, check_flag, check_int
from ...datasets import ReIDDataset
from ...datasets.draws import SeededBatchSampler, seed_all
from ...registry import HOOKS, LOOPS
from .batches import divided, seeded
from .finite_loss import (
    ACTIONS,
    MOST_IN_A_ROW,
    FiniteLossGuard,
    LateCheck,
    describe_step,
    is_on_host,
)
from .identities import fill_head
from .rates import check_rates

LATE = 10  # steps after which losses on a GPU are checked
STREAM = 0x73746570  # separates these random numbers from others with the same seed


@LOOPS.register_module()
class ReIDTrainLoop(EpochBasedTrainLoop):
    """MMEngine's epoch-based loop, which continues after a stop as if there had been none.

    The random numbers of a step depend on (seed, iteration, rank), those of an image's
    augmentation on (seed, epoch, place in the batch of all ranks; see `SeededBatchSampler`). So on
    a CPU a run is reproducible to the bit with any number of workers, also if it was stopped and
    resumed, at the end or in the middle of an epoch. An interrupted evaluation is repeated.

    Args:
        runner: the Runner.
        dataloader: config of the training data, or a loader; only with a config are the
            augmentations seeded, and the first batches of a resumed epoch skipped without reading.
        max_epochs, val_begin, val_interval, dynamic_intervals: as in MMEngine.
        non_finite_loss: 'stop': a loss that is not finite stops the run, with the values of the
            terms and the files of the batch, on a GPU up to 10 steps later, so that no step waits
            for the loss. 'skip': its step is skipped, on all ranks, and logged; after 10 in a row
            the run stops. 'skip' waits for the loss before each backward pass.
        split_batch: the config's batch size is the total of all processes, and is divided among
            them; False: it is that of each process, as in MMEngine.
        new_schedule: when a training is resumed, take learning rate, weight decay and the like, and
            the schedules, from the config, advanced by the checkpoint's steps, instead of from the
            checkpoint. False: values that differ are an error (see `ResumeHook`).

    Raises:
        ValueError: if a number or the action is out of range; in training, if the resumed state
            does not fit, processes resumed different checkpoints, or a schedule would raise a
            learning rate of 0.
        TypeError: if `max_epochs` or `val_interval` is not an integer, or a flag not a bool.
        FloatingPointError (in training): if the loss is not finite, see `non_finite_loss`.
    """

    def __init__(
        self,
        runner: Runner,
        dataloader: DataLoader | dict,
        max_epochs: int,
        val_begin: int = 1,
        val_interval: int = 1,
        dynamic_intervals: list[tuple[int, int]] | None = None,
        non_finite_loss: str = 'stop',
        split_batch: bool = False,
        new_schedule: bool = False,
    ) -> None:
        check_int('train_cfg.max_epochs', max_epochs)
        check_int('train_cfg.val_interval', val_interval)
        check_choice('non_finite_loss', non_finite_loss, ACTIONS)
        check_flag('train_cfg.split_batch', split_batch)
        check_flag('train_cfg.new_schedule', new_schedule)
        if isinstance(dataloader, dict):
            if split_batch:
                dataloader = divided(dataloader, get_world_size())
            dataloader = seeded(dataloader, runner.seed)
        super().__init__(runner, dataloader, max_epochs, val_begin, val_interval, dynamic_intervals)
        fill_head(runner, self.dataloader.dataset)
        self.non_finite_loss = non_finite_loss
        self.new_schedule = new_schedule
        if not any(isinstance(hook, HOOKS.get('ResumeHook')) for hook in runner.hooks):
            runner.register_hook(dict(type='reid_fusedloss.ResumeHook'))
        self._guard: FiniteLossGuard | None = None
        self._late = LateCheck()
        self._skips_in_a_row = 0

    def run(self) -> nn.Module:
        """Train."""
        self._check_resumed()
        check_rates(self.runner)
        if self.non_finite_loss == 'skip':
            if getattr(self.runner.optim_wrapper, '_accumulative_counts', 1) > 1:
                raise ValueError(
                    "non_finite_loss='skip' cannot be used with accumulative_counts > 1: a skipped "
                    "step would shift those after it. Set non_finite_loss='stop'"
                )
            self._guard = FiniteLossGuard(self.runner.optim_wrapper, self.runner.model)
        self.runner.call_hook('before_train')
        if self._epoch > 0 and self._first_batch() == 0:
            # the state at the end of the last trained epoch, for the evaluation to repeat
            self.runner.message_hub.update_info('epoch', self._epoch - 1)
            self.runner.message_hub.update_info('iter', self._iter - 1)
            self._validate()
        while self._epoch < self._max_epochs and not self.stop_training:
            self.run_epoch()
            self._validate()
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_epoch(self) -> None:
        """Train for an epoch, or for the rest of a resumed one."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        first = self._first_batch()
        if isinstance(self.dataloader.batch_sampler, SeededBatchSampler):
            self.dataloader.batch_sampler.first = first
            batches = iter(self.dataloader)
        else:
            batches = islice(self.dataloader, first, None)
        for idx, data_batch in enumerate(batches, first):
            self.run_iter(idx, data_batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def run_iter(self, idx: int, data_batch: Sequence[dict]) -> None:
        """Run a training step."""
        stream = np.random.SeedSequence([STREAM, self.runner.seed, self._iter, get_rank()])
        seed_all(int(stream.generate_state(1)[0]))
        self.runner.call_hook('before_train_iter', batch_idx=idx, data_batch=data_batch)
        outputs: dict[str, Any] = self.runner.model.train_step(
            data_batch, optim_wrapper=self._guard or self.runner.optim_wrapper
        )
        finite = self._is_finite(idx, outputs, data_batch)
        if finite:
            self._skips_in_a_row = 0
        else:
            self._report_not_finite(describe_step(self._iter + 1, outputs, data_batch))
        self.runner.call_hook(
            'after_train_iter',
            batch_idx=idx,
            data_batch=data_batch,
            outputs=outputs if finite else None,  # keeps the logged averages finite
        )
        self._iter += 1

    def _is_finite(self, idx: int, outputs: dict[str, Any], data_batch: Any) -> bool:
        if self._guard is not None:
            return not self._guard.skipped
        if 'loss' not in outputs:
            return True
        if is_on_host(outputs['loss']):
            return bool(torch.as_tensor(outputs['loss']).isfinite().all())
        self._late.add(self._iter + 1, outputs, data_batch)
        if len(self._late) >= LATE or idx + 1 == len(self.dataloader):
            step = self._late.first_bad()
            if step:
                self._report_not_finite(step)
        return True

    def _report_not_finite(self, step: str) -> None:
        self._skips_in_a_row += 1
        if self.non_finite_loss == 'stop':
            raise FloatingPointError(
                f'the loss is not finite at {step}. Earlier checkpoints are not affected. '
                'Lower the learning rate, warm up longer, or set '
                "train_cfg.non_finite_loss='skip' to skip such steps"
            )
        self.runner.logger.warning(f'step skipped: the loss of a process is not finite at {step}')
        if self._skips_in_a_row >= MOST_IN_A_ROW:
            raise FloatingPointError(
                f'{MOST_IN_A_ROW} steps in a row had a loss that is not finite; the last, {step}'
            )

    def _validate(self) -> None:
        """Evaluate if it is due and was not done before a stop."""
        self._decide_current_val_interval()
        due = self._epoch >= self.val_begin and (
            self._epoch % self.val_interval == 0 or self._epoch == self._max_epochs
        )
        done = self.runner.message_hub.runtime_info.get('last_evaluated')
        if self.runner.val_loop is not None and due and done != self._epoch:
            self.runner.val_loop.run()

    def _first_batch(self) -> int:
        """Return how many batches of this epoch were trained on before a stop."""
        return self._iter - self._epoch * len(self.dataloader)

    def _check_resumed(self) -> None:
        """Check the resumed state, and take over its seed."""
        batches = len(self.dataloader)
        if not 0 <= self._first_batch() <= batches:
            raise ValueError(
                f'the checkpoint is at epoch {self._epoch}, iteration {self._iter}, but an epoch '
                f'has {batches} iterations here: batch size, data set or sampling has changed. '
                'Restore it, or start from the weights (load_from without resume)'
            )
        places = torch.tensor([self._epoch, self._iter])
        if any(not torch.equal(places, other.cpu()) for other in all_gather(places)):
            raise ValueError(
                f'this process resumes at epoch {self._epoch}, iteration {self._iter}, another one '
                'elsewhere: all machines need the same checkpoints; share the work_dir or copy it'
            )
        if not isinstance(self.dataloader.dataset, ReIDDataset):
            self.runner.logger.warning(
                f'{type(self.dataloader.dataset).__name__} is not a data set of this package: its '
                'augmentations depend on the workers, and differ in a resumed run'
            )
        sampler = self.dataloader.batch_sampler
        differs = self.runner._randomness_cfg.get('diff_rank_seed', False)
        if isinstance(sampler, SeededBatchSampler) and not differs:
            sampler.sampler.seed = self.runner.seed
