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

    A frozen part is in evaluation mode, without dropout and with its statistics of batch
    normalisation as they are, and its weights get no gradient: no optimizer moves them, by momentum
    or weight decay neither, nor is any state of theirs kept. A frozen `CenterLoss` keeps its
    centres. Then each weight is trained that was trained without this hook. What is frozen follows
    from the epoch alone, so a resumed training goes on as it was.

    Args:
        parts: names of modules of the model, such as 'backbone', 'backbone.layer1' or 'head.bn'.
        epochs: number of epochs for which they are frozen.

    Raises:
        TypeError: if an argument has another type.
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
            raise TypeError(f"parts is a list of names, such as ['backbone'], got {parts!r}")
        if not parts:
            raise ValueError("parts is empty: name what is to be frozen, such as 'backbone'")
        check_int('epochs', epochs)
        self.parts, self.epochs = tuple(parts), epochs
        self._modules: list[nn.Module] = []
        self._trained: list[nn.Parameter] = []
        self._frozen = False

    def before_train(self, runner: Runner) -> None:
        """Find the parts, and check that the training can go on without their gradients."""
        if (
            isinstance(runner.model, DistributedDataParallel)
            and not runner.model.find_unused_parameters
        ):
            raise ValueError(
                'FreezeHook leaves weights without gradients, for which several '
                'processes would wait: set find_unused_parameters=True in the config'
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
        """Freeze, or end it; training loops set the mode of the whole model in each epoch."""
        frozen = runner.epoch < self.epochs
        if frozen != self._frozen:
            for weight in self._trained:
                weight.requires_grad_(not frozen)
            runner.logger.info(
                f'{"frozen" if frozen else "trained from here on"}: {", ".join(self.parts)}'
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
