"""The training loop, and what it checks, saves and compares."""

from .bf16_optim_wrapper import BF16OptimWrapper
from .train_loop import ReIDTrainLoop

__all__ = ['BF16OptimWrapper', 'ReIDTrainLoop']
