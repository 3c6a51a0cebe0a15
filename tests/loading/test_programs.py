"""Programs in a checkpoint that PyTorch or MMEngine would run: TorchScript, tar, a config's text."""

import tarfile
import zipfile

import pytest
import torch

from reid_fusedloss.loading import load_checkpoint_file
from tests.loading.runs import runner


def test_torchscript_and_tar(tmp_path):
    """PyTorch before 2.6 takes them for safe."""
    torch.save(dict(weight=torch.ones(1)), tmp_path / 'module.pt')
    with zipfile.ZipFile(tmp_path / 'module.pt', 'a') as archive:
        archive.writestr('module/constants.pkl', b'')
    with pytest.raises(ValueError, match='TorchScript'):
        load_checkpoint_file(tmp_path / 'module.pt')
    with tarfile.open(tmp_path / 'old.pth', 'w') as archive:
        archive.add(tmp_path / 'module.pt')
    with pytest.raises(ValueError, match='tar'):
        load_checkpoint_file(tmp_path / 'old.pth')


@pytest.mark.parametrize(
    'text, kept',
    [
        ("__import__('os').system('touch {marker}')\ngpu_ids = []", None),
        ("gpu_ids = __import__('os').system('touch {marker}') or [0]", None),
        ("gpu_ids = [0, 1]\nimport os\nos.system('touch {marker}')", 'gpu_ids = [0, 1]'),
        ('lr = 1\ngpu_ids = range(0, 8)', 'gpu_ids = [0, 1, 2, 3, 4, 5, 6, 7]'),
        ('gpu_ids = range(0, 10**18)', None),
        ('gpu_ids = range(0, 1000000000000)', None),
        ('model = dict()', None),
        ('gpu_ids = (', None),
        ('(' * 100000, None),
        (5, None),
    ],
)
def test_the_text_of_a_config_is_not_run(tmp_path, text, kept):
    marker = tmp_path / 'ran'
    text = text.replace('{marker}', str(marker)) if isinstance(text, str) else text
    torch.save(dict(meta=dict(config=text, iter=3), state_dict={}), tmp_path / 'old.pth')
    loaded = load_checkpoint_file(tmp_path / 'old.pth')
    assert loaded['meta'] == (dict(iter=3) if kept is None else dict(iter=3, config=kept))
    assert not marker.exists()


def test_resuming_runs_no_text(theirs, tmp_path):
    """And the warning that the text is for stays."""
    checkpoint = torch.load(theirs, weights_only=False)
    for config, error in (
        ("__import__('os').system('touch {marker}')\ngpu_ids=[]", None),
        ('gpu_ids = range(0, 4)', 'Number of GPUs used'),
    ):
        marker = tmp_path / 'ran'
        checkpoint['meta']['config'] = config.replace('{marker}', str(marker))
        torch.save(checkpoint, tmp_path / 'old.pth')
        resumed = runner(
            tmp_path / 'work', epochs=2, resume=True, load_from=str(tmp_path / 'old.pth')
        )
        if error is None:
            resumed.train()
        else:
            with pytest.raises(RuntimeError, match=error):
                resumed.train()
        assert not marker.exists()
