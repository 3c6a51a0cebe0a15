"""Stop at, or skip, training steps whose loss is not finite."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

ACTIONS = ('stop', 'skip')
MOST_IN_A_ROW = 10


class FiniteLossGuard:
    """Wrap an optimizer wrapper and skip the steps whose loss is not finite.

    All ranks skip a step if one has to. The model's buffers, which the forward pass has changed,
    are restored.

    Args:
        optim_wrapper: the wrapper, of any type.
        model: its buffers are restored.

    Attributes:
        skipped: whether the last step was skipped.
    """

    def __init__(self, optim_wrapper: OptimWrapper, model: nn.Module) -> None:
        self.optim_wrapper = optim_wrapper
        self.model = model
        self.skipped = False
        self._before: list[Tensor] = []

    def optim_context(self, model: nn.Module) -> Any:
        """Save the buffers, and return the context of the forward pass."""
        self._before = [buffer.clone() for buffer in self.model.buffers()]
        return self.optim_wrapper.optim_context(model)

    def update_params(self, loss: Tensor) -> None:
        """Run the backward pass and the step, if the loss is finite on all ranks."""
        finite = loss.detach().isfinite().all().float()
        all_reduce(finite, 'min')
        self.skipped = not finite.item()
        if not self.skipped:
            self.optim_wrapper.update_params(loss)
            return
        with torch.no_grad():
            for buffer, before in zip(self.model.buffers(), self._before):
                buffer.copy_(before)


def describe_step(
    iteration: int, outputs: Mapping[str, Any], data_batch: dict | Sequence[dict]
) -> str:
    """Describe a step: iteration, values of the terms, and this process's files of the batch."""
    values = ', '.join(
        f'{name}={torch.as_tensor(value).detach().item():g}' for name, value in outputs.items()
    )
    samples = data_batch.get('data_samples', ()) if isinstance(data_batch, dict) else ()
    files = [sample.get('img_path', '?') for sample in samples]
    return f'iteration {iteration}: {values}; images of the batch: {files}'
