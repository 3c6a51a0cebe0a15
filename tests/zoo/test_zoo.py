"""Networks with their weights in the package: whole, named, used offline, and as good as told."""

import hashlib
import json
import re

import numpy as np
import pytest
import torch
from mmengine.hub import get_model
from mmengine.runner import CheckpointLoader, load_checkpoint

from reid_fusedloss.apis import ReIDInferencer, find_run
from reid_fusedloss.commands import start
from reid_fusedloss.datasets.pedestrians import write_market1501_layout
from reid_fusedloss.engine.config import load_config
from reid_fusedloss.functional import evaluate_ranking
from reid_fusedloss.jobs.extract import split_checkpoint
from reid_fusedloss.zoo import SCHEME, find_trained, list_trained, models
from tests.tiny import REPOSITORY

NAMES = sorted(list_trained())
CARD = (REPOSITORY / 'configs' / 'zoo' / 'README.md').read_text()
SEEN = re.compile(r'(\d+)_c(\d)')


@pytest.fixture(scope='module')
def pedestrians(tmp_path_factory):
    """People drawn by four cameras, of whom none was trained on."""
    root = tmp_path_factory.mktemp('drawn')
    write_market1501_layout(
        root, seed=7, num_train_ids=2, num_test_ids=12, num_distractors=0, num_junk=0,
        num_cameras=3, images_per_camera=2, size=(128, 64),
    )  # fmt: skip
    return root


@pytest.mark.parametrize('name', NAMES)
def test_is_whole_and_small(name):
    model = find_trained(name)
    assert hashlib.sha256(model.path.read_bytes()).hexdigest() == model.sha256
    state = torch.load(model.weights(), weights_only=True)['state_dict']
    assert not [key for key in state if 'classifier' in key or 'loss_module' in key]
    assert model.config.is_file()


def test_all_together_are_small():
    assert {path.stem for path in models.FOLDER.glob('*.pth')} == set(NAMES)
    assert sum(path.stat().st_size for path in models.FOLDER.glob('*.pth')) < 8e6


@pytest.mark.parametrize('name', NAMES)
def test_card_tells_the_same(name):
    model = find_trained(name)
    card = CARD.split(f'## {name}')[1].split('\n## ')[0]
    assert model.sha256 in card
    for metric in ('R1', 'mAP', 'mINP', 're-ranked R1', 're-ranked mAP'):
        assert f'{model.metrics[metric]:.2f}' in card, metric
    assert f'reid-fusedloss test {name} --dataset {model.dataset}' in card
    assert 'research' in card


@pytest.mark.parametrize('name', NAMES)
def test_finds_drawn_people(name, pedestrians):
    """Far better than by chance, which gives an R1 of 1 in 12."""
    inferencer = ReIDInferencer(name, device='cpu', progress=False)
    folders = (pedestrians / 'query', pedestrians / 'bounding_box_test')
    found = [inferencer(str(folder)) for folder in folders]
    labels = [
        np.array([[int(part) for part in SEEN.search(path).groups()] for path in one.names]).T
        for one in found
    ]
    scores = evaluate_ranking(
        found[0].features, found[1].features, labels[0][0], labels[1][0], labels[0][1], labels[1][1]
    )
    np.testing.assert_allclose(np.linalg.norm(found[0].features, axis=1), 1, atol=1e-5)
    assert scores['R1'] > 40


def test_search_by_name(pedestrians, tmp_path, capsys):
    query = sorted((pedestrians / 'query').iterdir())[0]
    gallery = pedestrians / 'bounding_box_test'
    argv = [NAMES[-1], '--query', str(query), '--gallery', str(gallery), '--out', str(tmp_path)]
    assert start('search', [*argv, '--device', 'cpu', '-k', '3']) == 0
    lists = json.loads((tmp_path / 'search.json').read_text())
    assert query.name in json.dumps(lists) and (tmp_path / 'search.png').is_file()


def test_extract_by_name_with_or_without_an_own_checkpoint():
    assert split_checkpoint(NAMES[0], ['photos', 'more']) == (None, ['photos', 'more'])
    assert split_checkpoint(NAMES[0], ['mine.pth', 'photos']) == ('mine.pth', ['photos'])


def test_own_checkpoint_of_a_named_config(tmp_path):
    model = find_trained(NAMES[0])
    assert find_run(NAMES[0], tmp_path / 'x.pth') == (str(model.config), str(tmp_path / 'x.pth'))
    assert find_run(NAMES[0]) == (str(model.config), str(model.path))


@pytest.mark.parametrize('name', NAMES)
def test_load_from(name):
    """MMEngine's loader, its hub and a training's `load_from` take the name behind the scheme."""
    state = CheckpointLoader.load_checkpoint(f'{SCHEME}{name}', map_location='cpu')['state_dict']
    cfg = load_config(name)
    cfg.model.backbone.init_cfg = None
    cfg.model.head.num_classes = 3
    from mmengine.registry import MODELS

    model = MODELS.build(cfg.model)
    load_checkpoint(model, f'{SCHEME}{name}', map_location='cpu')
    own = model.state_dict()
    assert all(torch.equal(own[key], value.to(own[key].dtype)) for key, value in state.items())
    assert get_model(f'reid_fusedloss::zoo/{name}.py', pretrained=True) is not None


def test_unknown_name():
    with pytest.raises(FileNotFoundError, match='did you mean reid_fusedloss://osnet_x0_25_market'):
        CheckpointLoader.load_checkpoint(f'{SCHEME}osnet_x0_25_market')
    with pytest.raises(ValueError, match='is a config: give the checkpoint.*one of the trained'):
        find_run('fusedloss_r50')


def test_another_file_is_refused(tmp_path, monkeypatch):
    model = find_trained(NAMES[0])
    content = bytearray(model.path.read_bytes())
    content[-1] ^= 1
    (tmp_path / model.path.name).write_bytes(content)
    monkeypatch.setattr(models, 'FOLDER', tmp_path)
    with pytest.raises(ValueError, match='is not the published file .*install the package again'):
        find_run(NAMES[0])
    (tmp_path / model.path.name).unlink()
    with pytest.raises(FileNotFoundError, match='are missing'):
        CheckpointLoader.load_checkpoint(f'{SCHEME}{NAMES[0]}')


def test_test_needs_a_checkpoint(capsys):
    assert start('test', ['fusedloss_r50', '--dataset', 'market1501']) == 2
    assert 'needs a checkpoint' in capsys.readouterr().err


def test_one_file_is_the_row_under_its_budget():
    """The config of MobileNetV2 is what its header says."""
    own = load_config('mobilenetv2_market1501', 'market1501').to_dict()
    row = load_config('strong/recipe', 'market1501', None, 'cpu_market_60e').to_dict()
    for key in ('model', 'train_dataloader', 'test_dataloader', 'optim_wrapper', 'param_scheduler'):
        assert own[key] == row[key], key
    assert own['train_cfg'] == row['train_cfg']


@pytest.mark.slow
@pytest.mark.parametrize('name', NAMES)
def test_figures(name, market1501_root, tmp_path, monkeypatch):
    """The command of the card gives the figures of the card."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('MARKET1501_ROOT', str(market1501_root))
    assert start('test', [name, '--dataset', 'market1501', '--work-dir', 'out']) == 0
    (path,) = (tmp_path / 'out').rglob('scores.json')
    scores = json.loads(path.read_text())
    metrics = find_trained(name).metrics
    assert scores['reid/mAP'] == pytest.approx(metrics['mAP'], abs=0.05)
    assert scores['rerank/mAP'] == pytest.approx(metrics['re-ranked mAP'], abs=0.05)
