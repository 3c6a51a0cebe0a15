"""The paper as configs: a row is its parent and its label, nothing more."""

import re
from pathlib import Path

import pytest
import yaml

from tests.configs.loading import (
    ABSENT,
    CONFIGS,
    PAPER,
    ROOT,
    changes,
    differences,
    header,
    parent,
    resolve,
)

HEADLINE = 'paper/fusedloss_r50'
ERASE = 'train_dataloader.dataset.pipeline.erase'
AUTO = 'train_dataloader.dataset.pipeline.auto_augment.prob'
STRIDES, HEAD = 'model.backbone.strides', 'model.head.type'
SIZE, K = 'train_dataloader.batch_size', 'train_dataloader.batch_sampler.num_instances'
RERANK = dict(k1=20, k2=6, lambda_value=0.3)


def term(name, **keys):
    return {f'model.head.loss.terms.{name}.{key}': value for key, value in keys.items()}


ROWS = {
    'table2/1_backbone': (
        HEADLINE,
        {
            STRIDES: (1, 2, 2, 2),
            HEAD: 'reid_fusedloss.LinearReIDHead',
            AUTO: 0.0,
            f'{ERASE}.erase_prob': 0.0,
            **term('id', weight=1.0, label_smoothing=0.0),
            **term('circle', weight=0.0),
            **term('triplet', weight=0.0),
            **term('center', weight=0.0),
        },
    ),
    'table2/2_re': ('table2/1_backbone', {f'{ERASE}.erase_prob': 0.5}),
    'table2/3_auto': ('table2/2_re', {AUTO: 0.1}),
    'table2/4_ls': ('table2/3_auto', term('id', label_smoothing=0.1)),
    'table2/5_stride1': ('table2/4_ls', {STRIDES: (1, 2, 2, 1)}),
    'table2/6_bn': ('table2/5_stride1', {HEAD: 'reid_fusedloss.BNNeckHead'}),
    'table3/1_id': ('table2/6_bn', {}),
    'table3/2_id_center': ('table3/1_id', term('center', weight=0.005)),
    'table3/3_id_triplet': ('table3/1_id', term('triplet', weight=1.0)),
    'table3/4_id_triplet_center': ('table3/3_id_triplet', term('center', weight=0.005)),
    'table4/1_circle': ('table3/1_id', {**term('id', weight=0.0), **term('circle', weight=1.0)}),
    'table4/2_circle_center': ('table4/1_circle', term('center', weight=0.005)),
    'table4/3_circle_triplet': ('table4/1_circle', term('triplet', weight=1.0)),
    'table4/4_circle_triplet_center': ('table4/3_circle_triplet', term('center', weight=0.005)),
    'table5/1_ours': ('table4/4_circle_triplet_center', {'test_evaluator.rerank': None}),
    'table5/2_ours_rerank': ('table5/1_ours', {'test_evaluator.rerank': RERANK}),
    'table6/k4_p6': ('table5/2_ours_rerank', {SIZE: 24}),
    'table6/k4_p8': ('table5/2_ours_rerank', {SIZE: 32}),
    'table6/k6_p8': ('table5/2_ours_rerank', {SIZE: 48, K: 6}),
    'table6/k8_p8': ('table5/2_ours_rerank', {K: 8}),
    'table6/k4_p16': ('table5/2_ours_rerank', {}),
    'table6/k6_p16': ('table5/2_ours_rerank', {SIZE: 96, K: 6}),
    'table6/k8_p16': ('table5/2_ours_rerank', {SIZE: 128, K: 8}),
    'table6/k16_p4': ('table5/2_ours_rerank', {K: 16}),
}
BASE_OF_STRONG = 'paper/table3/4_id_triplet_center'
STRONG = {
    'strong/01_base': {},
    'strong/02_center_weight': term('center', weight=5e-4),
    'strong/03_adam': {'optim_wrapper.optimizer.betas': (0.9, 0.999)},
    'strong/04_no_auto_augment': {AUTO: 0.0},
    'strong/05_soft_margin': term('triplet', margin=None),
    'strong/06_gem': {
        'model.neck.type': 'GeneralizedMeanPooling',
        'model.neck.p': 3.0,
        'model.neck.p_trainable': True,
        'optim_wrapper.paramwise_cfg': {'custom_keys': {'neck.p': {'decay_mult': 0.0}}},
    },
    'strong/07_circle': term('circle', weight=1.0),
    'strong/08_frozen_start': {
        'default_hooks.freeze': {
            'type': 'reid_fusedloss.FreezeHook',
            'parts': ['backbone'],
            'epochs': 1,
        }
    },
    'strong/09_ema': {
        'default_hooks.ema': {'type': 'EMAHook', 'momentum': 1e-3, 'update_buffers': True}
    },
    'strong/10_p4_k16': {K: 16},
}
RECIPE = ['strong/04_no_auto_augment', 'strong/05_soft_margin', 'strong/06_gem']
GEM = {
    'model.neck.type': 'GeneralizedMeanPooling',
    'model.neck.p': 3.0,
    'model.neck.p_trainable': False,
}
OTHERS = {
    'circle/circle_class': {},
    'circle/circle_anchor': term(
        'circle', form='anchor', reads='bn', margin=0.25, gamma=128, label_smoothing=0.0
    ),
    'circle/circle_batch': term(
        'circle', form='batch', reads='bn', margin=0.25, gamma=128, label_smoothing=0.0
    ),
    'variants/adam_beta2_0999': {'optim_wrapper.optimizer.betas': (0.9, 0.999)},
    'variants/ap_trapezoid': {'val_evaluator.ap': 'trapezoid', 'test_evaluator.ap': 'trapezoid'},
    'variants/auto_augment_always': {AUTO: 1.0},
    'variants/center_class_mean': term('center', init='class_mean'),
    'variants/center_sum': term('center', reduction='sum'),
    'variants/center_weight_5e-4': term('center', weight=5e-4),
    'variants/center_wen': term('center', update='wen'),
    'variants/center_zeros': term('center', init='zeros'),
    'variants/circle_unsmoothed': term('circle', label_smoothing=0.0),
    'variants/distance_euclidean': {
        'val_evaluator.distance': 'euclidean',
        'test_evaluator.distance': 'euclidean',
    },
    'variants/embedding_512': {'model.head.embedding_dims': 512},
    'variants/epoch_identities': {'train_dataloader.batch_sampler.epoch_rule': 'identities'},
    'variants/epoch_images': {'train_dataloader.batch_sampler.epoch_rule': 'images'},
    'variants/erase_random': {f'{ERASE}.mode': 'rand'},
    'variants/feature_before_bn': {'model.head.test_feature': 'pooled'},
    'variants/gem_fixed': GEM,
    'variants/triplet_normalized': term('triplet', normalize=True),
    'variants/triplet_soft': term('triplet', margin=None),
    'variants/triplet_weighted': term('triplet', margin=None, mining='weighted'),
}
BOT = {
    **term('id', weight=1.0),
    **term('circle', weight=0.0),
    **term('center', weight=0.0),
    AUTO: 0.0,
    f'{ERASE}.fill_color': (127, 142, 152),
    'optim_wrapper.optimizer.betas': (0.9, 0.999),
}
# table, row, then R1 and mAP on Market-1501 and on DukeMTMC-reID, as the paper prints them
PRINTED = """
2 Backbone                         83.4 69.6 78.3 61.2
2 +RE                              86.7 71.9 79.2 64.9
2 +Auto                            87.3 72.3 79.7 66.2
2 +LS                              87.5 72.6 80.6 67.5
2 +Stride=1                        88.3 73.5 81.3 68.8
2 +BN                              90.1 76.2 85.1 74.0
3 L_id                             90.1 76.2 85.1 74.0
3 L_id + L_center                  90.5 79.5 85.8 75.2
3 L_id + L_triplet                 91.3 81.2 86.3 76.1
3 L_id + L_triplet + L_center      93.3 84.0 88.3 77.9
4 L_circle                         90.8 77.1 86.0 75.1
4 L_circle + L_center              92.2 81.7 87.4 76.5
4 L_circle + L_triplet             92.6 82.7 87.6 76.6
4 L_circle + L_triplet + L_center  95.2 86.1 89.6 79.8
5 Ours                             95.2 86.1 89.6 79.8
5 Ours + Re-rank                   95.7 90.5 91.6 81.6
6 4x6                              93.8 87.9 89.7 77.3
6 4x8                              94.5 88.3 90.4 78.8
6 6x8                              94.8 89.1 90.7 79.6
6 8x8                              95.2 89.6 91.0 80.7
6 4x16                             95.7 90.5 91.6 81.6
6 4x16, as P x K                   95.7 90.5 91.6 81.6
6 6x16                             95.3 90.2 90.3 80.9
6 8x16                             95.5 90.4 91.5 81.2
"""
DATA = ('Market-1501', 'DukeMTMC-reID')


