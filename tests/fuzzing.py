"""What test_fuzz.py draws from: wrong values, file names, and valid arguments of each class."""

import inspect
import itertools
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from mmengine.dataset import DefaultSampler
from torch import nn

from reid_fusedloss import registry
from reid_fusedloss.datasets.image_files import IMAGE_SUFFIXES

HUGE = (10**9, 2**63, -(10**30), 1e308)
small = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=5))
wrong_values = st.one_of(
    small,
    st.sampled_from(HUGE),
    st.binary(max_size=3),
    st.lists(small, max_size=4),
    st.lists(small, max_size=4).map(tuple),
    st.dictionaries(st.text(max_size=5), small, max_size=3),
    st.sampled_from([object(), int, dict(type='NoSuchType'), dict(type=None), dict(type=5)]),
)

FRAGMENTS = (
    '-1',
    '0',
    '1',
    '02',
    '0002',
    '7' * 30,
    '٣',
    '²',
    '_',
    'c',
    '_c',
    's1',
    '-',
    '.',
    ' ',
    '\n',
    'é',
    '行',
    '\udcff',
    'x' * 40,
)
names = st.builds(
    lambda head, rest, suffix: ''.join([*head, *rest, suffix])[:80] + suffix,
    st.one_of(
        st.just(()),
        st.tuples(
            st.sampled_from(['-1', '0', '1', '02', '2', '٣', '9' * 25]),
            st.sampled_from(['_c1', '_c٣', '_0_1', '_c1', '_000_2', '']),
        ),
        st.tuples(st.text(st.characters(exclude_characters='/\0'), max_size=9)),
    ),
    st.lists(st.sampled_from(FRAGMENTS), max_size=4),
    st.sampled_from([*IMAGE_SUFFIXES, '.JPG', '.db', '']),
).filter(lambda name: name not in ('', '.', '..'))


def digits(text: str) -> str:
    return ''.join(itertools.takewhile(str.isdecimal, text))


def read_name(name: str, benchmark: str) -> tuple[str, str] | None:
    """Identity and camera of a name as the benchmarks say it, without regular expressions."""
    no_junk = benchmark in ('LTCC', 'VeRi776')
    pid = '-1' if name.startswith('-1') and not no_junk else digits(name)
    rest = name[len(pid) :]
    if benchmark.startswith('MSMT17'):
        pid = digits(name)
        rest = name[len(pid) :]
        middle = digits(rest[1:])
        if not middle or not rest.startswith('_'):
            return None
        rest, mark = rest[1 + len(middle) :], '_'
    elif benchmark == 'LTCC':
        clothes = digits(rest[1:])
        if not clothes or not rest.startswith('_'):
            return None
        rest, mark = rest[1 + len(clothes) :], '_c'
    else:
        mark = '_c'
    camid = digits(rest[len(mark) :])
    return (pid, camid) if pid and camid and rest.startswith(mark) else None


class Labels:
    """A data set of labels alone: 6 identities with 4 images each."""

    def get_gt_labels(self) -> np.ndarray:
        return np.repeat(np.arange(6), 4)

    def __len__(self) -> int:
        return 24


class Tested(nn.Module):
    """A model that can be tested."""

    def test_step(self, data: dict) -> list:
        return []


