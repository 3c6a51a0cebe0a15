"""Choose the runtime that computes the features of a trained model."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..checks import check_choice
from ..logs import log
from .extractor import FeatureExtractor

if TYPE_CHECKING:
    from .inferencer import ReIDInferencer

AUTO, TORCH = 'auto', 'torch'
RUNTIMES = ('onnxruntime', 'openvino')  # the one that 'auto' prefers first
BACKENDS = (AUTO, TORCH, *RUNTIMES)
# images from which 'auto' opens a cached graph, and from which it exports the model first;
# with fewer, the seconds that this takes are more than PyTorch's
OPEN_FROM, EXPORT_FROM = 64, 500


class RuntimeChoice:
    """The runtime of an inferencer: 'auto' decides when it knows how many images there are.

    Args:
        backend: one of `BACKENDS`.
        inferencer: its model.
        problem: why only PyTorch can compute, see `only_in_torch`; None: any runtime can.

    Attributes:
        network: computes the features; None: PyTorch does.

    Raises:
        ImportError: if a runtime that is asked for by its name is not installed.
        OSError, ValueError: as `open_cached`, for such a runtime.
    """

    def __init__(self, backend: str, inferencer: 'ReIDInferencer', problem: str | None) -> None:
        self.network: FeatureExtractor | None = None
        self._inferencer, self._problem = inferencer, problem
        self._images, self._is_settled, self._said = 0, backend != AUTO, ''
        if backend in RUNTIMES:
            self.network = _cached_graph().open_cached(inferencer, backend)
            self._say(f'by {version_of(backend)} on the CPU')

    def expect(self, images: int | None) -> None:
        """Prepare for images, of which None is an unknown number; 'auto' may open a runtime."""
        if self._is_settled or images == 0:
            return
        self._images += EXPORT_FROM if images is None else images
        problem = self._problem or self._too_few()
        if problem is None:
            self._open_first()
        else:
            self._say(f'by PyTorch on {self._inferencer.device}: {problem}')

    def _too_few(self) -> str | None:
        """Return why a runtime takes more time than it saves, or None."""
        if self._images >= EXPORT_FROM:
            return None
        if self._images < OPEN_FROM:
            return f'fewer than {OPEN_FROM} images, from which another runtime is opened'
        if _cached_graph().is_cached(self._inferencer):
            return None
        return (
            f'fewer than {EXPORT_FROM} images, from which the model is exported to ONNX for '
            'another runtime'
        )

    def _open_first(self) -> None:
        """Open the first runtime that has PyTorch's features; without one PyTorch goes on."""
        self._is_settled = True
        problems = []
        for name in RUNTIMES:
            try:
                self.network = _cached_graph().open_cached(self._inferencer, name)
            except Exception as error:  # whatever a runtime raises, PyTorch can compute
                problems.append(' '.join(str(error).split()) or type(error).__name__)
                continue
            other = f' ({problems[0]})' if problems else ''
            self._say(f'by {version_of(name)} on the CPU{other}')
            return
        self._say(f'by PyTorch on {self._inferencer.device}: {"; ".join(dict.fromkeys(problems))}')

    def _say(self, how: str) -> None:
        if how != self._said:
            log(f'features are computed {how}')
        self._said = how


def only_in_torch(device: object, *, normalize: bool, flip: bool, amp: bool) -> str | None:
    """Return why only PyTorch can compute features, or None.

    Args:
        device: of the model, by name or as `torch.device`.
        normalize, flip, amp: see `ReIDInferencer`.
    """
    if str(device).split(':')[0] != 'cpu':
        return f'other runtimes compute on the CPU, not on device={str(device)!r}'
    asked = [name for name, wanted in dict(flip=flip, amp=amp).items() if wanted]
    asked += [] if normalize else ['features that are not of unit length']
    return f'only PyTorch computes {" and ".join(asked)}' if asked else None


def check_backend(backend: str, problem: str | None) -> None:
    """Refuse a backend that does not exist, or that cannot compute what is asked of it.

    Args:
        backend: one of `BACKENDS`.
        problem: see `only_in_torch`.

    Raises:
        ValueError: if it is refused.
    """
    check_choice('backend', backend, BACKENDS)
    if backend in RUNTIMES and problem is not None:
        raise ValueError(f"backend={backend!r} is not possible, {problem}: use backend='torch'")


def _cached_graph() -> Any:
    """Import by name the module that makes graphs, since `export` is built on this folder."""
    return import_module('..export.cached_graph', __package__)


def version_of(runtime: str) -> str:
    """Name a runtime with its version."""
    return f'{runtime} {import_module(runtime).__version__.split("-")[0]}'
