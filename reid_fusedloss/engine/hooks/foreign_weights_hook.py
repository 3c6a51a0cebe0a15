"""Start from the weights of another project."""
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner

from ...conversion import compare, convert, detect, read_state_dict
from ...registry import HOOKS


@HOOKS.register_module()
class ForeignWeightsHook(Hook):
    """Give weights of another project our names when `load_from` reads its checkpoint.

    One line says which layout it has and what is left over. The other hooks that read a loaded
    checkpoint come later and see our names alone. A checkpoint of ours is left as it is, and
    nothing is converted when a training is resumed.
    """
    priority = 'VERY_HIGH'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Called by MMEngine after it has read the file.

        Raises:
            ValueError: if the weights are not of the config's network, or the training is resumed
                from such a file.
        """
        weights = read_state_dict(checkpoint)
        layout = detect(weights)
        if layout is None:
            return
        if runner._resume:
            raise ValueError(f'the checkpoint to resume has the layout {layout}, of another '
                             'project: it holds no state of a training. To start from its weights, '
                             'set load_from and leave resume out')
        converted = convert(weights)
        converted.log()
        model = runner.model.module if is_model_wrapper(runner.model) else runner.model
        if hasattr(model, 'backbone'):
            compare(converted.weights, model.state_dict()).check()
        checkpoint.clear()
        checkpoint['state_dict'] = converted.weights
