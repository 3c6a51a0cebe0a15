"""Freeze parts of a model for the first epochs."""

from collections.abc import Sequence

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from ...checks import check_int
from ...registry import HOOKS
from ..unwrap import unwrap


@HOOKS.register_module()
class FreezeHook(Hook):
    """Freeze parts of the model for the first epochs, such as a pretrained backbone.

    A frozen part is in evaluation mode: no dropout, and fixed batch-normalisation statistics. Its
    weights get no gradient, so the optimizer neither moves them, not even by momentum or weight
    decay, nor keeps state for them. A frozen `CenterLoss` keeps its centres. Afterwards every
    weight is trained that would be trained without this hook. What is frozen depends on the epoch
    only, so a resumed training continues correctly.

    Args:
        parts: names of modules of the model, such as 'backbone', 'backbone.layer1' or 'head.bn'.
        epochs: number of epochs for which they are frozen.

    Raises:
        TypeError: if an argument has the wrong type.
        ValueError: if no part is named, or `epochs` is not positive; before a training, if the
            model has no such part, nothing is left to train, or several processes train without
            `find_unused_parameters=True`.

    Example, in a config::

        custom_hooks = [dict(type='reid_fusedloss.FreezeHook', parts=['backbone'], epochs=2)]
        find_unused_parameters = True  # for several processes
    """

    def __init__(self, parts: Sequence[str], epochs: int) -> None:
        if not isinstance(parts, (list, tuple)) or not all(
            isinstance(part, str) and part for part in parts
        ):
            raise TypeError(f"parts must be a list of names, such as ['backbone'], got {parts!r}")
        if not parts:
            raise ValueError("parts is empty: name a module to freeze, such as 'backbone'")
        check_int('epochs', epochs)
        self.parts, self.epochs = tuple(parts), epochs
        self._modules: list[nn.Module] = []
        self._trained: list[nn.Parameter] = []
        self._frozen = False

    def before_train(self, runner: Runner) -> None:
        """Find the parts, and check that training works without their gradients."""
        if (
            isinstance(runner.model, DistributedDataParallel)
            and not runner.model.find_unused_parameters
        ):
            raise ValueError(
                'FreezeHook leaves weights without gradients, for which several processes wait: '
                'set find_unused_parameters=True in the config'
            )
        model = unwrap(runner.model)
        self._modules = [_part(model, name) for name in self.parts]
        self._trained = [
            weight for weight in nn.ModuleList(self._modules).parameters() if weight.requires_grad
        ]
        if {id(weight) for weight in self._trained} >= {
            id(weight) for weight in model.parameters() if weight.requires_grad
        }:
            raise ValueError(
                f'FreezeHook(parts={list(self.parts)}) leaves nothing to train: freeze less'
            )

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        """Freeze or unfreeze; each step, since training loops set the mode of the whole model."""
        frozen = runner.epoch < self.epochs
        if frozen != self._frozen:
            for weight in self._trained:
                weight.requires_grad_(not frozen)
            runner.logger.info(
                f'{"frozen" if frozen else "no longer frozen"}: {", ".join(self.parts)}'
            )
        if frozen or self._frozen:
            for module in self._modules:
                module.train(not frozen)
        self._frozen = frozen


def _part(model: nn.Module, name: str) -> nn.Module:
    try:
        return model.get_submodule(name)
    except AttributeError as error:
        raise ValueError(
            f'FreezeHook: the model has no part {name!r} ({error}); it has '
            f'{[name for name, _ in model.named_children()]}'
        ) from error
