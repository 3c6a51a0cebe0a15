"""Models are built by mmpretrain's names."""

import pytest
from mmengine.registry import init_default_scope


@pytest.fixture(autouse=True, scope='module')
def _scope():
    """A run of another test may have left a scope of its own."""
    init_default_scope('mmpretrain')
