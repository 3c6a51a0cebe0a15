"""Files of other projects, read wherever a checkpoint is read, and converted by the tool."""

import sys
import types

import pytest
import torch
from mmengine.registry import MODELS
from mmengine.runner import Runner
from torch import nn

from reid_fusedloss import logs
from reid_fusedloss.apis.model import load_model
from reid_fusedloss.conversion import detect
from reid_fusedloss.engine.config import load_config
from reid_fusedloss.engine.hooks import foreign_weights_hook
from reid_fusedloss.engine.testing import check_weights, read_weights
from reid_fusedloss.loading import load_checkpoint_file, trust_checkpoints
from tests.calling import call
from tests.conversion.formula import draw_weights, read_record
from tests.tiny import tiny_config


def foreign(weights):
    """Names of reid-strong-baseline."""
    theirs = {
        key.replace('backbone.', 'base.')
        .replace('head.bn.', 'bottleneck.')
        .replace('head.classifier.', 'classifier.'): value
        for key, value in weights.items()
    }
    return {key: value for key, value in theirs.items() if not key.startswith('head.')}


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    """A folder, and the weights of its model that foreign.pth has under names of others."""
    folder = tmp_path_factory.mktemp('foreign')
    torch.manual_seed(1)
    model = MODELS.build(tiny_config(folder / 'data', folder / 'work').model)
    weights = model.state_dict()
    theirs = {f'module.{key}': value for key, value in foreign(weights).items()}
    torch.save(dict(state_dict=theirs), folder / 'foreign.pth')
    return folder, {key: value.clone() for key, value in weights.items()}


def runner_of(folder, work_dir, **options):
    return Runner.from_cfg(
        tiny_config(folder / 'data', work_dir, load_from=str(folder / 'foreign.pth'), **options)
    )


