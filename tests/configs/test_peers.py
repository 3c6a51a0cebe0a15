"""The methods that the paper compares with: what they change, and what they keep."""

import re

import pytest
import torch
import yaml
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS
from mmengine.runner import Runner

from reid_fusedloss.engine.budget import apply_budget, read_budget
from tests.configs.loading import CONFIGS, ROOT, TINY_DATA, changes, header, parent, resolve
from tests.configs.test_schedules import rates

HEADLINE = 'paper/fusedloss_r50'
PIPELINE = 'train_dataloader.dataset.pipeline'
TERMS = 'model.head.loss.terms'
OPTIMIZER = 'optim_wrapper.optimizer'
CROSS_ENTROPY = dict(type='torch.nn.CrossEntropyLoss')
PLAIN = {f'{PIPELINE}.auto_augment.prob': 0.0, f'{PIPELINE}.erase.erase_prob': 0.0}
PEERS = {
    'peers/trinet': {
        **PLAIN,
        'model.backbone.strides': (1, 2, 2, 2),
        'model.head.type': 'reid_fusedloss.LinearReIDHead',
        f'{TERMS}.circle.weight': 0.0,
        f'{TERMS}.center.weight': 0.0,
        f'{TERMS}.triplet.margin': None,
        'train_dataloader.batch_size': 18 * 4,
        f'{PIPELINE}.resize.scale': (144, 288),
        f'{PIPELINE}.crop.padding': None,
        f'{OPTIMIZER}.lr': 3e-4,
        f'{OPTIMIZER}.betas': (0.9, 0.999),
        f'{OPTIMIZER}.weight_decay': 0.0,
        'train_cfg.max_epochs': 150,
        'val_evaluator.distance': 'euclidean',
        'test_evaluator.distance': 'euclidean',
    },
    'peers/pcb': {
        **PLAIN,
        'model.neck': None,
        'model.head.type': 'reid_fusedloss.PCBHead',
        'model.head.num_parts': 6,
        'model.head.part_dims': 256,
        'model.head.dropout': 0.5,
        'model.head.test_feature': 'pooled',
        f'{TERMS}.id.type': 'reid_fusedloss.PartwiseLoss',
        f'{TERMS}.id.weight': 1.0,
        f'{TERMS}.id.loss': CROSS_ENTROPY,
        f'{TERMS}.id.label_smoothing': '(absent)',
        f'{TERMS}.circle.weight': 0.0,
        f'{TERMS}.triplet.weight': 0.0,
        f'{TERMS}.center.weight': 0.0,
        **{
            f'{loader}_dataloader.dataset.pipeline.resize.scale': (128, 384)
            for loader in ('train', 'val', 'test')
        },
        f'{PIPELINE}.crop.crop_size': (384, 128),
        f'{PIPELINE}.crop.padding': None,
        f'{OPTIMIZER}.type': 'SGD',
        f'{OPTIMIZER}.lr': 0.01,
        f'{OPTIMIZER}.momentum': 0.9,
        f'{OPTIMIZER}.nesterov': True,
        f'{OPTIMIZER}.betas': '(absent)',
        'optim_wrapper.paramwise_cfg': dict(custom_keys=dict(head=dict(lr_mult=10.0))),
        'train_cfg.max_epochs': 60,
    },
}
# R1 and mAP on Market-1501, then on DukeMTMC-reID, as the paper's table 5 prints them
QUOTED = {'TriNet': [84.9, 69.1], 'PCB': [92.3, 77.4, 81.8, 66.1]}
DATA = ('Market-1501', 'DukeMTMC-reID')
BUDGETS = {
    path.stem: read_budget(path.stem, path.parent)
    for path in sorted((ROOT / '_base_' / 'budgets').glob('*.py'))
}


def within(name, budget):
    cfg = resolve(name, 'synthetic')
    apply_budget(cfg, BUDGETS[budget])
    cfg.model.backbone.init_cfg = None
    cfg.model.head.num_classes = 64
    return cfg


def test_every_peer_is_here():
    assert {name for name in CONFIGS if name.startswith('peers/')} == set(PEERS)


@pytest.mark.parametrize('name', PEERS)
def test_a_peer_is_the_headline_and_what_it_changes(name):
    assert parent(name) == HEADLINE
    assert changes(name, HEADLINE) == PEERS[name] | {
        'param_scheduler': resolve(name).param_scheduler
    }


