"""Code in a checkpoint runs only where the user trusts it."""

import os
import subprocess
import sys

import pytest
import torch
from mmengine.runner import CheckpointLoader

from reid_fusedloss import loading, trust
from reid_fusedloss.loading import load_checkpoint_file
from tests.loading.hostile import REFUSED, command
from tests.loading.runs import runner
from tests.tiny import REPOSITORY


@pytest.mark.parametrize('zipped', [True, False])
def test_every_loader_refuses_code_and_loads_with_trust(tmp_path, monkeypatch, zipped):
    marker = tmp_path / 'code_ran'
    torch.save(
        dict(state_dict={}, meta=dict(extra=command(marker))),
        tmp_path / 'evil.pth',
        _use_new_zipfile_serialization=zipped,
    )
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'cache'))
    monkeypatch.setattr(
        torch.hub,
        'download_url_to_file',
        lambda url, path, progress: os.link(tmp_path / 'evil.pth', path),
    )
    for place in (str(tmp_path / 'evil.pth'), 'https://models.example/evil.pth'):
        with pytest.raises(ValueError, match='posix.system.*REID_TRUST_CHECKPOINT=1'):
            CheckpointLoader.load_checkpoint(place, 'cpu')
    assert not marker.exists()
    loading.trust_checkpoints()
    try:
        CheckpointLoader.load_checkpoint(str(tmp_path / 'evil.pth'), 'cpu')
    finally:
        loading.trust_checkpoints(False)
    assert marker.exists()


@pytest.mark.parametrize('variable', ['REID_TRUST_CHECKPOINT', 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'])
def test_trust_by_the_environment(tmp_path, monkeypatch, variable):
    torch.save(dict(extra=command(tmp_path / 'code_ran')), tmp_path / 'mine.pth')
    for value, trusted in (('0', False), ('', False), ('1', True), ('TRUE', True)):
        monkeypatch.setenv(variable, value)
        assert loading.is_trusted() == trusted
    load_checkpoint_file(tmp_path / 'mine.pth')
    assert (tmp_path / 'code_ran').exists()


def test_a_variable_that_says_neither(monkeypatch):
    monkeypatch.setenv('REID_TRUST_CHECKPOINT', 'maybe')
    with pytest.raises(ValueError, match="REID_TRUST_CHECKPOINT must be '1' or '0', got 'maybe'"):
        loading.is_trusted()


def test_a_replaced_torch_load_is_no_trust(tmp_path, monkeypatch):
    """A library may replace it for files of its own."""
    load = torch.load
    torch.save(dict(extra=command(tmp_path / 'code_ran')), tmp_path / 'evil.pth')
    monkeypatch.setattr(
        torch,
        'load',
        lambda *args, **options: load(
            *args, **{**options, 'weights_only': False, 'pickle_module': None}
        ),
    )
    with pytest.raises(ValueError, match=REFUSED):
        load_checkpoint_file(tmp_path / 'evil.pth')
    assert not (tmp_path / 'code_ran').exists()


def test_trust_by_the_config(theirs, tmp_path, monkeypatch):
    """A hook, under a bare Runner, for the time of the run."""
    monkeypatch.setitem(trust._state, 'has_flag', False)  # a command's parser may have set it
    checkpoint = torch.load(theirs, weights_only=False)
    torch.save(dict(checkpoint, extra=command(tmp_path / 'code_ran')), tmp_path / 'mine.pth')
    options = dict(epochs=2, resume=True, load_from=str(tmp_path / 'mine.pth'))
    with pytest.raises(ValueError, match=r"dict\(type='reid_fusedloss.TrustCheckpointsHook'\)"):
        runner(tmp_path / 'work', **options).train()
    assert not (tmp_path / 'code_ran').exists()
    runner(
        tmp_path / 'work',
        custom_hooks=[dict(type='reid_fusedloss.TrustCheckpointsHook')],
        **options,
    ).train()
    assert (tmp_path / 'code_ran').exists() and not loading.is_trusted()


@pytest.mark.slow
def test_the_error_names_the_flag_where_there_is_one():
    program = (
        'import argparse; from reid_fusedloss import trust\n'
        'print(trust.ways_to_trust()); trust.add_trust_argument(argparse.ArgumentParser())\n'
        'print(trust.ways_to_trust())'
    )
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', program],
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(REPOSITORY)},
        check=True,
    )
    without, with_flag = done.stdout.splitlines()[-2:]
    assert '--trust' not in without and 'TrustCheckpointsHook' in without
    assert with_flag.startswith('pass --trust-checkpoint')


def test_the_other_familys_function_is_ours_where_it_is(tmp_path):
    """Its loaders of other schemes share it; it would run code where weights_only fails."""
    from mmengine.runner import checkpoint

    if not hasattr(checkpoint, '_safe_torch_load'):
        pytest.skip('this family has no such function')
    torch.save(dict(extra=command(tmp_path / 'ran')), tmp_path / 'evil.pth')
    with open(tmp_path / 'evil.pth', 'rb') as file, pytest.raises(ValueError, match=REFUSED):
        checkpoint._safe_torch_load(file, map_location='cpu')
    assert not (tmp_path / 'ran').exists()
