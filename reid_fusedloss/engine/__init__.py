"""Train and test with MMEngine's Runner: training loop, hooks, checkpoints, config checks."""

from .hooks import (
    AveragedModelHook,
    ChannelsLastHook,
    ForeignWeightsHook,
    FreezeHook,
    OtherIdentitiesHook,
    PlainCheckpointHook,
    ProgressHook,
    ReIDCheckpointHook,
    ReIDReportHook,
    ResumeHook,
    RunInfoHook,
    SkippedImagesHook,
    StopSignalHook,
    TrustCheckpointsHook,
)
from .training import BF16OptimWrapper, ReIDTrainLoop

__all__ = [
    'AveragedModelHook',
    'BF16OptimWrapper',
    'ChannelsLastHook',
    'ForeignWeightsHook',
    'FreezeHook',
    'OtherIdentitiesHook',
    'PlainCheckpointHook',
    'ProgressHook',
    'ReIDCheckpointHook',
    'ReIDReportHook',
    'ReIDTrainLoop',
    'ResumeHook',
    'RunInfoHook',
    'SkippedImagesHook',
    'StopSignalHook',
    'TrustCheckpointsHook',
]
