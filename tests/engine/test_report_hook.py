"""Pictures that a run can draw, and those that it cannot."""

from types import SimpleNamespace

import pytest
from mmengine.logging import MMLogger
from mmengine.visualization import LocalVisBackend, TensorboardVisBackend, Visualizer

from reid_fusedloss import visualization
from reid_fusedloss.engine import ReIDReportHook


@pytest.fixture
def runner(tmp_path, caplog):
    """What the hook sees of a training, whose log goes to `caplog`."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield SimpleNamespace(
        work_dir=str(tmp_path),
        logger=logger,
        hooks=[],
        val_evaluator=SimpleNamespace(metrics=[]),
        visualizer=Visualizer(name='test'),
    )
    logger.removeHandler(caplog.handler)


def train(runner, backends, monkeypatch):
    """Two evaluations and the end; the pictures that were drawn."""
    drawn = []
    monkeypatch.setattr(
        visualization, 'save_curves', lambda source, target: drawn.append(target.name)
    )
    runner.visualizer._vis_backends = {type(backend).__name__: backend for backend in backends}
    hook = ReIDReportHook()
    hook.before_train(runner)
    for _ in range(2):
        hook.after_val_epoch(runner, {})
    hook.after_train(runner)
    return drawn


def test_without_the_file_that_curves_are_drawn_from_one_line_says_so(
    runner, tmp_path, monkeypatch, caplog
):
    assert not train(runner, [TensorboardVisBackend(str(tmp_path))], monkeypatch)
    assert caplog.text.count('curves.png') == 1
    assert "has ['TensorboardVisBackend']: add dict(type='LocalVisBackend')" in caplog.text


def test_with_it_they_are_drawn(runner, tmp_path, monkeypatch, caplog):
    drawn = train(
        runner, [LocalVisBackend(str(tmp_path)), TensorboardVisBackend(str(tmp_path))], monkeypatch
    )
    assert drawn == ['curves.png'] * 3 and 'no curves.png' not in caplog.text
