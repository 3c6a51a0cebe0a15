"""Configs found by name and by scope, as users of other MM packages inherit them."""

import os
import sys
from pathlib import Path

import pytest
from mmengine.config import Config, config
from mmengine.hub import get_config, get_model
from mmengine.registry import MODELS, DefaultScope

from reid_fusedloss import registry, scope
from reid_fusedloss.engine.config import load_config
from reid_fusedloss.scope import PACKAGE, find_config, find_root, list_configs
from tests.tiny import REPOSITORY

pytestmark = pytest.mark.skipif(
    not (PACKAGE / scope.MIM / 'configs').exists(),
    reason='the package is not installed (pip install -e .): MMEngine finds no .mim folder',
)
HEADLINE = 'paper/fusedloss_r50.py'


def plain(value):
    """A config without the marks of its scope."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items() if key != '_scope_'}
    return [plain(part) for part in value] if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize(
    'name',
    [
        HEADLINE,
        'paper/table4/4_circle_triplet_center.py',
        'demo/synthetic_r18.py',
        '_base_/datasets/market1501.py',
        '_base_/datasets/reid.py',
    ],
)
def test_inherited_from_an_empty_folder(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('mine.py').write_text(f"_base_ = 'reid_fusedloss::{name}'\n")
    direct = Config.fromfile(str(REPOSITORY / 'configs' / name))
    assert plain(Config.fromfile('mine.py').to_dict()) == plain(direct.to_dict())
    assert plain(get_config(f'reid_fusedloss::{name}').to_dict()) == plain(direct.to_dict())


def test_types_are_the_same_under_the_scope(tmp_path):
    """A name without scope is mmpretrain's, one with ours is ours, though both have a ResNet."""
    for kind in ('ResNet', 'reid_fusedloss.ResNet', 'mmpretrain.ResNet'):
        (tmp_path / 'mine.py').write_text(
            "_base_ = 'reid_fusedloss::demo/synthetic_r18.py'\n"
            f"model = dict(backbone=dict(type='{kind}', base_channels=8, stem_channels=8),\n"
            '             head=dict(in_channels=64, num_classes=3))\n'
        )
        inherited = Config.fromfile(str(tmp_path / 'mine.py'))
        assert inherited.model._scope_ == 'reid_fusedloss'
        built = MODELS.build(inherited.model)
        with DefaultScope.overwrite_default_scope('mmpretrain'):
            direct = MODELS.build(plain(inherited.model))
        assert [type(m) for m in built.modules()] == [type(m) for m in direct.modules()]


def test_a_model_from_the_hub():
    model = get_model('reid_fusedloss::demo/synthetic_r18.py')
    assert type(model.head).__name__ == 'BNNeckHead' and model.head.num_classes is None


def test_a_registry_knows_the_users_types():
    @registry.MODELS.register_module(name='OfTheUser')
    class OfTheUser:
        pass

    try:
        with DefaultScope.overwrite_default_scope('reid_fusedloss'):
            assert isinstance(MODELS.build(dict(type='OfTheUser')), OfTheUser)
    finally:
        registry.MODELS.module_dict.pop('OfTheUser')


def test_without_pkg_resources(monkeypatch):
    """setuptools 82 has dropped it; mmpretrain's configs are found all the same."""
    import mmpretrain

    monkeypatch.setitem(sys.modules, 'pkg_resources', None)
    assert config.is_installed('mmpretrain') and not config.is_installed('no_such_package')
    assert config.get_installed_path('mmpretrain') == os.path.dirname(mmpretrain.__file__)
    assert get_config(f'reid_fusedloss::{HEADLINE}').train_cfg.max_epochs == 120


def test_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = find_root() / 'configs'
    for name in (
        'fusedloss_r50',
        'paper/fusedloss_r50',
        'paper/fusedloss_r50.py',
        f'reid_fusedloss::{HEADLINE}',
    ):
        assert find_config(name) == root / HEADLINE
    assert find_config('table4/1_circle') == root / 'paper' / 'table4' / '1_circle.py'
    assert load_config('demo/synthetic_r18', 'market1501').train_cfg.max_epochs == 14
    Path('fusedloss_r50').write_text('')  # a file of the user's comes first
    assert find_config('fusedloss_r50') == Path('fusedloss_r50')


@pytest.mark.parametrize(
    'name, error, words',
    [
        ('fusedloss_r5', FileNotFoundError, ['fusedloss_r5:', 'fusedloss_r50', 'check the path']),
        ('fusedloss_r50.py', FileNotFoundError, ['fusedloss_r50.py', 'check the path']),
        ('nothing/like/it', FileNotFoundError, ['reid-fusedloss configs']),
    ],
)
def test_names_that_are_none(name, error, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as caught:
        find_config(name)
    assert all(word in str(caught.value) for word in words)


def test_every_config_is_listed():
    assert set(list_configs()) == {
        path.relative_to(REPOSITORY / 'configs').with_suffix('').as_posix()
        for path in (REPOSITORY / 'configs').rglob('*.py')
        if '_base_' not in path.parts
    }
