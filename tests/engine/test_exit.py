"""A process of several leaves no thread behind that could abort it at the exit."""

import os
import subprocess
import sys

import pytest

from tests.engine.processes import free_port
from tests.tiny import REPOSITORY

pytestmark = pytest.mark.slow

# a wrapper in a circle of objects, as a Runner is one; the last handler to be registered runs first
PROGRAM = """
import atexit, os, sys
from pathlib import Path

def threads():
    return [path.read_text().strip() for path in Path('/proc/self/task').glob('*/comm')]

atexit.register(lambda: print('left:', [name for name in threads() if 'gloo' in name]))

import torch
from mmengine.dist import get_world_size, init_dist
from mmengine.model import MMDistributedDataParallel
import reid_fusedloss

def main():
    init_dist('pytorch', backend='nccl', timeout=60)
    assert get_world_size() == 1
    model = MMDistributedDataParallel(torch.nn.Linear(2, 2), device_ids=[0])
    model.circle = [model]
    model(torch.ones(1, 2)).sum().backward()
    torch.distributed.all_reduce(torch.ones(1))
    print('before:', sorted({name for name in threads() if 'runloop' in name}))
    sys.exit(143)

main()
"""


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='lists threads by /proc')
def test_no_thread_of_the_group_is_left_at_the_exit():
    """Of a process that was told to stop, which leaves from the middle of its program."""
    variables = dict(
        WORLD_SIZE='1',
        RANK='0',
        LOCAL_RANK='0',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=free_port(),
        CUDA_VISIBLE_DEVICES='',
        OMP_NUM_THREADS='1',
    )
    ended = subprocess.run(
        [sys.executable, '-c', PROGRAM],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        env={**os.environ, **variables},
    )
    assert ended.returncode == 143, ended.stderr
    assert "before: ['pt_gloo_runloop']" in ended.stdout
    assert 'left: []' in ended.stdout
