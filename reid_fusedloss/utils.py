"""The entry point that `mmengine.hub` expects of a package."""

from mmengine.registry import DefaultScope, init_default_scope


def register_all_modules(init_scope: bool = True) -> None:
    """Register the components of this package.

    Args:
        init_scope: make mmpretrain, which our configs use, the default scope if there is none.
    """
    from . import components  # noqa: F401

    if init_scope and DefaultScope.get_current_instance() is None:
        init_default_scope('mmpretrain')
