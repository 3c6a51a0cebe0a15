"""Train and test with MMEngine's Runner: training loop, hooks, checkpoints, config checks."""

from . import hooks
from .hooks import *  # noqa: F403
from .training import BF16OptimWrapper, ReIDTrainLoop

__all__ = ['BF16OptimWrapper', 'ReIDTrainLoop']
__all__ += hooks.__all__
