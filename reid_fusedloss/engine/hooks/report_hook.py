"""Write the scores of a run, and draw its curves and ranking lists."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mmengine.dist import master_only
from mmengine.evaluator import Evaluator
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.visualization import LocalVisBackend

from ...checks import check_int
from ...evaluation import ReIDMetric
from ...registry import HOOKS
from ...whole_file import PathLike, whole_file
from .averaged_model_hook import ORIGIN, ema_hooks, evaluates_twice


@HOOKS.register_module()
class ReIDReportHook(Hook):
    """Write ranking lists (JSON and PNG), scores and curves into the work_dir.

    Written after each evaluation: `ranking_lists/<prefix>.json`, the top of every query's ranking,
    `<prefix>.png`, drawn from it, and `scores.json`; in training also `curves.png`, drawn from the
    output of MMEngine's `LocalVisBackend` (without it, one warning). If an EMAHook also evaluates
    the model before averaging, its files end in `_origin`. A picture that cannot be drawn is a
    warning and never stops a run.

    Args:
        num_queries: rows of the picture.
        order: which queries it shows, see `visualization.select_queries`.

    Raises:
        TypeError, ValueError: if `num_queries` is not a positive integer.
    """

    priority = 89  # before the checkpoint hook, which records the evaluation as finished

    def __init__(self, num_queries: int = 8, order: str = 'spread') -> None:
        check_int('num_queries', num_queries)
        self.num_queries = num_queries
        self.order = order
        self._draws_curves = True

    def before_train(self, runner: Runner) -> None:
        backends = runner.visualizer._vis_backends.values()
        self._draws_curves = any(isinstance(backend, LocalVisBackend) for backend in backends)
        if not self._draws_curves:
            runner.logger.warning(
                'no curves.png: it is drawn from scalars.json, which LocalVisBackend writes, but '
                f'visualizer.vis_backends has {sorted(type(b).__name__ for b in backends)}: add '
                "dict(type='LocalVisBackend')"
            )

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        self._report(runner, runner.val_evaluator, 'val', metrics)
        self._draw_curves(runner)

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        self._report(runner, runner.test_evaluator, 'test', metrics)

    def after_train(self, runner: Runner) -> None:
        self._draw_curves(runner)

    @master_only
    def _draw_curves(self, runner: Runner) -> None:
        if self._draws_curves:
            from ...visualization import save_curves  # imports matplotlib

            self._draw(runner, save_curves, runner.work_dir, Path(runner.work_dir) / 'curves.png')

    @master_only
    def _report(
        self, runner: Runner, evaluator: Evaluator, kind: str, metrics: dict | None
    ) -> None:
        work_dir = Path(runner.work_dir)
        write_json(work_dir / 'scores.json', metrics or {})
        if any(map(evaluates_twice, ema_hooks(runner))):
            scalars = runner.message_hub.log_scalars
            write_json(
                work_dir / f'scores{ORIGIN}.json',
                {name: scalars[f'{kind}/{name}{ORIGIN}'].current() for name in metrics or {}},
            )
        from ...visualization import save_ranking_lists  # imports matplotlib

        metrics_there = (each for each in evaluator.metrics if isinstance(each, ReIDMetric))
        for lists in (lists for each in metrics_there for lists in each.ranking_lists):
            path = work_dir / 'ranking_lists' / f'{lists["prefix"].replace("/", "_")}.json'
            write_json(path, lists)
            options: dict[str, Any] = dict(num_queries=self.num_queries, order=self.order)
            self._draw(runner, save_ranking_lists, path, path.with_suffix('.png'), **options)

    @staticmethod
    def _draw(
        runner: Runner, draw: Callable[..., Path], source: PathLike, target: Path, **options: Any
    ) -> None:
        try:
            draw(source, target, **options)
            runner.logger.info(f'drawn: {target}')
        except Exception as error:
            runner.logger.warning(f'{target} was not drawn: {type(error).__name__}: {error}')


def write_json(path: Path, content: dict) -> None:
    """Write a JSON file atomically."""
    with whole_file(path) as file:
        file.write(json.dumps(content).encode())
