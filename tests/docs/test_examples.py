"""The examples of docs/ do what their pages say."""

import re

import pytest
import torch
from mmengine.registry import MODELS
from mmpretrain.structures import DataSample

from reid_fusedloss.engine.config import load_config
from reid_fusedloss.engine.testing import check_weights, drop_start_weights
from tests.tiny import DATASETS, REPOSITORY

DOCS = REPOSITORY / 'docs'


def blocks(page: str) -> dict[str, str]:
    """By the file that its first line names, the text of a page's blocks, in their order."""
    files: dict[str, str] = {}
    for text in re.findall(r'```python\n(.*?)```', (DOCS / page).read_text(), flags=re.DOTALL):
        name = re.match(r'# (\w+\.py)', text)
        if name:
            files[name[1]] = files.get(name[1], '') + text.replace(
                "_base_ = 'configs/", f"_base_ = '{REPOSITORY}/configs/"
            )
    return files


@pytest.fixture(scope='module')
def parts(tmp_path_factory):
    """Folder with the files of the page on parts of one's own, from which they are imported."""
    folder = tmp_path_factory.mktemp('parts')
    for name, text in blocks('extend.md').items():
        (folder / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield folder


@pytest.mark.parametrize(
    'name, terms',
    [
        ('my_pairs', {'circle', 'pairs', 'center'}),
        ('my_loss', {'cosface', 'triplet', 'center'}),
        ('my_head', {'circle', 'triplet', 'center'}),
        ('my_backbone', {'circle', 'triplet', 'center'}),
    ],
)
def test_parts_of_ones_own_train_and_test(parts, name, terms):
    if name == 'my_pairs':
        pytest.importorskip('pytorch_metric_learning')
    cfg = load_config(str(parts / f'{name}.py'))
    cfg.model.head.num_classes = 2
    if cfg.model.backbone.type == 'ResNet':
        cfg.model.backbone.update(depth=18, base_channels=8, stem_channels=8, init_cfg=None)
        cfg.model.head.in_channels = 64
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    drop_start_weights(cfg)
    check_weights(MODELS.build(cfg.model), model.state_dict())  # as every tool does
    samples = [DataSample().set_gt_label(label) for label in (0, 0, 1, 1)]
    losses = model(torch.rand(4, 3, 64, 32), samples, mode='loss')
    assert set(losses) == {f'loss_{term}' for term in terms}
    assert all(loss.isfinite() for loss in losses.values())
    embedding = model.eval()(torch.rand(2, 3, 64, 32), mode='tensor')
    assert embedding.shape == (2, 64)
    if name == 'my_head':
        torch.testing.assert_close(embedding.norm(dim=1), torch.full((2,), 10.0))


def test_the_margin_is_subtracted_from_the_own_class(parts):
    loss = MODELS.build(dict(type='reid_fusedloss.CosFaceLoss', margin=0.5, scale=2.0))
    cosines = torch.tensor([[0.6, 0.2], [0.1, 0.3]])
    rows = [[2 * 0.1, 2 * 0.2], [2 * 0.1, -2 * 0.2]]
    expected = -sum(torch.tensor(row).log_softmax(0)[label] for row, label in zip(rows, (0, 1))) / 2
    torch.testing.assert_close(loss(cosines, torch.tensor([0, 1])), expected)


@pytest.mark.parametrize(
    'name, terms',
    [
        ('my_student', {'feature', 'relation'}),
        ('my_similarity', {'similarity'}),
        ('my_taught', {'relation'}),
    ],
)
def test_students_of_the_page_on_distillation(tmp_path, monkeypatch, name, terms):
    for file, text in blocks('distillation.md').items():
        (tmp_path / file).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    cfg = load_config(str(tmp_path / f'{name}.py'))
    cfg.model.head.num_classes = 2
    cfg.model.backbone.init_cfg = None
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    samples = [DataSample().set_gt_label(label) for label in (0, 0, 1, 1)]
    losses = model(torch.rand(4, 3, 64, 32), samples, mode='loss')
    assert {f'loss_{term}' for term in terms} <= set(losses)
    assert all(losses[f'loss_{term}'] > 0 for term in terms)


def test_a_data_set_of_ones_own(tmp_path, make_images):
    for folder, name in (
        ('train', 'anna_c1_0001.jpg'),
        ('train', 'bert_c1_0001.jpg'),
        ('query', 'carl_c1_0007.jpg'),
        ('gallery', 'carl_c2_0031.jpg'),
    ):
        make_images(tmp_path / folder, [name])
    (tmp_path / 'shop.py').write_text(
        blocks('own_data.md')['shop.py'].replace('data/shop', str(tmp_path))
    )
    cfg = load_config(
        str(REPOSITORY / 'configs/mobilenetv2/fused_256x128.py'), str(tmp_path / 'shop.py')
    )
    from mmengine.registry import DATASETS as REGISTRY

    assert REGISTRY.build(cfg.train_dataloader.dataset).metainfo['num_ids'] == 2
    tested = REGISTRY.build(cfg.test_dataloader.dataset)
    assert [tested.get_data_info(i)['is_query'] for i in range(2)] == [True, False]


def without_scope(value):
    if isinstance(value, dict):
        return {key: without_scope(part) for key, part in value.items() if key != '_scope_'}
    return value


def test_the_joint_config_and_what_plus_makes_of_the_same_sets(tmp_path, monkeypatch):
    """The page's config file equals the short way to write it, but for the names of the sets."""
    monkeypatch.delenv('MARKET1501_ROOT', raising=False)  # the page has the default folder
    both = blocks('joint_training.md')['both.py']
    (tmp_path / 'both.py').write_text(both)
    (tmp_path / 'shop.py').write_text(blocks('own_data.md')['shop.py'])
    written = load_config('paper/fusedloss_r50', str(tmp_path / 'both.py'))
    joined = load_config('paper/fusedloss_r50', f'market1501+{tmp_path}/shop.py')
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        parts = written[loader].dataset.parts
        parts.market1501 = parts.pop('market')
        assert without_scope(written[loader]) == without_scope(joined[loader])


def test_tables_name_configs_that_exist():
    page = (DOCS / 'configs.md').read_text()
    named = re.findall(r'`([\w/]+\.py)`', page.split('## Configs')[1].split('\n## ')[0])
    assert len(named) > 5
    for name in named:
        assert (REPOSITORY / 'configs' / name).is_file(), name


def test_data_sets_and_budgets_named_are_those_there_are():
    page = (DOCS / 'configs.md').read_text()
    named = re.findall(r'`(\w+)`', page.split('`--dataset` is')[1].split('or the path')[0])
    assert {f'{name}.py' for name in named} == {path.name for path in DATASETS.glob('*.py')} - {
        'reid.py'
    }
    named = re.findall(r'^\| (`.*?`) \|', page.split('## Budgets')[1], flags=re.MULTILINE)
    named = re.findall(r'`(\w+)`', ' '.join(named))
    assert {f'{name}.py' for name in named} == {
        path.name for path in (DATASETS.parent / 'budgets').glob('*.py')
    }