@pytest.mark.parametrize(
    'name, closed_form',
    [
        ('peers/trinet', lambda epoch: 3e-4 * 0.001 ** (max(epoch - 90, 0) / 60)),
        ('peers/pcb', lambda epoch: 0.01 if epoch < 40 else 0.001),
    ],
)
def test_learning_rate_of_all_epochs(name, closed_form):
    cfg = resolve(name)
    expected = [closed_form(epoch) for epoch in range(cfg.train_cfg.max_epochs)]
    assert list(rates(cfg)) == pytest.approx(expected, rel=1e-9)


def test_pcb_learns_ten_times_faster_in_the_head():
    cfg = within('peers/pcb', 'cpu_synthetic')
    cfg.optim_wrapper.optimizer.lr = resolve('peers/pcb').optim_wrapper.optimizer.lr
    model = MODELS.build(cfg.model)
    groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
    rate = {id(p): group['lr'] for group in groups for p in group['params']}
    for name, p in model.named_parameters():
        assert rate[id(p)] == pytest.approx(0.1 if name.startswith('head.') else 0.01), name


@pytest.mark.slow
@pytest.mark.parametrize('budget', BUDGETS)
@pytest.mark.parametrize('name', PEERS)
def test_takes_a_step_within_a_budget(name, budget):
    cfg = within(name, budget)
    cfg.train_dataloader.num_workers, cfg.train_dataloader.persistent_workers = 0, False
    cfg.train_dataloader.dataset.update(data_root=None, **TINY_DATA)
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    assert len(batch['inputs']) == cfg.train_dataloader.batch_size
    batch = {key: value[:8] for key, value in batch.items()}
    model = MODELS.build(cfg.model)
    model.train()
    losses = model.train_step(batch, build_optim_wrapper(model, cfg.optim_wrapper))
    assert set(losses) == {'loss', 'loss_id' if name == 'peers/pcb' else 'loss_triplet'}
    assert losses['loss'].isfinite()
    width, height = cfg.test_dataloader.dataset.pipeline.resize.scale
    model.eval()
    with torch.no_grad():
        embedding = model(torch.zeros(1, 3, height, width), mode='tensor')
    parts = 6 if name == 'peers/pcb' else 1
    assert embedding.shape == (1, parts * cfg.model.head.in_channels)


def models():
    return yaml.safe_load((ROOT / 'peers' / 'metafile.yml').read_text())['Models']


def test_metafile_has_the_papers_quotations():
    found = {}
    for model in models():
        assert model['Metadata']['Table'] == 5
        assert model['Config'] == f'configs/peers/{model["Name"]}.py'
        results = {result['Dataset']: result['Metrics'] for result in model['Results']}
        assert tuple(results) == DATA[: len(results)]
        found[model['Metadata']['Row']] = [
            figures[f'Paper {metric}'] for figures in results.values() for metric in ('R1', 'mAP')
        ]
    assert found == QUOTED
    assert {model['Config'] for model in models()} == {f'configs/{name}.py' for name in PEERS}


def test_metafile_is_a_model_index():
    loader = pytest.importorskip('modelindex.load_model_index')
    index = loader.load(str(ROOT / 'peers' / 'metafile.yml'))
    assert index.check(silent=True) == [] and len(index.models) == len(PEERS)
    assert {model.in_collection for model in index.models} == {
        collection.name for collection in index.collections
    }


@pytest.mark.parametrize('model', models(), ids=lambda model: model['Name'])
def test_header_says_the_papers_quotations(model):
    text = header(f'peers/{model["Name"]}')
    said = re.search(r'^Table 5 quotes: (.+)\. Ours: not run\.$', text, flags=re.MULTILINE)[1]
    figures = QUOTED[model['Metadata']['Row']]
    expected = [
        f'{data} R1 {r1} / mAP {mean}' for data, r1, mean in zip(DATA, figures[::2], figures[1::2])
    ]
    assert said == ', '.join(expected)
    assert text.startswith(model['Metadata']['Row'])


@pytest.mark.parametrize('name', PEERS)
def test_header_names_the_epochs(name):
    said = re.search(r'(\d+)\s+epochs', header(name))[1]
    assert int(said) == resolve(name).train_cfg.max_epochs
