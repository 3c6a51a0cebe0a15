import pytest
from mmengine.config import Config

from reid_fusedloss.engine.budget import apply_budget, read_budget


def config():
    return Config(
        dict(
            model=dict(backbone=dict(type='A', depth=50, strides=(1, 2)), head=dict(c=4)),
            epochs=120,
        )
    )


@pytest.fixture
def budgets(tmp_path):
    (tmp_path / 'small.py').write_text(
        "keep = ['model.backbone.strides', 'model.backbone.dilations', 'epochs.of.nothing']\n"
        "model = dict(backbone=dict(_delete_=True, type='B'))\nepochs = 12\n"
    )
    (tmp_path / 'misspelt.py').write_text('modle = dict()\nepochs = 12\n')
    return tmp_path


def test_replaces_merges_and_keeps(budgets):
    cfg = config()
    apply_budget(cfg, read_budget('small', budgets))
    assert cfg.to_dict() == dict(
        model=dict(backbone=dict(type='B', strides=(1, 2)), head=dict(c=4)), epochs=12
    )


def test_one_budget_serves_many_configs(budgets):
    budget = read_budget('small', budgets)
    first, second = config(), config()
    apply_budget(first, budget)
    apply_budget(second, budget)
    assert first.to_dict() == second.to_dict() and 'depth' not in second.model.backbone


def test_options_come_after_it(budgets):
    cfg = config()
    apply_budget(cfg, read_budget('small', budgets))
    cfg.merge_from_dict({'epochs': 3, 'model.backbone.strides': (1, 1)})
    assert (cfg.epochs, cfg.model.backbone.strides) == (3, (1, 1))


def test_a_path_is_a_budget_too(budgets):
    assert read_budget(str(budgets / 'small.py'), budgets / 'elsewhere').epochs == 12


@pytest.mark.parametrize('name', ['smal', 'nowhere/small.py'])
def test_unknown_budget(name, budgets):
    with pytest.raises(FileNotFoundError, match=f"'misspelt', 'small'.*{name}"):
        read_budget(name, budgets)


def test_a_misspelt_key_is_refused_and_nothing_changes(budgets):
    cfg = config()
    with pytest.raises(ValueError, match="misspelt.py.*'modle'.*'model'"):
        apply_budget(cfg, read_budget('misspelt', budgets))
    assert cfg.to_dict() == config().to_dict()


def test_a_budget_says_which_backbones_it_is_for(budgets):
    (budgets / 'for_a.py').write_text("backbones = ['A']\nepochs = 3\n")
    cfg = config()
    cfg.model.backbone.type = 'somewhere.A'
    apply_budget(cfg, read_budget('for_a', budgets))
    assert cfg.epochs == 3 and 'backbones' not in cfg
    cfg = config()
    cfg.model.backbone.type = 'AA'
    with pytest.raises(ValueError, match=r"for_a.py.*\['A'\].* AA"):
        apply_budget(cfg, read_budget('for_a', budgets))
