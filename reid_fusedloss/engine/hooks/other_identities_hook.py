"""Start a training from a checkpoint of other identities."""
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...registry import HOOKS
from ..unwrap import unwrap


@HOOKS.register_module()
class OtherIdentitiesHook(Hook):
    """Leave out what a loaded checkpoint has for other identities: classifier and centres.

    These are the weights of the head whose first size alone differs, and is the number of
    identities here. A training with `load_from` starts them anew and says so in one line; without
    this hook MMEngine warns, or stops, entry by entry. A training that is resumed has to fit. It
    comes before an EMAHook, for whose averaged weights the same holds.
    """
    priority = 'HIGH'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Called by MMEngine after it has read the file.

        Raises:
            ValueError: if the training is resumed and the head has another size.
        """
        model = unwrap(runner.model)
        num_classes = getattr(getattr(model, 'head', None), 'num_classes', None)
        own = model.state_dict()
        state = checkpoint.get('state_dict', checkpoint)
        other = {name: value for name, value in state.items()
                 if name.startswith('head.') and name in own and own[name].shape != value.shape
                 and own[name].shape == (num_classes, *value.shape[1:])}
        if not other:
            return
        shapes = ', '.join(f'{name} {tuple(value.shape)} (here {tuple(own[name].shape)})'
                           for name, value in other.items())
        if runner._resume:
            raise ValueError(f'the checkpoint to resume has another head: {shapes}; it belongs to '
                             'another training set or config. To start from its weights, set '
                             'load_from and leave resume out')
        state.update({name: own[name] for name in other})
        if 'ema_state_dict' in checkpoint:
            checkpoint['ema_state_dict'].update({f'module.{name}': own[name] for name in other})
        print_log(f'left out of the checkpoint, which was trained on other identities: {shapes}',
                  logger='current')
