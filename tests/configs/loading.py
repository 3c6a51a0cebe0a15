"""Configs for tests: resolved fast, compared, made tiny."""

import copy
import os
import re
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from mmengine.config import Config

from reid_fusedloss.engine.config import DATASET_VARIABLE, load_config
from tests.tiny import DATASETS, REPOSITORY

ROOT = REPOSITORY / 'configs'
CONFIGS = sorted(
    path.relative_to(ROOT).with_suffix('').as_posix()
    for path in ROOT.rglob('*.py')
    if '_base_' not in path.parts
)
PAPER = [name for name in CONFIGS if name.startswith('paper/table')]
DATASET_NAMES = sorted(path.stem for path in DATASETS.glob('*.py') if path.stem != 'reid')
ABSENT = '(absent)'
TINY_DATA = dict(
    num_train_ids=18,
    num_test_ids=2,
    num_distractors=0,
    num_junk=0,
    num_cameras=2,
    images_per_camera=2,
    size=(32, 16),
)
# type of a backbone: what makes it tiny, and the channels that it has then
TINY_BACKBONES = dict(
    ResNet=(dict(depth=18, stem_channels=8, base_channels=8), 64),
    MobileNetV2=(dict(widen_factor=0.25), 1280),
    EfficientNetLite=(dict(arch='lite0'), 1280),
    OSNet=(dict(widen_factor=0.25), 128),
    MobileNetV3=(dict(arch='small'), 576),
    ConvNeXt=(dict(arch=dict(depths=[1, 1, 1, 1], channels=[8, 8, 8, 8]), stem_patch_size=2), 8),
    SwinTransformer=(
        dict(
            arch=dict(embed_dims=4, depths=[1, 1, 1, 1], num_heads=[1, 1, 1, 1]), img_size=(32, 16)
        ),
        32,
    ),
    VisionTransformer=(
        dict(
            arch=dict(embed_dims=8, num_layers=1, num_heads=2, feedforward_channels=8),
            img_size=(32, 16),
        ),
        8,
    ),
    TIMMBackbone=(dict(model_name='test_efficientnet', pretrained=False), 256),
)

_parse = Config._file2dict


@cache
def _parsed(filename: str, dataset: str | None, options: tuple) -> tuple:
    with patch.object(Config, '_file2dict', _parse_once):
        return _parse(filename, **dict(options))


def _parse_once(
    filename: str,
    use_predefined_variables: bool = True,
    use_environment_variables: bool = True,
    lazy_import: bool | None = None,
) -> tuple:
    """A file of a chain of twelve is read once for each data set, not once for each descendant."""
    options = dict(
        use_predefined_variables=use_predefined_variables,
        lazy_import=lazy_import,
        use_environment_variables=use_environment_variables,
    )
    return copy.deepcopy(
        _parsed(os.path.abspath(filename), os.environ.get(DATASET_VARIABLE), tuple(options.items()))
    )


def resolve(name: str, dataset: str | None = None) -> Config:
    """A config of the repository by its path below configs/, without `.py`."""
    with patch.object(Config, '_file2dict', _parse_once):
        return load_config(str(ROOT / f'{name}.py'), dataset)


def header(name: str) -> str:
    """The comment that a config begins with, without its marks."""
    text = (ROOT / f'{name}.py').read_text()
    return re.sub(r'^# ?', '', re.match(r'(#.*\n)*', text)[0], flags=re.MULTILINE)


def parent(name: str) -> str | None:
    """The one config that a config inherits from; None for a list of base files."""
    text = (ROOT / f'{name}.py').read_text()
    base = re.search(r"^_base_ = '(.+)\.py'$", text, flags=re.MULTILINE)
    if base is None:
        return None
    return Path(os.path.normpath(ROOT / Path(name).parent / base[1])).relative_to(ROOT).as_posix()


def differences(before: Any, after: Any, key: str = '') -> dict[str, Any]:
    """Keys whose values differ, with the value afterwards; lists and tuples are one value."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return {} if before == after else {key: after}
    changed: dict[str, Any] = {}
    for name in before.keys() | after.keys():
        changed |= differences(
            before.get(name, ABSENT), after.get(name, ABSENT), f'{key}.{name}' if key else name
        )
    return changed


def changes(name: str, base: str) -> dict[str, Any]:
    """What resolved config `name` has otherwise than resolved config `base`."""
    return differences(resolve(base).to_dict(), resolve(name).to_dict())


def shrink(cfg: Config, data_root: Path) -> Config:
    """The same config with a tiny network (of parts, one), on 18 drawn people at 32x16."""
    backbone = cfg.model.backbone
    if backbone.type in ('TIMMBackbone', 'reid_fusedloss.EfficientNetLite'):
        pytest.importorskip('timm', minversion='1.0.9')  # the first that has it
    smaller, channels = TINY_BACKBONES[backbone.type.split('.')[-1]]
    backbone.update(smaller, init_cfg=None)
    if 'non_local' in backbone:
        backbone.non_local = (0, 1, 1, 0)
    reader = cfg.model.neck if 'in_channels' in (cfg.model.neck or {}) else cfg.model.head
    reader.in_channels = channels
    if 'num_parts' in cfg.model.head:
        cfg.model.head.num_parts = 1  # the map is 2x1
    cfg.model.head.num_classes = TINY_DATA['num_train_ids']
    if isinstance(cfg.model.get('teacher'), list):  # its own twice, since other files may be absent
        cfg.model.teacher[1] = copy.deepcopy(cfg.model.teacher[0])
    loader = cfg.train_dataloader
    loader.num_workers, loader.persistent_workers = 0, False
    loader.dataset.update(TINY_DATA, data_root=str(data_root))
    loader.dataset.pipeline.resize.scale = (16, 32)
    loader.dataset.pipeline.crop.crop_size = (32, 16)
    return cfg
