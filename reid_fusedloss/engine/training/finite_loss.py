"""What a loss that is not a number does to a training."""

from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

ACTIONS = ('stop', 'skip')
MOST_IN_A_ROW = 10


class FiniteLossGuard:
    """Stands before an optimizer wrapper; a step whose loss is not finite is left out.

    All ranks leave it out if one has to. The model's buffers, which the forward pass has changed,
    go back to what they were.

    Args:
        optim_wrapper: the wrapper, of any type.
        model: whose buffers are kept.

    Attributes:
        skipped: whether the last step was left out.
    """

    def __init__(self, optim_wrapper: OptimWrapper, model: nn.Module) -> None:
        self.optim_wrapper = optim_wrapper
        self.model = model
        self.skipped = False
        self._before: list[Tensor] = []

    def optim_context(self, model: nn.Module) -> Any:
        """Context of the forward pass; called by the model's `train_step`."""
        self._before = [buffer.clone() for buffer in self.model.buffers()]
        return self.optim_wrapper.optim_context(model)

    def update_params(self, loss: Tensor) -> None:
        """Backward pass and step, if the loss is finite on all ranks."""
        finite = loss.detach().isfinite().all().float()
        all_reduce(finite, 'min')
        self.skipped = not finite.item()
        if not self.skipped:
            self.optim_wrapper.update_params(loss)
            return
        with torch.no_grad():
            for buffer, before in zip(self.model.buffers(), self._before):
                buffer.copy_(before)


def describe_step(iteration: int, outputs: dict[str, Tensor], data_batch: dict) -> str:
    """Iteration, values of the terms, and the files of the batch on this process."""
    values = ', '.join(
        f'{name}={torch.as_tensor(value).detach().item():g}' for name, value in outputs.items()
    )
    samples = data_batch.get('data_samples', ()) if isinstance(data_batch, dict) else ()
    files = [sample.get('img_path', '?') for sample in samples]
    return f'iteration {iteration}: {values}; images of the batch: {files}'
