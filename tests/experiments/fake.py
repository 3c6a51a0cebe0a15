"""A stand-in for training and testing: files as the tools leave them, at once."""

import json
from pathlib import Path

import torch

from reid_fusedloss.engine.checkpoints import latest_checkpoint
from tests.tiny import REPOSITORY

PAPER = REPOSITORY / 'configs' / 'paper'
EPOCHS = 24  # of cpu_synthetic
SCORES = {'reid/R1': 50.0, 'reid/mAP': 40.0, 'rerank/R1': 60.0, 'rerank/mAP': 55.5}


def write_checkpoint(path, epoch):
    """The least that a training can be resumed from."""
    torch.save(dict(meta=dict(epoch=epoch, iter=epoch), optimizer={}, state_dict={}), path)


class Machine:
    """Runs commands and counts time: an epoch takes a minute, a test nothing.

    Args:
        stop: KeyboardInterrupt after this many epochs in all; None: never.
        broken: epoch after which the training of a row, such as '2_re', ends.
        code: exit code of a training that ends so.
        broken_tests: rows whose test ends with exit code 3.
    """

    def __init__(self, stop=None, broken=None, code=3, broken_tests=()):
        self.stop, self.broken, self.code = stop, broken or {}, code
        self.broken_tests = broken_tests
        self.seconds = 0.0
        self.commands = []
        self.done = []  # 'train 2_re', 'go on 2_re', 'test 2_re'

    def __call__(self, command, log):
        self.commands.append(command)
        row = next(Path(part).stem for part in command if Path(part).parent.parent == PAPER)
        work_dir = Path(command[command.index('--work-dir') + 1])
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text('first line\nValueError: no luck\n\n')
        if command[3] == 'test':
            self.done.append(f'test {row}')
            return self._test(work_dir, row)
        self.done.append(f'{"go on" if "--resume" in command else "train"} {row}')
        return self._train(work_dir, row, '--resume' in command)

    def _train(self, work_dir, row, resume):
        pointer = work_dir / 'last_checkpoint'
        last = torch.load(latest_checkpoint(str(work_dir))) if resume else dict(meta=dict(epoch=0))
        start = last['meta']['epoch']
        for epoch in range(start + 1, EPOCHS + 1):
            if epoch > self.broken.get(row, EPOCHS):
                return self.code
            self.seconds += 60
            write_checkpoint(work_dir / f'epoch_{epoch}.pth', epoch)
            (work_dir / f'best_reid_mAP_epoch_{epoch}.pth').write_text('')
            pointer.write_text(f'/a/folder/before/it/was/moved/epoch_{epoch}.pth')
            if self.stop is not None and self.seconds >= self.stop * 60:
                raise KeyboardInterrupt
        return 0

    def _test(self, work_dir, row):
        if row in self.broken_tests:
            return 3
        work_dir.mkdir()
        (work_dir / 'scores.json').write_text(json.dumps(SCORES))
        return 0