@pytest.mark.parametrize('row', ROWS)
def test_a_row_is_its_parent_and_its_label(row):
    base, expected = ROWS[row]
    base = base if base == HEADLINE else f'paper/{base}'
    assert parent(f'paper/{row}') == base
    assert changes(f'paper/{row}', base) == expected


@pytest.mark.parametrize('name', OTHERS)
def test_a_variant_is_the_headline_and_its_name(name):
    assert parent(name) == HEADLINE and changes(name, HEADLINE) == OTHERS[name]


@pytest.mark.parametrize('name', STRONG)
def test_a_row_of_the_strong_recipe_is_its_parent_and_its_part(name):
    """The centre's weight stands over the base, and each further part over both."""
    first, second = [*STRONG][:2]
    before = {first: BASE_OF_STRONG, second: first}.get(name, second)
    assert parent(name) == before and changes(name, before) == STRONG[name]


def test_the_strong_recipe_is_the_parts_that_help():
    together = {key: value for name in RECIPE for key, value in STRONG[name].items()}
    assert changes('strong/recipe', 'strong/02_center_weight') == together


def test_every_config_stands_in_a_table():
    in_tables = {f'paper/{row}' for row in ROWS} | set(OTHERS)
    others = {name for name in CONFIGS if name.split('/')[0] in ('paper', 'circle', 'variants')}
    assert others - in_tables == {
        HEADLINE,
        'variants/schedule_bot',  # see test_schedules.py
        'variants/gem_learned',
    }  # see below
    assert in_tables <= others


