import os
import pickle
from pathlib import Path

import pytest
import torch

from reid_fusedloss import compat


class Evil:
    """Runs a command when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f'touch {self.path}', )


def test_malicious_checkpoint_is_refused(tmp_path):
    torch.save(dict(state_dict={}, extra=Evil(tmp_path / 'broken_in')), tmp_path / 'evil.pth')
    with pytest.raises(ValueError, match='--trust-checkpoint'):
        compat.load_checkpoint_file(tmp_path / 'evil.pth')
    assert not (tmp_path / 'broken_in').exists()


def test_trusted_checkpoint_is_loaded(tmp_path):
    torch.save(dict(state_dict={}, extra=Evil(tmp_path / 'let_in')), tmp_path / 'mine.pth')
    compat.trust_checkpoints()
    try:
        compat.load_checkpoint_file(tmp_path / 'mine.pth')
    finally:
        compat.trust_checkpoints(False)
    assert (tmp_path / 'let_in').exists()


def test_plain_weights_load_through_mmengine(tmp_path):
    from mmengine.runner import CheckpointLoader
    weights = dict(weight=torch.arange(3.))
    torch.save(weights, tmp_path / 'plain.pth')
    loaded = CheckpointLoader.load_checkpoint(str(tmp_path / 'plain.pth'), 'cpu')
    assert torch.equal(loaded['weight'], weights['weight'])


def test_missing_and_torn_files(tmp_path):
    with pytest.raises(FileNotFoundError, match='nothing.pth'):
        compat.load_checkpoint_file(tmp_path / 'nothing.pth')
    torch.save(dict(weight=torch.zeros(1000)), tmp_path / 'torn.pth')
    whole = (tmp_path / 'torn.pth').read_bytes()
    for size in (0, 10, len(whole) // 2):
        (tmp_path / 'torn.pth').write_bytes(whole[:size])
        with pytest.raises(ValueError, match='torn.pth'):
            compat.load_checkpoint_file(tmp_path / 'torn.pth')
    (tmp_path / 'torn.pth').write_bytes(pickle.dumps('text')[:-1])
    with pytest.raises(ValueError, match='torn.pth'):
        compat.load_checkpoint_file(tmp_path / 'torn.pth')


@pytest.mark.parametrize('found, words', [
    (['mmcv', 'mmcv-lite'], ['both mmcv and mmcv-lite', 'pip uninstall']), ([], ['pip install'])])
def test_doubled_and_missing_mmcv(monkeypatch, found, words):
    class Distribution:
        def __init__(self, name):
            self.metadata = dict(Name=name)

    monkeypatch.setattr(compat.metadata, 'distributions',
                        lambda name: [Distribution(name)] if name in found else [])
    if not found:
        import sys
        monkeypatch.setitem(sys.modules, 'mmcv', None)
    with pytest.raises(ImportError) as caught:
        compat.check_mmcv()
    assert all(word in str(caught.value) for word in words)


def test_downloaded_checkpoints_are_refused_too(tmp_path, monkeypatch):
    """http(s)://, torchvision:// and OpenMMLab's all go through one function of MMEngine."""
    from mmengine.runner import CheckpointLoader
    torch.save(dict(state_dict={}, extra=Evil(tmp_path / 'broken_in')), tmp_path / 'evil.pth')
    torch.save(dict(weight=torch.ones(2)), tmp_path / 'good.pth')
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'cache'))
    monkeypatch.setattr(
        torch.hub, 'download_url_to_file',
        lambda url, path, progress: Path(path).write_bytes(
            (tmp_path / url.rsplit('/', 1)[1]).read_bytes()))
    with pytest.raises(ValueError, match='--trust-checkpoint'):
        CheckpointLoader.load_checkpoint('https://models.example/evil.pth', 'cpu')
    assert not (tmp_path / 'broken_in').exists()
    good = CheckpointLoader.load_checkpoint('https://models.example/good.pth', 'cpu')
    assert torch.equal(good['weight'], torch.ones(2))
