"""Training loop, hooks, checkpoints, and the preparation of configs for the tools."""
from .hooks import (ChannelsLastHook, ForeignWeightsHook, OtherIdentitiesHook, PlainCheckpointHook,
                    ReIDCheckpointHook, ReIDReportHook, RunInfoHook, SkippedImagesHook,
                    StopSignalHook, TrustCheckpointsHook)
from .training import BF16OptimWrapper, ReIDTrainLoop

__all__ = [
    'BF16OptimWrapper', 'ChannelsLastHook', 'ForeignWeightsHook', 'OtherIdentitiesHook',
    'PlainCheckpointHook', 'ReIDCheckpointHook', 'ReIDReportHook', 'ReIDTrainLoop', 'RunInfoHook',
    'SkippedImagesHook', 'StopSignalHook', 'TrustCheckpointsHook'
]
