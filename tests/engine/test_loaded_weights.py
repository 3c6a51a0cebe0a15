"""`load_from` of other people, as many as here, and of other networks."""

import shutil

import pytest
import torch
from mmengine.registry import MODELS
from mmengine.runner import Runner

from reid_fusedloss import logs
from reid_fusedloss.compat import load_checkpoint_file
from reid_fusedloss.engine.hooks import other_identities_hook
from reid_fusedloss.engine.loaded_weights import fill
from tests.tiny import tiny_config

OF_IDENTITIES = ('head.classifier.weight', 'head.loss_module.terms.center.centers')


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """A training of an epoch: its folder, with `data` and epoch_1.pth."""
    folder = tmp_path_factory.mktemp('run')
    cfg = config(folder / 'data', folder / 'work')
    Runner.from_cfg(cfg).train()
    return folder


def config(data, work_dir, **options):
    cfg = tiny_config(
        data,
        work_dir,
        **{
            'train_cfg__max_epochs': 1,
            'train_cfg__val_interval': 9,
            'param_scheduler__1__end': 2,
            **options,
        },
    )
    cfg.default_hooks.pop('report')
    return cfg


@pytest.fixture
def lines(monkeypatch):
    """What the hooks say."""
    said = []

    def print_log(line, **_):
        if not line.startswith(('SyntheticReID', 'FusedLoss')):  # data set and loss
            said.append(line)

    monkeypatch.setattr(logs, 'print_log', print_log)
    return said


def load(cfg, checkpoint):
    """The state dicts of a model that starts from a checkpoint, before and after it is loaded."""
    cfg.load_from = str(checkpoint)
    runner = Runner.from_cfg(cfg)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    before = {name: value.clone() for name, value in runner.model.state_dict().items()}
    runner.load_or_resume()
    return before, runner.model.state_dict()


@pytest.fixture
def others(run, tmp_path):
    """Other people, as many, whose images are called as those of the run."""
    shutil.copytree(run / 'data', tmp_path / 'others')
    paths = sorted(
        path
        for path in (tmp_path / 'others').rglob('*')
        if path.is_file() and 'train' in path.parent.name and path.suffix in ('.jpg', '.png')
    )
    assert len(paths) == 24
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, contents[4:] + contents[:4]):
        path.write_bytes(content)
    return tmp_path / 'others'


def check(loaded, checkpoint, kept):
    before, after = loaded
    saved = load_checkpoint_file(checkpoint)['state_dict']
    for name in OF_IDENTITIES:
        assert torch.equal(after[name], (saved if kept else before)[name])
        assert not torch.equal(saved[name], before[name])
    assert torch.equal(after['backbone.conv1.weight'], saved['backbone.conv1.weight'])


def test_the_same_people_keep_their_classifier(run, tmp_path, lines):
    checkpoint = run / 'work' / 'epoch_1.pth'
    check(load(config(run / 'data', tmp_path / 'w'), checkpoint), checkpoint, kept=True)
    assert not lines


def test_as_many_others_start_from_scratch(run, others, tmp_path, lines):
    checkpoint = run / 'work' / 'epoch_1.pth'
    check(load(config(others, tmp_path / 'w'), checkpoint), checkpoint, kept=False)
    assert len(lines) == 1 and 'trained on 6 other identities' in lines[0]
    assert all(name in lines[0] for name in OF_IDENTITIES) and 'keep=True' in lines[0]


@pytest.mark.slow
@pytest.mark.parametrize('keep', [True, False])
def test_the_key_decides(run, others, tmp_path, lines, keep):
    checkpoint = run / 'work' / 'epoch_1.pth'
    cfg = config(
        others if keep else run / 'data', tmp_path / 'w', default_hooks__other_identities__keep=keep
    )
    check(load(cfg, checkpoint), checkpoint, kept=keep)
    assert len(lines) == (0 if keep else 1)


@pytest.mark.slow
def test_a_checkpoint_that_does_not_tell(run, tmp_path, lines):
    checkpoint = load_checkpoint_file(run / 'work' / 'epoch_1.pth')
    del checkpoint['meta']['training']
    torch.save(checkpoint, tmp_path / 'old.pth')
    check(
        load(config(run / 'data', tmp_path / 'w'), tmp_path / 'old.pth'),
        tmp_path / 'old.pth',
        kept=True,
    )
    assert len(lines) == 1 and 'does not say which people they are of' in lines[0]
    assert 'keep=False' in lines[0]


def test_keep_is_a_flag():
    with pytest.raises(TypeError, match="keep='no' must be True or False"):
        other_identities_hook.OtherIdentitiesHook(keep='no')


@pytest.mark.parametrize(
    'options',
    [
        dict(model__backbone__depth=50, model__head__in_channels=256),
        dict(
            model__backbone__base_channels=16,
            model__backbone__stem_channels=16,
            model__head__in_channels=128,
        ),
    ],
    ids=['depth', 'width'],
)
def test_another_network_is_refused(run, tmp_path, options):
    cfg = config(run / 'data', tmp_path / 'w', **options)
    with pytest.raises(ValueError, match=r'the checkpoint has \d+ of \d+ weights of the backbone'):
        load(cfg, run / 'work' / 'epoch_1.pth')


def test_another_network_is_not_tested_either(run, tmp_path):
    cfg = config(
        run / 'data',
        tmp_path / 'w',
        model__backbone__depth=50,
        model__head__in_channels=256,
        load_from=str(run / 'work' / 'epoch_1.pth'),
    )
    with pytest.raises(ValueError, match='it is of another network'):
        Runner.from_cfg(cfg).test()


def test_another_network_is_not_resumed(run, tmp_path):
    cfg = config(run / 'data', tmp_path / 'w', model__backbone__depth=34, resume=True)
    with pytest.raises(ValueError, match=r'to resume is of another network: \d+ weights are miss'):
        load(cfg, run / 'work' / 'epoch_1.pth')


def test_a_part_is_taken_and_named_in_one_line(run, tmp_path, lines, caplog):
    saved = load_checkpoint_file(run / 'work' / 'epoch_1.pth')['state_dict']
    part = {name: value for name, value in saved.items() if name.startswith('backbone.')}
    part['extra.weight'] = part.pop('backbone.layer4.1.bn2.weight')
    torch.save(part, tmp_path / 'part.pth')
    before, after = load(config(run / 'data', tmp_path / 'w'), tmp_path / 'part.pth')
    assert torch.equal(after['backbone.conv1.weight'], saved['backbone.conv1.weight'])
    for name in ('head.bn.weight', 'backbone.layer4.1.bn2.weight'):
        assert torch.equal(after[name], before[name])
    assert len(lines) == 1
    assert f'{len(part) - 1} of {len(after)} weights are taken from the checkpoint: ' in lines[0]
    assert '1 without a place here (extra.weight)' in lines[0]
    text = next((tmp_path / 'w').rglob('*.log')).read_text()
    assert 'do not match exactly' not in text


def test_what_a_part_resizes_as_it_loads_is_left_to_it():
    backbone = dict(
        type='mmpretrain.VisionTransformer',
        img_size=32,
        patch_size=16,
        out_type='raw',
        arch=dict(embed_dims=8, num_layers=1, num_heads=2, feedforward_channels=8),
    )
    model = torch.nn.Module()
    model.backbone = MODELS.build(backbone)
    weights = dict(model.state_dict(), **{'backbone.pos_embed': torch.zeros(1, 17, 8)})
    filled, text = fill(model, weights, None)
    assert filled['backbone.pos_embed'].shape == (1, 17, 8) and text == ''
