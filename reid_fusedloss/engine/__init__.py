"""Hooks, optimisation wrappers and the preparation of configs for the tools."""
from .bf16_optim_wrapper import BF16OptimWrapper
from .channels_last_hook import ChannelsLastHook
from .other_identities_hook import OtherIdentitiesHook
from .plain_checkpoint_hook import PlainCheckpointHook
from .report_hook import ReIDReportHook
from .run_info_hook import RunInfoHook
from .skipped_images_hook import SkippedImagesHook

__all__ = [
    'BF16OptimWrapper', 'ChannelsLastHook', 'OtherIdentitiesHook', 'PlainCheckpointHook',
    'ReIDReportHook', 'RunInfoHook', 'SkippedImagesHook'
]
