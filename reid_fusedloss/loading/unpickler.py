"""An unpickler that accepts only plain data, tensors, NumPy values and MMEngine's histories.

Passed to `torch.load(pickle_module=...)`, which uses `Unpickler` and `load` of this module. It
extends the Python unpickler of the standard library, so that each instruction that could call or
change an object is checked: it calls only the functions of a fixed list, with checked arguments,
and sets the state only of objects that it made.
"""

import pickle
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from . import numpy_values

UnpicklingError = pickle.UnpicklingError
STATISTICS = ('min', 'max', 'current', 'mean')  # methods that MMEngine's histories refer to
# the C unpickler, which typeshed describes, has no instructions to replace
_PythonUnpickler: Any = pickle._Unpickler
# instructions that make plain data; those that call or change objects are replaced below
_DATA = """
    MARK STOP POP POP_MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT BINSTRING
    SHORT_BINSTRING BINUNICODE EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST EMPTY_DICT
    EMPTY_SET BINGET LONG_BINGET BINPUT LONG_BINPUT PROTO GLOBAL
""".split()


def _method(owner: Any, name: Any) -> Any:
    """Replace `getattr`: return only the statistics of MMEngine's histories."""
    if owner is not HistoryBuffer or name not in STATISTICS:
        raise UnpicklingError(f'getattr({owner!r:.60}, {name!r:.60})')
    return getattr(HistoryBuffer, name)


def _encode(text: Any, encoding: Any) -> bytes:
    """Replace `codecs.encode`, which makes bytes in a pickle of protocol 2."""
    if not isinstance(text, str) or encoding != 'latin1':
        raise UnpicklingError(f'encode(..., {encoding!r:.60})')
    return text.encode('latin1')


_CALLED: dict[str, Callable] = {
    'collections.OrderedDict': OrderedDict,
    'collections.Counter': Counter,
    'builtins.set': set,
    'builtins.slice': slice,
    'builtins.bytes': lambda: b'',
    'builtins.getattr': _method,
    '_codecs.encode': _encode,
    'torch.Size': torch.Size,
    'torch.device': torch.device,
    'torch._utils._rebuild_tensor': torch._utils._rebuild_tensor,
    'torch._utils._rebuild_tensor_v2': torch._utils._rebuild_tensor_v2,
    'torch._utils._rebuild_parameter': torch._utils._rebuild_parameter,
    'numpy.dtype': numpy_values.dtype,
    'numpy.core.multiarray._reconstruct': numpy_values.array,
    'numpy.core.multiarray.scalar': numpy_values.scalar,
}
_NAMED = {
    'mmengine.logging.history_buffer.HistoryBuffer': HistoryBuffer,
    'numpy.ndarray': numpy_values.NDARRAY,
    **{
        f'torch.{name}': value
        for name, value in vars(torch).items()
        if isinstance(value, torch.dtype)
    },
}


