"""Packages that only some jobs need: imported when such a job starts."""

import importlib
from types import ModuleType

# module -> the extra of setup.cfg that installs it
EXTRAS = dict(
    faiss='search',
    onnx='export',
    onnxruntime='export',
    onnxscript='export',
    openvino='export',
    gradio='web',
    pytorch_grad_cam='cam',
    h5py='cuhk03',
)


def require(module: str, purpose: str) -> ModuleType:
    """Import a module of an optional package.

    Args:
        module: its name, such as 'faiss'.
        purpose: what needs it, for the error.

    Raises:
        ImportError: if it is not installed, with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if error.name != module:  # it is there, and something that it needs is not
            raise
        extra = EXTRAS[module.split('.')[0]]
        raise ImportError(
            f"{purpose} needs {module}: pip install 'reid_fusedloss[{extra}]', or "
            f"'.[{extra}]' in a clone",
            name=module,
        ) from error
