"""Trust the checkpoints that a run loads, by a line in its config."""

from mmengine.hooks import Hook
from mmengine.runner import Runner

from ...loading import is_trusted, trust_checkpoints
from ...registry import HOOKS


@HOOKS.register_module()
class TrustCheckpointsHook(Hook):
    """Allow the checkpoints that a run loads to run code while they load.

    For files from a source you know that contain objects of other projects, with any tool:
    `custom_hooks = [dict(type='reid_fusedloss.TrustCheckpointsHook')]`. It is in effect from the
    start of the run, before the weights of `init_cfg`, `load_from` or `resume` are read, to its
    end.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Trust all checkpoints, with a warning."""
        self._before = is_trusted()
        trust_checkpoints()
        runner.logger.warning(
            'checkpoints may run code while they load: TrustCheckpointsHook is in the config'
        )

    def after_run(self, runner: Runner) -> None:
        """Restore the setting from before."""
        trust_checkpoints(self._before)
