"""The demo at a size that trains in seconds: a network of 8 channels, 24 images of 48x24."""

from pathlib import Path
from typing import Any

DEMO = Path(__file__).resolve().parents[2] / 'configs' / 'demo' / 'synthetic_r18.py'
DATA = dict(
    num_train_ids=6,
    num_test_ids=4,
    num_distractors=0,
    num_junk=0,
    num_cameras=2,
    images_per_camera=2,
    size=(48, 24),
)


def tiny_options(data_root: Path | str) -> dict[str, Any]:
    """Make the keys to set in the demo's config."""
    options: dict[str, Any] = {
        'model.backbone.stem_channels': 8,
        'model.backbone.base_channels': 8,
        'model.head.in_channels': 64,
        'train_cfg.val_interval': 1,
        'train_dataloader.batch_size': 8,
        'train_dataloader.dataset.pipeline.crop.crop_size': (48, 24),
    }
    for loader in ('train', 'val', 'test'):
        dataset = f'{loader}_dataloader.dataset'
        options |= {f'{dataset}.{key}': value for key, value in DATA.items()}
        options |= {f'{dataset}.data_root': str(data_root)}
        options |= {f'{dataset}.pipeline.resize.scale': (24, 48)}
    return options
