"""Start a training from a checkpoint of other identities."""

import re
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import BaseLoop, Runner
from torch import Tensor

from ...checks import check_flag
from ...registry import HOOKS
from ..training.data_facts import data_facts, same_people
from ..unwrap import unwrap
from .resume_hook import META_KEY

# weights that belong to the identities: classifiers, of mmpretrain's heads too, and centres
OF_IDENTITIES = r'head\.(classifier|fc|loss_module)\.'


@HOOKS.register_module()
class OtherIdentitiesHook(Hook):
    """Leave out what a loaded checkpoint has for other identities: classifier and centres.

    Where their number differs, these are the weights of the head whose first size alone differs,
    and is the number of identities here. Where it does not, the checkpoint tells whether it was
    trained on the same images and people; one that cannot tell keeps its weights. A training with
    `load_from` starts them from scratch and says so in one line; without this hook MMEngine warns,
    or stops, entry by entry. A training that is resumed has to fit. The
    same holds for the averaged weights of an EMAHook.

    Args:
        keep: as many identities: True: keep classifier and centres, say to go on with more images
            of the same people; False: start them from scratch; None: as the checkpoint tells.
    """

    priority = 'HIGH'  # before EMAHook copies the weights

    def __init__(self, keep: bool | None = None) -> None:
        if keep is not None:
            check_flag('keep', keep)
        self.keep = keep

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Called by MMEngine after it has read the file.

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
            if name.startswith('head.')
            and name in own
            and own[name].shape != value.shape
            and own[name].shape == (num_classes, *value.shape[1:])
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
                f'the checkpoint to resume has another head: {shapes}; it belongs to '
                'another training set or config. To start from its weights, set '
                'load_from and leave resume out'
            )
        state.update({name: own[name] for name in other})
        if 'ema_state_dict' in checkpoint:
            checkpoint['ema_state_dict'].update({f'module.{name}': own[name] for name in other})
        print_log(
            f'left out of the checkpoint, which was trained on other identities: {shapes}',
            logger='current',
        )

    def _compare_people(
        self, runner: Runner, checkpoint: dict, own: Mapping[str, Tensor], num_classes: int | None
    ) -> None:
        """As many identities, in a training: they may be others."""
        if runner._resume or not isinstance(runner._train_loop, BaseLoop):
            return
        state = checkpoint.get('state_dict', checkpoint)
        names = [
            name
            for name in own
            if re.match(OF_IDENTITIES, name)
            and name in state
            and own[name].shape[:1] == (num_classes,)
            and not torch.equal(own[name].cpu(), state[name].cpu())
        ]
        if not names or self.keep:
            return
        same = self.keep is None and self._same(runner, checkpoint)
        if same is None:
            print_log(
                f'kept from the checkpoint, which does not tell whose they are: {names}, of '
                f'{num_classes} identities as here. If they are other people, set '
                'default_hooks.other_identities.keep=False',
                logger='current',
            )
        elif not same:
            state.update({name: own[name] for name in names})
            print_log(
                f'left out of the checkpoint, which was trained on {num_classes} other '
                f'identities or images: {names} (default_hooks.other_identities.keep=True '
                'keeps them)',
                logger='current',
            )

    @staticmethod
    def _same(runner: Runner, checkpoint: dict) -> bool | None:
        saved: dict[str, Any] = checkpoint.get('meta', {}).get(META_KEY, {}).get('data', {})
        return same_people(saved, data_facts(runner.train_loop.dataloader)) if saved else None
