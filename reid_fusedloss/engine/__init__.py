"""Training loop, hooks, checkpoints, and the preparation of configs for the tools."""
from .hooks import (ChannelsLastHook, ForeignWeightsHook, OtherIdentitiesHook, PlainCheckpointHook,
                    ReIDCheckpointHook, ReIDReportHook, ResumeHook, RunInfoHook,
                    SkippedImagesHook, StopSignalHook)
from .training import BF16OptimWrapper, ReIDTrainLoop

__all__ = [
    'BF16OptimWrapper', 'ChannelsLastHook', 'ForeignWeightsHook', 'OtherIdentitiesHook',
    'PlainCheckpointHook', 'ReIDCheckpointHook', 'ReIDReportHook', 'ReIDTrainLoop', 'ResumeHook',
    'RunInfoHook', 'SkippedImagesHook', 'StopSignalHook'
]