class Unpickler(_PythonUnpickler):
    """Unpickle allowed objects.

    Raises:
        UnpicklingError: at the first object that is not allowed; names it.
    """

    dispatch = {
        getattr(pickle, name)[0]: _PythonUnpickler.dispatch[getattr(pickle, name)[0]]
        for name in _DATA
    }

    def load(self) -> Any:
        """Read the object."""
        try:
            return super().load()
        except KeyError as error:
            raise UnpicklingError(f'pickle instruction or reference {error}') from error

    def find_class(self, module: str, name: str) -> Any:
        """Look up an allowed object by its full name, without any import or attribute access."""
        module = module.replace('__builtin__', 'builtins').replace('numpy._core.', 'numpy.core.')
        full_name = f'{module}.{name}'
        if full_name not in _CALLED and full_name not in _NAMED:
            raise UnpicklingError(full_name)
        return _CALLED.get(full_name) or _NAMED[full_name]

    def load_reduce(self) -> None:
        """Call an allowed function."""
        arguments, function = self.stack.pop(), self.stack.pop()
        if not any(function is allowed for allowed in _CALLED.values()):
            raise UnpicklingError(f'a call of {function!r:.60}')
        try:
            self.append(function(*arguments))
        except UnpicklingError:
            raise
        except Exception as error:  # untrusted arguments can make it fail in any way
            raise UnpicklingError(f'{type(error).__name__}: {error}') from error

    def load_newobj(self) -> None:
        """Make an empty history."""
        arguments, cls = self.stack.pop(), self.stack.pop()
        if cls is not HistoryBuffer or arguments != ():
            raise UnpicklingError(f'a new {cls!r:.60}')
        self.append(HistoryBuffer())

    def load_build(self) -> None:
        """Set the state of an object that this unpickler made."""
        state, made = self.stack.pop(), self.stack[-1]
        if type(made) is HistoryBuffer:
            _fill_history(made, state)
        elif type(made) is OrderedDict and type(state) is dict and [*state] == ['_metadata']:
            vars(made)['_metadata'] = state['_metadata']  # attribute of a state dict
        elif isinstance(made, np.dtype):
            self._replace(made, numpy_values.ordered(made, state))
        elif numpy_values.is_array(made):
            numpy_values.fill(made, state)
        else:
            raise UnpicklingError(f'a state for {type(made).__name__}')

    def load_binpersid(self) -> None:
        """Load a tensor's storage, the only kind of object that PyTorch stores by reference."""
        place = self.stack.pop()
        if not isinstance(place, tuple) or not place or place[0] not in ('storage', b'storage'):
            raise UnpicklingError(f'a persistent object {place!r:.60}')
        self.append(self.persistent_load(place))

    def load_append(self) -> None:
        """Append to a list."""
        value = self.stack.pop()
        self._container(list).append(value)

    def load_appends(self) -> None:
        """Append several values to a list."""
        values = self.pop_mark()
        self._container(list).extend(values)

    def load_setitem(self) -> None:
        """Set an entry of a dict."""
        value, key = self.stack.pop(), self.stack.pop()
        self._container(dict)[key] = value

    def load_setitems(self) -> None:
        """Set several entries of a dict."""
        values = self.pop_mark()
        self._container(dict).update(zip(values[::2], values[1::2]))

    def _container(self, kind: type) -> Any:
        if not isinstance(self.stack[-1], kind):
            raise UnpicklingError(f'entries of a {type(self.stack[-1]).__name__}')
        return self.stack[-1]

    def _replace(self, before: Any, after: Any) -> None:
        """Replace an object, also in the memo, from which later references read it."""
        self.stack[-1] = after
        self.memo.update({key: after for key, value in self.memo.items() if value is before})

    dispatch.update(
        {
            pickle.REDUCE[0]: load_reduce,
            pickle.NEWOBJ[0]: load_newobj,
            pickle.BUILD[0]: load_build,
            pickle.BINPERSID[0]: load_binpersid,
            pickle.APPEND[0]: load_append,
            pickle.APPENDS[0]: load_appends,
            pickle.SETITEM[0]: load_setitem,
            pickle.SETITEMS[0]: load_setitems,
        }
    )


def load(file: BinaryIO, **options: Any) -> Any:
    """Unpickle a file; `torch.load` calls this for files of PyTorch before 1.6."""
    return Unpickler(file, **options).load()


def _fill_history(history: HistoryBuffer, state: Any) -> None:
    """Set a history's state; its `__setstate__` would also change statistics of all histories."""
    fields = state if isinstance(state, dict) else {}
    values, counts = fields.get('_log_history'), fields.get('_count_history')
    length = fields.get('max_length')
    if not (
        numpy_values.is_array(values)
        and numpy_values.is_array(counts)
        and values.ndim == 1
        and values.shape == counts.shape
        and type(length) is int
    ):
        raise UnpicklingError('an invalid HistoryBuffer')
    HistoryBuffer.__init__(history, values, counts, length)
