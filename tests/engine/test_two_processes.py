"""The same total batch on one process, on two, and on two machines, trains the same."""

import pytest
import torch

from reid_fusedloss.compat import load_checkpoint_file
from reid_fusedloss.engine.checkpoints import differences
from tests.engine.processes import finish, free_port, start, write_config

pytestmark = pytest.mark.slow

LAST = 'epoch_2.pth'
# batch normalisation is the one thing that sees the samples of its process alone: it is frozen
# here; Adam would magnify the rounding of gradients near 0
OPTIONS = dict(
    model__backbone__norm_eval=True,
    model__head__type='reid_fusedloss.LinearReIDHead',
    model__head__loss__terms__triplet__gather=True,
    model__type='reid_fusedloss.DistilledClassifier',
    model__teacher=dict(checkpoint='reid_fusedloss://mobilenetv2_market1501'),
    model__head__loss__terms__relation=dict(
        type='reid_fusedloss.RelationDistillation',
        reads='pooled',
        teacher='bn',
        weight=1.0,
        gather=True,
    ),
    train_cfg__val_interval=2,
    model__head__loss__terms__id__weight=1.0,
    param_scheduler__1__end=2,
    train_dataloader__dataset__pipeline__auto_augment__prob=0.5,
    optim_wrapper__optimizer__type='SGD',
    optim_wrapper__optimizer__lr=0.01,
)


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    return write_config(tmp_path_factory.mktemp('config'), **OPTIONS)


@pytest.fixture(scope='module')
def two(config, tmp_path_factory):
    """A training on two processes of one machine: what it printed, its last checkpoint."""
    folder = tmp_path_factory.mktemp('two') / 'work'
    text = finish(start(config, folder, processes=2, PORT=free_port()), folder)
    return text, load_checkpoint_file(folder / LAST)


def test_one_process_and_two(config, two, tmp_path):
    folder = tmp_path / 'work'
    text = finish(start(config, folder), folder)
    one = load_checkpoint_file(folder / LAST)
    batch = 'P={} identities x K=4 images = {} images a process, 8 in all on {} process(es)'
    assert batch.format(2, 8, 1) in text and batch.format(1, 4, 2) in two[0]
    for said in (text, two[0]):
        assert 'lr 0.001 at the start; seed 0' in said and '3 iterations an epoch' in said
    assert one['param_schedulers'] == two[1]['param_schedulers']
    assert one['meta']['iter'] == two[1]['meta']['iter'] == 6
    for name, value in one['state_dict'].items():
        torch.testing.assert_close(two[1]['state_dict'][name], value, rtol=1e-5, atol=1e-5)
    for name in ('triplet', 'relation'):
        losses = [
            checkpoint['message_hub']['log_scalars'][f'train/loss_{name}']['values']
            for checkpoint in (one, two[1])
        ]
        torch.testing.assert_close(*losses, rtol=1e-5, atol=1e-5)
        assert (losses[0] > 0).all()


def test_two_machines(config, two, tmp_path):
    port = free_port()
    folders = [tmp_path / f'machine_{rank}' for rank in range(2)]
    ranks = [
        start(
            config,
            folder,
            processes=1,
            NNODES='2',
            NODE_RANK=str(rank),
            PORT=port,
            MASTER_ADDR='127.0.0.1',
        )
        for rank, folder in enumerate(folders)
    ]
    for process, folder in zip(ranks, folders):
        finish(process, folder)
    assert not list(differences(load_checkpoint_file(folders[0] / LAST), two[1]))
    assert not list(folders[1].glob('*.pth'))