def test_learnt_pooling_is_fixed_pooling_that_is_trained_and_not_decayed():
    assert changes('variants/gem_learned', 'variants/gem_fixed') == {
        'model.neck.p_trainable': True,
        'optim_wrapper.paramwise_cfg': {'custom_keys': {'neck.p': {'decay_mult': 0.0}}},
    }


@pytest.mark.parametrize(
    'row', ['table4/4_circle_triplet_center', 'table5/2_ours_rerank', 'table6/k4_p16']
)
def test_the_rows_add_up_to_the_headline(row):
    assert resolve(f'paper/{row}').to_dict() == resolve(HEADLINE).to_dict()


def test_the_strong_baseline_differs_in_what_its_project_does():
    schedule = resolve('variants/schedule_bot').param_scheduler
    assert changes('bot/bot_triplet', HEADLINE) == BOT | {'param_scheduler': schedule}
    assert changes('bot/bot_triplet_center', 'bot/bot_triplet') == term('center', weight=5e-4)


def test_the_papers_own_numbers_stand_in_the_headline():
    """Sections 1 and 2.1 and eq. 6, from the text."""
    cfg = resolve(HEADLINE)
    terms, optimizer = cfg.model.head.loss.terms, cfg.optim_wrapper.optimizer
    assert {name: used.weight for name, used in terms.items()} == dict(
        id=0.0, circle=1.0, triplet=1.0, center=0.005
    )
    assert terms.circle.label_smoothing == terms.id.label_smoothing == 0.1
    pipeline = cfg.train_dataloader.dataset.pipeline
    assert pipeline.resize.scale == (128, 256) and pipeline.crop.crop_size == (256, 128)
    assert cfg.train_dataloader.batch_size == 16 * 4
    assert cfg.train_dataloader.batch_sampler.num_instances == 4
    assert (optimizer.type, optimizer.lr, optimizer.betas) == ('Adam', 3.5e-4, (0.9, 0.9))
    assert cfg.train_cfg.max_epochs == 120 and cfg.model.backbone.depth == 50


