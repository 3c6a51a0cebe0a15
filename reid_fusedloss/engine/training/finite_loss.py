"""Stop at, or skip, training steps whose loss is not finite."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.dist import all_reduce
from mmengine.optim import OptimWrapper
from torch import Tensor, nn

ACTIONS = ('stop', 'skip')
MOST_IN_A_ROW = 10


def is_on_host(value: Any) -> bool:
    """Whether a value can be read without waiting for a device."""
    return not isinstance(value, Tensor) or value.device.type == 'cpu'


def without_graph(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Copy the outputs of a step without what autograd keeps for them."""
    return {
        name: value.detach() if isinstance(value, Tensor) else value
        for name, value in outputs.items()
    }


class LateCheck:
    """Check on the host that losses on a device are finite, some steps at a time.

    A check of each step would wait for the device, which then has no further work.
    """

    def __init__(self) -> None:
        self._steps: list[tuple[int, Mapping[str, Any], dict]] = []

    def add(self, iteration: int, outputs: Mapping[str, Any], data_batch: Any) -> None:
        """Take the outputs of a step; of its batch only the samples are kept, not the images."""
        samples = data_batch.get('data_samples', ()) if isinstance(data_batch, dict) else ()
        self._steps.append((iteration, without_graph(outputs), dict(data_samples=samples)))

    def __len__(self) -> int:
        return len(self._steps)

    def first_bad(self) -> str:
        """Describe the first step whose loss is not finite, or ''; forget all steps."""
        steps, self._steps = self._steps, []
        losses = [torch.as_tensor(outputs['loss']) for _, outputs, _ in steps]
        flags = torch.stack([loss.isfinite().all() for loss in losses]).tolist() if steps else []
        bad = [step for step, finite in zip(steps, flags) if not finite]
        return describe_step(*bad[0]) if bad else ''


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
