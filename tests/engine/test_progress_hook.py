"""A test says how far it is."""

import re
import time
from functools import partial

import pytest
import torch
from mmengine.registry import MODELS

from reid_fusedloss.engine.hooks import ProgressHook
from tests.calling import call, job
from tests.tiny import tiny_config


@pytest.mark.slow
def test_features_and_ranking_are_reported(tmp_path, monkeypatch):
    """Of 18 images in batches of 5; a line of each where the interval is 0."""
    cfg = tiny_config(tmp_path / 'data', tmp_path / 'work', test_dataloader__batch_size=5)
    cfg.model.backbone.init_cfg = None
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict(), meta={}), tmp_path / 'a.pth')
    cfg.dump(tmp_path / 'tiny.py')
    monkeypatch.chdir(tmp_path)
    logs = {}
    for interval in (0.0, 3600.0):
        monkeypatch.setattr(job('test'), 'ProgressHook', partial(ProgressHook, interval))
        call(monkeypatch, 'test', 'tiny.py', 'a.pth', '--work-dir', f'out{interval}')
        (path,) = (tmp_path / f'out{interval}').rglob('*.log')
        logs[interval] = path.read_text()
    assert re.findall(r'features: (\d+) %, eta \d+ s', logs[0.0]) == ['25', '50', '75', '100']
    for log in logs.values():
        assert 'features of 18 images, in 4 batches' in log
    assert 'features: ' not in logs[3600.0]


@pytest.mark.parametrize(
    'interval, error',
    [(-1, ValueError), (float('nan'), ValueError), ('10', TypeError), (None, TypeError)],
)
def test_intervals_that_are_none(interval, error):
    with pytest.raises(error, match='interval'):
        ProgressHook(interval)


def test_a_line_every_few_seconds(monkeypatch):
    """By a clock of the test's own: batches of 4 s, lines every 10 s."""
    from reid_fusedloss import logs
    from reid_fusedloss.evaluation import progress

    now, said = [0.0], []
    monkeypatch.setattr(progress.time, 'monotonic', lambda: now[0])
    monkeypatch.setattr(logs, 'print_log', lambda text, **_: said.append((now[0], text)))
    report = progress.LogProgress('features', 10.0)
    for batch in range(1, 11):
        now[0] += 4.0
        report(batch, 10)
    assert [at for at, _ in said] == [12.0, 24.0, 36.0]
    assert said[0][1] == 'features: 30 %, eta 28 s' and time.monotonic() == 40.0
