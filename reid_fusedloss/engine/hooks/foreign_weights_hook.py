"""Start from the weights of another training or project."""

from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from ...conversion import compare, convert, detect, is_mmengines, read_state_dict
from ...logs import log, warn
from ...registry import HOOKS
from ..loaded_weights import check_resumed, fill
from ..unwrap import unwrap


@HOOKS.register_module()
class ForeignWeightsHook(Hook):
    """Convert and check the weights of `load_from` before the model loads them.

    Weights of another project are renamed to our names; a log line names their layout and what is
    left over. A checkpoint by MMEngine, or with the model's names, is not renamed. Parts of the
    head of another size start from scratch, and a log line says so. Weights of another network are
    refused, where MMEngine would train from scratch; a log line names what else the checkpoint does
    not fill. Nothing is converted or left out when a training is resumed. Hooks that read a loaded
    checkpoint run later and only see our names.
    """

    priority = 'VERY_HIGH'

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Convert and check the weights.

        Raises:
            ValueError: if the weights are not of the config's network, or the training is resumed
                from a file of another project.
        """
        weights = read_state_dict(checkpoint)
        model = unwrap(runner.model)
        layout = detect(weights)
        if (
            layout is None
            or is_mmengines(checkpoint)
            or weights.keys() <= model.state_dict().keys()
        ):
            self._check(runner, model, checkpoint)
            return
        if runner._resume:
            raise ValueError(
                f'the checkpoint to resume has the layout {layout} of another project: it has '
                'no training state. To start from its weights, set load_from and leave resume out'
            )
        converted = convert(weights)
        converted.log()
        if hasattr(model, 'backbone'):
            fit = compare(converted.weights, model.state_dict())
            try:
                fit.check()
            except ValueError as error:
                if converted.config is None:
                    raise
                raise ValueError(f'{error}; these weights are for {converted.command()}') from error
            for name, (theirs, ours) in fit.shapes.items():
                del converted.weights[name]
                log(
                    f'left out of the checkpoint, whose head has another size: {name} '
                    f'{theirs} (here {ours})'
                )
        checkpoint.clear()
        checkpoint['state_dict'] = converted.weights

    @staticmethod
    def _check(runner: Runner, model: nn.Module, checkpoint: dict) -> None:
        """Check weights that already have our names, and complete them with the model's own."""
        weights = read_state_dict(checkpoint)
        if not hasattr(model, 'backbone'):  # a wrapper for a test
            return
        if runner._resume:
            check_resumed(model, weights)
            return
        num_classes = getattr(getattr(model, 'head', None), 'num_classes', None)
        filled, text = fill(model, weights, num_classes)
        if text:
            warn(text)
            if 'state_dict' not in checkpoint:
                checkpoint.clear()
            checkpoint['state_dict'] = filled