def test_the_runner_starts_from_them(tiny, tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(logs, 'print_log', lambda line, **_: lines.append(line))
    runner = runner_of(tiny[0], tmp_path)
    runner.load_or_resume()
    own = runner.model.state_dict()
    filled = [key for key in own if key.startswith(('backbone.', 'head.bn.', 'head.classifier.'))]
    assert len(filled) > 100 and all(torch.equal(own[key], tiny[1][key]) for key in filled)
    assert len([line for line in lines if 'weights of the layout strong_baseline' in line]) == 1


@pytest.mark.slow
def test_other_identities_are_left_out_then(tiny, tmp_path):
    """The hook that leaves them out sees our names."""
    runner = runner_of(tiny[0], tmp_path, model__head__num_classes=4)
    before = runner.model.head.classifier.weight.clone()
    runner.load_or_resume()
    assert len(before) == 4 and torch.equal(runner.model.head.classifier.weight, before)
    assert torch.equal(runner.model.backbone.conv1.weight, tiny[1]['backbone.conv1.weight'])


def test_a_training_is_not_resumed_from_them(tiny, tmp_path):
    with pytest.raises(ValueError, match='layout strong_baseline.*leave resume out'):
        runner_of(tiny[0], tmp_path, resume=True).load_or_resume()


@pytest.mark.slow
def test_a_head_of_another_size_starts_anew(tiny, tmp_path, monkeypatch):
    lines = []
    monkeypatch.setattr(logs, 'print_log', lambda line, **_: lines.append(line))
    runner = runner_of(tiny[0], tmp_path, model__head__embedding_dims=16)
    runner.load_or_resume()
    assert torch.equal(runner.model.backbone.conv1.weight, tiny[1]['backbone.conv1.weight'])
    assert (runner.model.head.bn.weight == 1).all()
    assert any('head.bn.weight (64,) (here (16,))' in line for line in lines)
    said = [line.split('size: ')[1] for line in lines if 'size: ' in line]
    assert {text.split(' ')[0] for text in said} == {
        f'head.bn.{leaf}' for leaf in ('weight', 'bias', 'running_mean', 'running_var')
    } | {'head.classifier.weight'}


@pytest.mark.parametrize(
    'extra, mark',
    [
        ({}, {}),
        ({'head.old': torch.ones(1)}, dict(meta=dict(mmengine_version='0.10.7'))),
        ({'head.old': torch.ones(1)}, dict(message_hub={})),
    ],
)
def test_an_own_training_is_not_taken_for_anothers(extra, mark, tmp_path):
    """Of a model whose modules are called as others call theirs."""
    model = nn.Module()
    model.base = MODELS.build(dict(type='ResNet', depth=18, stem_channels=8, base_channels=8))
    weights = model.state_dict() | extra
    assert detect(weights) == 'strong_baseline'
    checkpoint = dict(state_dict=dict(weights), **mark)
    hook = foreign_weights_hook.ForeignWeightsHook()
    hook.after_load_checkpoint(types.SimpleNamespace(model=model, _resume=True), checkpoint)
    assert checkpoint['state_dict'].keys() == weights.keys()
    if mark:
        torch.save(checkpoint, tmp_path / 'own.pth')
        assert read_weights(str(tmp_path / 'own.pth')).keys() == weights.keys()


def test_a_network_of_another_width(tiny, tmp_path):
    with pytest.raises(ValueError, match=r'backbone.conv1.weight: \(8, 3, 7, 7\) in the file'):
        runner_of(tiny[0], tmp_path, model__backbone__stem_channels=16).load_or_resume()


def test_they_are_read_for_a_test(tiny):
    weights = read_weights(str(tiny[0] / 'foreign.pth'))
    assert all(torch.equal(value, tiny[1][key]) for key, value in weights.items())
    assert weights.keys() == {key for key in tiny[1] if '.loss_module.' not in key}


@pytest.mark.parametrize(
    'change, message',
    [
        (lambda weights: weights.pop('backbone.bn1.bias'), r'not fill 1 of .*backbone\.bn1\.bias'),
        (lambda weights: weights.update({'neck.p': torch.ones(1)}), r'no place for 1 .*neck\.p'),
        (
            lambda weights: weights.update({'backbone.x': torch.ones(1)}),
            r'place for 1 .*backbone\.x',
        ),
    ],
)
def test_a_test_wants_all_weights_and_no_more(tiny, change, message):
    model = MODELS.build(tiny_config(tiny[0] / 'data', tiny[0] / 'work').model)
    weights = dict(tiny[1])
    check_weights(model, weights)
    change(weights)
    with pytest.raises(ValueError, match=message):
        check_weights(model, weights)


def test_a_config_without_the_hook_gets_it(tiny, tmp_path):
    """As runs before it have left; MMEngine would test a random network, without an error."""
    cfg = tiny_config(tiny[0] / 'data', tmp_path)
    for name, hooks in (
        ('old', {key: hook for key, hook in cfg.default_hooks.items() if key != 'foreign_weights'}),
        ('bare', None),
    ):
        cfg.default_hooks = hooks
        cfg.dump(tmp_path / f'{name}.py')
        again = load_config(str(tmp_path / f'{name}.py'))
        again.load_from = str(tiny[0] / 'foreign.pth')
        runner = Runner.from_cfg(again)
        runner.load_or_resume()
        assert torch.equal(runner.model.backbone.conv1.weight, tiny[1]['backbone.conv1.weight'])


def test_a_file_without_head_is_tested_and_said(tiny, monkeypatch):
    """ImageNet's weights before any training; a part of a head is another case."""
    lines = []
    monkeypatch.setattr(logs, 'print_log', lambda line, **_: lines.append(line))
    cfg = tiny_config(tiny[0] / 'data', tiny[0] / 'work')
    weights = {key: value for key, value in tiny[1].items() if key.startswith('backbone.')}
    check_weights(MODELS.build(cfg.model), weights)
    assert 'no head' in lines[-1] and 'identity' in lines[-1]
    with pytest.raises(ValueError, match='head.bn.weight is missing'):
        check_weights(MODELS.build(cfg.model), weights | {'head.bn.bias': torch.zeros(64)})
    cfg.model.head.embedding_dims = 16
    with pytest.raises(ValueError, match='head.embedding.weight is missing'):
        check_weights(MODELS.build(cfg.model), weights)
    cfg.model.head.embedding_dims = None
    cfg.model.neck = dict(type='GeneralizedMeanPooling')
    with pytest.raises(ValueError, match='neck.p is missing'):
        check_weights(MODELS.build(cfg.model), weights)


def test_load_model(tiny, tmp_path):
    cfg = tiny_config(tiny[0] / 'data', tmp_path)
    cfg.dump(tmp_path / 'tiny.py')
    model, _ = load_model(tmp_path / 'tiny.py', tiny[0] / 'foreign.pth', device='cpu')
    assert torch.equal(model.head.bn.weight, tiny[1]['head.bn.weight'])
    assert torch.equal(model.backbone.conv1.weight, tiny[1]['backbone.conv1.weight'])


@pytest.fixture
def module_file(tmp_path):
    """A whole module of a package that comes and goes."""
    package = types.ModuleType('their_project')
    package.Net = type('Net', (nn.Linear,), dict(__module__='their_project'))
    sys.modules['their_project'] = package
    torch.save(package.Net(2, 3), tmp_path / 'module.pth')
    yield tmp_path / 'module.pth'
    sys.modules.pop('their_project', None)
    trust_checkpoints(False)


def test_whole_modules_need_trust(module_file):
    with pytest.raises(ValueError, match='REID_TRUST_CHECKPOINT=1'):
        load_checkpoint_file(str(module_file))
    trust_checkpoints()
    assert load_checkpoint_file(str(module_file))['state_dict'].keys() == {'weight', 'bias'}


def test_whole_modules_need_their_code(module_file):
    trust_checkpoints()
    del sys.modules['their_project']
    with pytest.raises(ValueError, match='their_project.*PYTHONPATH'):
        load_checkpoint_file(str(module_file))


def run_tool(monkeypatch, *arguments):
    call(monkeypatch, 'convert_checkpoint', *arguments)


def write_record(name, path):
    shapes, recorded = read_record(name)
    weights = draw_weights(shapes, float(recorded['gain']))
    torch.save(dict(model=weights), path)
    return weights


def test_the_tool_converts_and_reports(tmp_path, monkeypatch, capsys):
    weights = write_record('fastreid_bot_r18_ibn_embedding', tmp_path / 'theirs.pth')
    run_tool(monkeypatch, tmp_path / 'theirs.pth', tmp_path / 'new' / 'ours.pth')
    saved = torch.load(tmp_path / 'new' / 'ours.pth', weights_only=True)
    assert torch.equal(saved['state_dict']['head.bn.weight'], weights['heads.bottleneck.1.weight'])
    assert saved['meta']['layout'] == 'fastreid' and 'pixel_mean' in saved['meta']['left_over']
    printed = capsys.readouterr().out
    assert 'left over: pixel_mean' in printed
    assert 'fits configs/published/fastreid_bot_r50_ibn.py --cfg-options' in printed
    assert 'model.backbone.depth="18"' in printed and 'model.head.embedding_dims="32"' in printed
    assert read_weights(str(tmp_path / 'new' / 'ours.pth')).keys() == saved['state_dict'].keys()


def test_the_tool_says_what_starts_anew(tmp_path, monkeypatch, capsys):
    write_record('tonylins_mobilenetv2', tmp_path / 'theirs.pt')
    run_tool(monkeypatch, tmp_path / 'theirs.pt', tmp_path / 'ours.pth')
    printed = capsys.readouterr().out
    assert 'not in the file: head.classifier.weight (starts from scratch)' in printed
    assert 'fits configs/mobilenetv2/fused_256x128.py\n' in printed


@pytest.mark.parametrize(
    'arguments, message',
    [
        (['--layout', 'transreid'], 'not this layout, but tonylins_mobilenetv2'),
        (['--camera', '0'], 'camera=0 is for weights of TransReID'),
    ],
)
def test_the_tool_refuses(tmp_path, monkeypatch, arguments, message):
    write_record('tonylins_mobilenetv2', tmp_path / 'theirs.pt')
    with pytest.raises(ValueError, match=message):
        run_tool(monkeypatch, tmp_path / 'theirs.pt', tmp_path / 'ours.pth', *arguments)
    assert not (tmp_path / 'ours.pth').exists()


def test_the_tool_does_not_overwrite_its_source(tmp_path, monkeypatch):
    write_record('tonylins_mobilenetv2', tmp_path / 'theirs.pt')
    with pytest.raises(ValueError, match='the source itself'):
        run_tool(monkeypatch, tmp_path / 'theirs.pt', tmp_path / 'theirs.pt')
    with pytest.raises(ValueError, match='is a folder: give a file'):
        run_tool(monkeypatch, tmp_path / 'not_read.pt', tmp_path)


def test_the_tool_leaves_no_half_of_a_file(tmp_path, monkeypatch):
    write_record('tonylins_mobilenetv2', tmp_path / 'theirs.pt')
    (tmp_path / 'ours.pth').write_text('before')

    def full(state, file):
        file.write(b'half')
        raise OSError('no space left')

    monkeypatch.setattr(torch, 'save', full)
    with pytest.raises(OSError, match='no space'):
        run_tool(monkeypatch, tmp_path / 'theirs.pt', tmp_path / 'ours.pth')
    assert (tmp_path / 'ours.pth').read_text() == 'before'
    assert {path.name for path in tmp_path.iterdir()} == {'theirs.pt', 'ours.pth'}
