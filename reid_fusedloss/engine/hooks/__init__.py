"""MMEngine hooks: checkpoints, resuming, starting weights, reports and log lines."""

from .averaged_model_hook import AveragedModelHook
from .channels_last_hook import ChannelsLastHook
from .deferred_info_hook import DeferredInfoHook
from .foreign_weights_hook import ForeignWeightsHook
from .freeze_hook import FreezeHook
from .other_identities_hook import OtherIdentitiesHook
from .plain_checkpoint_hook import PlainCheckpointHook
from .progress_hook import ProgressHook
from .reid_checkpoint_hook import ReIDCheckpointHook
from .report_hook import ReIDReportHook
from .resume_hook import ResumeHook
from .run_info_hook import RunInfoHook
from .skipped_images_hook import SkippedImagesHook
from .stop_signal_hook import StopSignalHook
from .trust_checkpoints_hook import TrustCheckpointsHook

__all__ = [
    'AveragedModelHook',
    'ChannelsLastHook',
    'DeferredInfoHook',
    'ForeignWeightsHook',
    'FreezeHook',
    'OtherIdentitiesHook',
    'PlainCheckpointHook',
    'ProgressHook',
    'ReIDCheckpointHook',
    'ReIDReportHook',
    'ResumeHook',
    'RunInfoHook',
    'SkippedImagesHook',
    'StopSignalHook',
    'TrustCheckpointsHook',
]
