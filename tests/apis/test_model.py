"""Which weights a checkpoint must hold, and where a run's files are found."""

import json
import shutil

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from reid_fusedloss.apis import ReIDInferencer, find_run, load_model
from tests.tiny import tiny_config


@pytest.fixture(scope='module')
def weights(trained):
    return torch.load(trained / 'work' / 'epoch_1.pth', weights_only=True)['state_dict']


def load(trained, weights, folder):
    torch.save(weights, folder / 'weights.pth')
    config = next((trained / 'work').glob('*.py'))
    return load_model(config, folder / 'weights.pth', device='cpu')


def test_a_checkpoint_without_classifier_and_centres_will_do(trained, weights, tmp_path):
    slim = {
        name: weight
        for name, weight in weights.items()
        if not name.startswith(('head.classifier', 'head.loss_module'))
        and not name.endswith('num_batches_tracked')
    }
    assert len(slim) < len(weights)
    model, _ = load(trained, slim, tmp_path)
    whole, _ = load_model(trained / 'work', device='cpu')
    images = torch.rand(2, 3, 48, 24)
    assert torch.equal(model(images, mode='tensor'), whole(images, mode='tensor'))


@pytest.mark.parametrize(
    'name', ['head.bn.running_mean', 'head.bn.weight', 'backbone.conv1.weight']
)
def test_what_the_embedding_needs_must_be_there(name, trained, weights, tmp_path):
    for part, error in (
        ({}, f'{name} is missing'),
        ({name: torch.zeros(3)}, rf'{name} has shape \(3,\) instead of'),
    ):
        rest = {key: weight for key, weight in weights.items() if key != name} | part
        with pytest.raises(ValueError, match=f'does not fill 1 of .*{error}'):
            load(trained, rest, tmp_path)


def test_a_neck_or_a_reduction_must_be_there(trained, tmp_path):
    cfg = Config.fromfile(next((trained / 'work').glob('*.py')))
    cfg.model.head.embedding_dims = 16
    cfg.dump(tmp_path / 'reduced.py')
    with pytest.raises(ValueError, match='head.embedding.weight is missing'):
        load_model(tmp_path / 'reduced.py', trained / 'work' / 'epoch_1.pth', device='cpu')


@pytest.mark.slow
def test_averaged_weights_are_those_that_count(tmp_path):
    """MMEngine's EMAHook saves the average as `state_dict`: the inferencer has the tested model."""
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'work', train_cfg__max_epochs=1)
    cfg.custom_hooks = [*cfg.get('custom_hooks', []), dict(type='EMAHook', momentum=0.4)]
    runner = Runner.from_cfg(cfg)
    runner.train()
    hook = next(hook for hook in runner.hooks if type(hook).__name__ == 'EMAHook')
    averaged = hook.ema_model.module.backbone.conv1.weight
    loaded = load_model(tmp_path / 'work', device='cpu')[0].backbone.conv1.weight
    assert torch.equal(loaded, averaged)
    assert not torch.equal(loaded, runner.model.backbone.conv1.weight)


def test_the_files_of_a_run(trained, tmp_path):
    work = trained / 'work'
    config = str(next(work.glob('*.py')))
    assert find_run(work) == (config, str(work / 'epoch_1.pth'))
    assert find_run(str(work), 'other.pth') == (config, 'other.pth')
    with pytest.raises(ValueError, match='is a config: give the checkpoint too'):
        find_run(config)
    with pytest.raises(FileNotFoundError, match='no config at .*check the path'):
        find_run(tmp_path / 'gone')
    with pytest.raises(FileNotFoundError, match='has no config'):
        find_run(tmp_path)
    shutil.copy(config, tmp_path / 'a.py')
    with pytest.raises(FileNotFoundError, match='has no checkpoint'):
        find_run(tmp_path)
    shutil.copy(config, tmp_path / 'b.py')
    with pytest.raises(ValueError, match="several configs, .'a.py', 'b.py'."):
        find_run(tmp_path)


def test_the_folder_above_runs_names_them(trained, tmp_path):
    """That of a table's row holds a run for each seed."""
    shutil.copytree(trained / 'work', tmp_path / 'row' / 'seed0')
    with pytest.raises(FileNotFoundError, match='row has no config.*seed0'):
        find_run(tmp_path / 'row')
    assert ReIDInferencer(tmp_path / 'row' / 'seed0', device='cpu').feat_dims == 64


def test_a_row_that_shares_its_training(trained, tmp_path):
    owner, row = (tmp_path / 'market' / 'table' / name / 'seed0' for name in ('owner', 'row'))
    shutil.copytree(trained / 'work', owner)
    (owner / 'last_checkpoint').unlink()  # it names the folder that this one is a copy of
    (row / 'test_last').mkdir(parents=True)
    config = shutil.copy(next(owner.glob('*.py')), row / 'test_last' / 'row.py')
    (row / 'ablation.json').write_text(json.dumps(dict(trained_in='table/owner/seed0')))
    assert find_run(row) == (str(config), str(owner / 'epoch_1.pth'))
