"""A checkpoint that MMEngine itself wrote."""

import pytest

from tests.loading.hostile import globals_of
from tests.loading.runs import runner


@pytest.fixture(scope='package')
def theirs(tmp_path_factory):
    """A checkpoint of MMEngine's Runner and CheckpointHook, of the family installed here."""
    folder = tmp_path_factory.mktemp('theirs')
    runner(folder).train()
    names = globals_of(folder / 'epoch_1.pth')
    assert '__builtin__.getattr' in names and 'collections.Counter' in names
    assert 'mmengine.logging.history_buffer.HistoryBuffer' in names
    return folder / 'epoch_1.pth'
