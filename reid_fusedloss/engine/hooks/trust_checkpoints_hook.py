"""Trust the checkpoints of a run, by its config."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...loading import is_trusted, trust_checkpoints
from ...registry import HOOKS


@HOOKS.register_module()
class TrustCheckpointsHook(Hook):
    """Let the checkpoints that a run loads run code while they load.

    For files of which you know the origin, with objects of other projects in them, under any
    tool: `custom_hooks = [dict(type='reid_fusedloss.TrustCheckpointsHook')]`. It holds from the
    start of the run, before weights of `init_cfg`, `load_from` or `resume` are read, to its end.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Trust, and say so."""
        self._before = is_trusted()
        trust_checkpoints()
        runner.logger.warning(
            'checkpoints may run code while they load: TrustCheckpointsHook is in the config'
        )

    def after_run(self, runner: Runner) -> None:
        """Trust what was trusted before."""
        trust_checkpoints(self._before)
