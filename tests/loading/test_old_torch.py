"""Files are not loaded by a PyTorch whose `weights_only` is broken, unless they are trusted."""
import pytest
import torch

import reid_fusedloss
from reid_fusedloss.compat import load_checkpoint_file


@pytest.mark.parametrize('version, refused', [
    ('2.1.0', True), ('2.5.1+cu121', True), ('2.6.0', False), ('2.10.0a0+git1', False),
    ('3.0.0', False)])
def test_releases(tmp_path, monkeypatch, version, refused):
    path = tmp_path / 'a.pth'
    torch.save(dict(state_dict={}), path)
    monkeypatch.setattr(torch, '__version__', version)
    if not refused:
        assert load_checkpoint_file(str(path)) == dict(state_dict={})
        return
    with pytest.raises(ValueError, match='CVE-2025-32434.*Install PyTorch 2.6') as caught:
        load_checkpoint_file(str(path))
    assert str(path) in str(caught.value)
    reid_fusedloss.trust_checkpoints()
    try:
        assert load_checkpoint_file(str(path)) == dict(state_dict={})
    finally:
        reid_fusedloss.trust_checkpoints(False)