def valid_arguments(folder: str) -> dict[str, dict[str, Any]]:
    """Name of each class in the registries -> arguments that it takes."""
    term = dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=1.0)
    loss = dict(type='reid_fusedloss.FusedLoss', terms=dict(id=term))
    head = dict(num_classes=4, in_channels=8, loss=loss, embedding_dims=6, init_cfg=None)
    sampler = DefaultSampler(Labels(), seed=0)
    data = dict(
        data_root=folder,
        split='train',
        pipeline=[],
        sources=dict(train='train'),
        pattern=r'(?P<pid>\d+)_c(?P<camid>\d+)',
        junk_pids=('-1',),
        max_ids=None,
        same_identities=False,
        unreadable='skip',
        serialize_data=True,
        max_refetch=10,
        labels=None,
        protocol='same_camera',
        cache_images=False,
    )
    labelled = dict(data, pattern=None, labels=dict(type='name', pattern=data['pattern']))
    parts = {
        name: dict(
            type='reid_fusedloss.SyntheticReID',
            num_train_ids=3,
            num_test_ids=2,
            seed=seed,
            num_distractors=0,
            num_junk=0,
            num_cameras=2,
            images_per_camera=2,
            size=(32, 16),
        )
        for seed, name in enumerate(('one', 'other'))
    }
    joint = dict(
        parts=parts, split='train', pipeline=(), max_ids=None, unreadable='skip', cache_images=False
    )
    drawn = dict(
        split='train',
        data_root=None,
        pipeline=(),
        num_train_ids=3,
        num_test_ids=2,
        num_distractors=1,
        num_junk=1,
        num_cameras=2,
        images_per_camera=2,
        size=(32, 16),
        seed=0,
        max_ids=None,
        unreadable='skip',
    )
    metric = dict(
        distance='cosine',
        ap='ir',
        topk=(1, 5),
        use_cameras=True,
        protocol='same_camera',
        pool=None,
        rerank=dict(k1=20),
        query_expansion=None,
        tpr_at_fpr=(0.1,),
        single_shot=dict(trials=2),
        open_set=dict(fpir=(0.5,), trials=2),
        compare=False,
        list_length=3,
        chunk_size=8,
        backend='numpy',
        device='cpu',
        prefix='reid',
        rerank_prefix='rerank',
    )
    own = dict(
        SyntheticReID=drawn,
        JointReIDDataset=joint,
        MARS=labelled,
        LoadReIDImage=dict(max_bytes=9, max_pixels=9, backend='cv2'),
        RandomFlip=dict(prob=0.5, direction='horizontal'),
        RandomCrop=dict(crop_size=(8, 4), padding=2, pad_val=0),
        RandomErasing=dict(erase_prob=0.5, mode='const', fill_color=(1, 2, 3)),
        ReIDDataPreprocessor=dict(mean=[1.0, 2.0, 3.0], std=[1.0, 1.0, 1.0], to_rgb=True),
        SeededBatchSampler=dict(sampler=sampler, batch_size=8, batch_sampler=None, drop_last=False),
        PKBatchSampler=dict(sampler=sampler, batch_size=8, num_instances=2, epoch_rule='images'),
        CenterLoss=dict(
            num_classes=4, feat_dims=8, lr=0.5, update='sgd', init='normal', reduction='mean'
        ),
        CircleLoss=dict(form='class', margin=0.3, gamma=64, label_smoothing=0.1),
        TripletLoss=dict(margin=0.3, mining='hard', normalize=False, squared=False),
        FusedLoss=dict(terms=dict(id=term), num_classes=4, feat_dims=8),
        LinearReIDHead=dict(head, bias=True),
        BNNeckHead=dict(head, test_feature='bn'),
        PCBHead=dict(
            num_classes=4,
            in_channels=8,
            loss=loss,
            num_parts=2,
            part_dims=4,
            dropout=0.5,
            test_feature='pooled',
            init_cfg=None,
        ),
        FeatureDistillation=dict(feat_dims=8, teacher_dims=6, form='cosine'),
        RelationDistillation=dict(distance_weight=1.0, angle_weight=2.0, normalize=True),
        LogitDistillation=dict(temperature=4.0),
        DistilledClassifier=dict(
            backbone=dict(type='mmpretrain.LeNet5'), neck=None, head=None, teacher=None
        ),
        PartwiseLoss=dict(loss=dict(type='torch.nn.CrossEntropyLoss')),
        FlipTestModel=dict(module=Tested()),
        MobileNetV2=dict(
            strides=(1, 2, 2, 2),
            widen_factor=0.1,
            expand_first=True,
            round_channels=False,
            init_cfg=None,
        ),
        ResNet=dict(
            depth=18,
            strides=(1, 2, 2, 1),
            stem_channels=8,
            base_channels=8,
            out_indices=(3,),
            ibn=True,
            non_local=(0, 1, 1, 0),
            stem_relu=False,
            pool_ceil=True,
            init_cfg=None,
        ),
        EfficientNetLite=dict(arch='lite0', strides=(1, 2, 2, 1), init_cfg=None),
        OSNet=dict(
            widen_factor=0.25, variant='plain', frozen_stages=-1, norm_eval=False, init_cfg=None
        ),
        ReIDMetric=metric,
        SaveEmbeddings=dict(path='features.npz', one_set=False),
        FreezeHook=dict(parts=['backbone'], epochs=2),
        ReIDCheckpointHook=dict(interval=1, by_epoch=True, max_keep_ckpts=2, save_best='reid/mAP'),
        ReIDReportHook=dict(num_queries=8, order='spread'),
        StopSignalHook=dict(signals=('SIGTERM',), interval=10),
        BF16OptimWrapper=dict(
            optimizer=torch.optim.SGD([nn.Parameter(torch.zeros(1))], 0.1),
            accumulative_counts=1,
            clip_grad=None,
        ),
    )
    return {
        name: own.get(name, data if name in registry.DATASETS.module_dict else {})
        for name in classes()
    }


def classes() -> dict[str, type]:
    """All classes of the package's registries by name."""
    found = {}
    for _name, value in vars(registry).items():
        if isinstance(value, registry.Registry) and value.scope == registry.SCOPE:
            value.import_from_location()
            found |= {
                key: kind
                for key, kind in value.module_dict.items()
                if inspect.isclass(kind) and kind.__module__.startswith(registry.SCOPE)
            }
    return found


class Quiet(dict):
    """A dict that does not fill the page when a test fails."""

    def __repr__(self) -> str:
        return '(a config)'


def misspell(key: str, place: int) -> str:
    """A key with one letter left out or, if it has but one, doubled."""
    place %= len(key)
    return key[:place] + key[place + 1 :] if len(key) > 1 else key * 2


def as_source(config: dict[str, Any]) -> str:
    """A config file; a number that is not finite has no name of its own in Python."""
    return '\n'.join(
        [
            "nan, inf = float('nan'), float('inf')",
            *(f'{key} = {value!r}' for key, value in config.items()),
        ]
    )
