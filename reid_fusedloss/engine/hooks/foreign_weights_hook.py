"""Start from the weights of another project."""
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from ...conversion import compare, convert, detect, is_mmengines, read_state_dict
from ...registry import HOOKS
from ..unwrap import unwrap


@HOOKS.register_module()
class ForeignWeightsHook(Hook):
    """Give weights of another project our names when `load_from` reads its checkpoint.

    One line says which layout it has and what is left over. The other hooks that read a loaded
    checkpoint come later and see our names alone. A checkpoint that MMEngine wrote, or that has
    the model's names, is left as it is, and nothing is converted when a training is resumed. A part
    of the head of another size starts anew, and a line says so.
    """
    priority = 'VERY_HIGH'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Called by MMEngine after it has read the file.

        Raises:
            ValueError: if the weights are not of the config's network, or the training is resumed
                from such a file.
        """
        weights = read_state_dict(checkpoint)
        model = unwrap(runner.model)
        own = model.state_dict()
        layout = detect(weights)
        if layout is None or is_mmengines(checkpoint) or weights.keys() <= own.keys():
            return
        if runner._resume:
            raise ValueError(f'the checkpoint to resume has the layout {layout}, of another '
                             'project: it holds no state of a training. To start from its weights, '
                             'set load_from and leave resume out')
        converted = convert(weights)
        converted.log()
        if hasattr(model, 'backbone'):
            fit = compare(converted.weights, own)
            fit.check()
            for name, (theirs, ours) in fit.shapes.items():
                del converted.weights[name]
                print_log(f'left out of the checkpoint, whose head has another size: {name} '
                          f'{theirs} (here {ours})', logger='current')
        checkpoint.clear()
        checkpoint['state_dict'] = converted.weights
