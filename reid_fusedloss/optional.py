"""Import optional packages at the moment they are needed."""

import importlib
from types import ModuleType

# module -> the extra of setup.cfg that installs it
EXTRAS = dict(
    faiss='search',
    pymilvus='milvus',
    milvus_lite='milvus',
    grpc='milvus',
    onnx='export',
    onnxruntime='export',
    onnxscript='export',
    openvino='export',
    nncf='int8',
    gradio='web',
    pytorch_grad_cam='cam',
    timm='timm',
    h5py='cuhk03',
)


def require(module: str, purpose: str) -> ModuleType:
    """Import a module of an optional package.

    Args:
        module: name of the module, such as 'faiss'.
        purpose: what needs it, for the error message.

    Raises:
        ImportError: if it is not installed; tells the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if error.name != module:  # the module is installed, but one of its dependencies is not
            raise
        extra = EXTRAS[module.split('.')[0]]
        raise ImportError(
            f"{purpose} needs {module}: pip install 'reid_fusedloss[{extra}]', or "
            f"'.[{extra}]' in a clone",
            name=module,
        ) from error
