"""Milvus Lite as a real server of the tests, in a folder that is removed at the end."""

import pytest

from reid_fusedloss.search import open_milvus
from tests.search.galleries import draw


def lite_server(folder):
    """Yield a function from the name of a collection to its address on one server."""
    pytest.importorskip('pymilvus', reason='pymilvus is not installed')
    manager = pytest.importorskip(
        'milvus_lite.server_manager', reason='Milvus Lite is not installed'
    ).server_manager_instance
    path = str(folder / 'lite.db')
    yield lambda name='gallery': f'{path}#{name}'
    manager.release_server(path)


def write(place, first, count):
    """Add every second one of `count` entries, each by itself."""
    index = open_milvus(place, 12, model='mine')
    for row in range(first, count, 2):
        index.add(draw(count)[row : row + 1], [f'{row:03}'], duplicates='replace')
