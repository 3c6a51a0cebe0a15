from types import SimpleNamespace

import pytest
import torch

from reid_fusedloss import compat


def test_plain_weights_load_through_mmengine(tmp_path):
    from mmengine.runner import CheckpointLoader

    weights = dict(weight=torch.arange(3.0))
    torch.save(weights, tmp_path / 'plain.pth')
    loaded = CheckpointLoader.load_checkpoint(str(tmp_path / 'plain.pth'), 'cpu')
    assert torch.equal(loaded['weight'], weights['weight'])


def test_what_a_family_lacks_is_left_alone(monkeypatch):
    """The other family formats configs in another place, upstream has no loader to be shared."""
    from mmengine.runner import checkpoint

    monkeypatch.delattr(compat.config, 'FormatCode', raising=False)
    monkeypatch.delattr(checkpoint, '_safe_torch_load', raising=False)
    compat.apply()
    assert not hasattr(compat.config, 'FormatCode')
    assert not hasattr(checkpoint, '_safe_torch_load')


def test_two_families(monkeypatch):
    """pip puts one over the other; both names are told, and what to do."""
    found = ['mmengine', 'onedl-mmengine', 'onedl-mmcv']
    monkeypatch.setattr(
        compat.metadata,
        'distributions',
        lambda name: [SimpleNamespace(metadata=dict(Name=name))] if name in found else [],
    )
    with pytest.raises(
        ImportError,
        match='mmengine and onedl-mmcv, onedl-mmengine are installed'
        '.*pip uninstall -y mmengine onedl-mmcv onedl-mmengine',
    ):
        compat.check_families()
    found.remove('mmengine')
    compat.check_families()


@pytest.mark.parametrize(
    'found, words',
    [(['mmcv', 'mmcv-lite'], ['both mmcv and mmcv-lite', 'pip uninstall']), ([], ['pip install'])],
)
def test_doubled_and_missing_mmcv(monkeypatch, found, words):
    class Distribution:
        def __init__(self, name):
            self.metadata = dict(Name=name)

    monkeypatch.setattr(
        compat.metadata, 'distributions', lambda name: [Distribution(name)] if name in found else []
    )
    if not found:
        import sys

        monkeypatch.setitem(sys.modules, 'mmcv', None)
    with pytest.raises(ImportError) as caught:
        compat.check_mmcv()
    assert all(word in str(caught.value) for word in words)
