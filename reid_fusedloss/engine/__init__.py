"""Training loop, hooks, checkpoints, and the preparation of configs for the tools."""
from .hooks import (AveragedModelHook, ChannelsLastHook, ForeignWeightsHook, FreezeHook,
                    OtherIdentitiesHook, PlainCheckpointHook, ReIDCheckpointHook, ReIDReportHook,
                    RunInfoHook, SkippedImagesHook, StopSignalHook)
from .training import BF16OptimWrapper, ReIDTrainLoop

__all__ = [
    'AveragedModelHook', 'BF16OptimWrapper', 'ChannelsLastHook', 'ForeignWeightsHook',
    'FreezeHook', 'OtherIdentitiesHook', 'PlainCheckpointHook', 'ReIDCheckpointHook',
    'ReIDReportHook', 'ReIDTrainLoop', 'RunInfoHook', 'SkippedImagesHook', 'StopSignalHook'
]
