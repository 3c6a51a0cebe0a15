"""A run of the real tools' parts, small enough for a test."""

from pathlib import Path

from mmengine.config import Config

from reid_fusedloss.engine.config import count_identities, load_config

REPOSITORY = Path(__file__).resolve().parents[1]
DATASETS = REPOSITORY / 'configs' / '_base_' / 'datasets'
DEMO = str(REPOSITORY / 'configs' / 'demo' / 'synthetic_r18.py')
DATA = dict(
    num_train_ids=6,
    num_test_ids=4,
    num_distractors=2,
    num_junk=1,
    num_cameras=2,
    images_per_camera=2,
    size=(48, 24),
)


def tiny_options(data_root: Path) -> dict:
    """Keys of the demo's config that make it tiny: 6 identities, 48x24, 2 epochs of 3 steps."""
    options = {
        'model.backbone.stem_channels': 8,
        'model.backbone.base_channels': 8,
        'model.head.in_channels': 64,
        'train_dataloader.batch_size': 8,
        'train_dataloader.num_workers': 0,
        'train_dataloader.persistent_workers': False,
        'train_cfg.max_epochs': 2,
        'train_cfg.val_interval': 1,
        'train_dataloader.dataset.pipeline.crop.crop_size': (48, 24),
        'default_hooks.logger.interval': 1,
        'default_hooks.report.num_queries': 2,
    }
    for loader in ('train', 'val', 'test'):
        dataset = f'{loader}_dataloader.dataset'
        options[f'{dataset}.pipeline.resize.scale'] = (24, 48)
        options[f'{dataset}.data_root'] = str(data_root)
        options |= {f'{dataset}.{key}': value for key, value in DATA.items()}
    for loader in ('val', 'test'):
        options |= {
            f'{loader}_dataloader.num_workers': 0,
            f'{loader}_dataloader.persistent_workers': False,
        }
    return options


def tiny_config(data_root: Path, work_dir: Path, config: str = DEMO, **options) -> Config:
    """Resolved config of a tiny run; options as `key__sub=value`."""
    given = {key.replace('__', '.'): value for key, value in options.items()}
    cfg = load_config(config, options=tiny_options(data_root) | given)
    cfg.work_dir = str(work_dir)
    count_identities(cfg)
    return cfg