def printed():
    for line in PRINTED.strip().splitlines():
        table, row, *figures = re.match(
            r'(\d) (.+?)\s+' + r'([\d.]+) ' * 3 + r'([\d.]+)$', line
        ).groups()
        yield (int(table), row), [float(figure) for figure in figures]


def models():
    return yaml.safe_load((ROOT / 'paper' / 'metafile.yml').read_text())['Models']


def metrics(model):
    """R1 and mAP on both data sets, and whether they are re-ranked."""
    results = {result['Dataset']: result['Metrics'] for result in model['Results']}
    names = {name for found in results.values() for name in found}
    word = 'Paper re-ranked' if 'Paper re-ranked R1' in names else 'Paper'
    assert names == {f'{word} R1', f'{word} mAP'} and tuple(results) == DATA
    figures = [results[data][f'{word} {name}'] for data in DATA for name in ('R1', 'mAP')]
    return figures, word == 'Paper re-ranked'


def test_metafile_has_the_papers_rows_and_figures():
    found = {(model['Metadata']['Table'], model['Metadata']['Row']): model for model in models()}
    assert len(found) == len(models())
    assert {row: metrics(model)[0] for row, model in found.items()} == dict(printed())
    reranked = {row for row, model in found.items() if metrics(model)[1]}
    assert reranked == {(5, 'Ours + Re-rank')} | {row for row in found if row[0] == 6}


def test_metafile_has_every_config():
    files = [model['Config'] for model in models()]
    assert files == [f'configs/paper/{row}.py' for row in ROWS]
    assert sorted(files) == [f'configs/{name}.py' for name in PAPER]
    for model in models():
        path = Path(model['Config'])
        assert path.stem == model['Name']
        assert path.parent.name == f'table{model["Metadata"]["Table"]}'


def test_metafile_is_a_model_index():
    loader = pytest.importorskip('modelindex.load_model_index')
    index = loader.load(str(ROOT / 'paper' / 'metafile.yml'))
    assert index.check(silent=True) == [] and len(index.models) == len(ROWS)
    assert {model.in_collection for model in index.models} == {index.collections[0].name}


@pytest.mark.parametrize('model', models(), ids=lambda model: model['Name'])
def test_header_says_the_papers_figures(model):
    text = header(model['Config'].removeprefix('configs/').removesuffix('.py'))
    figures, reranked = metrics(model)
    said = re.search(
        r'Paper(, re-ranked)?: Market-1501 R1 (.+) / mAP (.+), DukeMTMC-reID R1 (.+) '
        r'/ mAP ([\d.]+)\. Ours: not run\.',
        text,
    )
    assert [float(figure) for figure in said.groups()[1:]] == figures
    assert bool(said[1]) == reranked
    row = model['Metadata']['Row'].split(', as')[0]
    assert text.startswith(f'Table {model["Metadata"]["Table"]}, {row}')


def test_header_of_the_headline():
    figures = dict(printed())
    plain, reranked = figures[5, 'Ours'], figures[5, 'Ours + Re-rank']
    said = [float(figure) for figure in re.findall(r'\d\d\.\d', header(HEADLINE))]
    assert said == plain + reranked


def test_the_comparison_itself():
    """Changed, new, gone, and a list as one value."""
    before = dict(a=dict(b=1, c=2), d=[1, 2], e=1)
    after = dict(a=dict(b=1, c=3, f=4), d=[1, 3])
    assert differences(before, after) == {'a.c': 3, 'a.f': 4, 'd': [1, 3], 'e': ABSENT}
