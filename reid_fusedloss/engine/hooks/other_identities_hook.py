"""Start a training from a checkpoint that was trained on other identities."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner
from torch import Tensor

from ...checks import check_flag
from ...logs import log
from ...registry import HOOKS
from ..loaded_weights import of_identities
from ..training.data_facts import data_facts, same_people
from ..unwrap import unwrap
from .resume_hook import META_KEY

# weights that depend on the identities: classifiers, those of mmpretrain's heads too, and centres
OF_IDENTITIES = r'head\.(classifier|fc|loss_module)\.'


@HOOKS.register_module()
class OtherIdentitiesHook(Hook):
    """Start classifier and centres from scratch if the checkpoint is of other identities.

    If the number of identities differs, these are the weights of the head that differ only in
    their first size, which is the number of identities here. If it is equal, the checkpoint states
    whether it was trained on the same images and people; if it does not, its weights are kept.
    This holds for `load_from`, with one log line, and for the averaged weights of an EMAHook too;
    without this hook MMEngine warns, or stops, entry by entry. The head of a resumed training must
    fit.

    Args:
        keep: for an equal number of identities. True: keep classifier and centres, for example to
            continue with more images of the same people; False: start them from scratch; None:
            decide by the checkpoint.
    """

    priority = 'HIGH'  # before EMAHook copies the weights

    def __init__(self, keep: bool | None = None) -> None:
        if keep is not None:
            check_flag('keep', keep)
        self.keep = keep

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Replace classifier and centres of other identities by the model's initial ones.

        Raises:
            ValueError: if the training is resumed and the head has another size.
        """
        model = unwrap(runner.model)
        num_classes = getattr(getattr(model, 'head', None), 'num_classes', None)
        own = model.state_dict()
        state = checkpoint.get('state_dict', checkpoint)
        other = {
            name: value
            for name, value in state.items()
            if of_identities(name, state, own, num_classes) and own[name].shape != value.shape
        }
        if not other:
            self._compare_people(runner, checkpoint, own, num_classes)
            return
        shapes = ', '.join(
            f'{name} {tuple(value.shape)} (here {tuple(own[name].shape)})'
            for name, value in other.items()
        )
        if runner._resume:
            raise ValueError(
                f'the head of the checkpoint to resume differs: {shapes}; it belongs to '
                'another training set or config. To start from its weights, set '
                'load_from and leave resume out'
            )
        state.update({name: own[name] for name in other})
        if 'ema_state_dict' in checkpoint:
            checkpoint['ema_state_dict'].update({f'module.{name}': own[name] for name in other})
        log(f'left out of the checkpoint, which was trained on other identities: {shapes}')

    def _compare_people(
        self, runner: Runner, checkpoint: dict, own: Mapping[str, Tensor], num_classes: int | None
    ) -> None:
        """Handle an equal number of identities in a training: they may be other people."""
        if runner._resume or not isinstance(runner._train_loop, BaseLoop):
            return
        state = checkpoint.get('state_dict', checkpoint)
        both = [name for name in own if re.match(OF_IDENTITIES, name) and name in state]
        sized = [name for name in both if own[name].shape[:1] == (num_classes,)]
        names = [name for name in sized if not torch.equal(own[name].cpu(), state[name].cpu())]
        if not names or self.keep:
            return
        same = self.keep is None and self._same(runner, checkpoint)
        if same is None:
            log(
                f'kept from the checkpoint, which does not say which people they are of: {names}, '
                f'for {num_classes} identities as here. If these are other people, set '
                'default_hooks.other_identities.keep=False'
            )
        elif not same:
            state.update({name: own[name] for name in names})
            log(
                f'left out of the checkpoint, which was trained on {num_classes} other '
                f'identities or images: {names} (default_hooks.other_identities.keep=True '
                'keeps them)'
            )

    @staticmethod
    def _same(runner: Runner, checkpoint: dict) -> bool | None:
        saved: dict[str, Any] = checkpoint.get('meta', {}).get(META_KEY, {}).get('data', {})
        return same_people(saved, data_facts(runner.train_loop.dataloader)) if saved else None
