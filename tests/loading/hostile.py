"""Pickles that nobody should load, and files as the two MMEngine families write them."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import torch

REFUSED = 'more than weights, plain data and the objects of MMEngine'  # the error, in part


class Calls:
    """Calls a function when it is unpickled.

    Args:
        function: what to call.
        arguments: with what.
    """

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def command(marker: Path) -> Calls:
    """Leaves a file when it is unpickled."""
    return Calls(os.system, f'touch {marker}')


def write_pickle(path: Path, text: bytes, like: dict) -> None:
    """A file as `torch.save` writes it, with the given instructions in the place of its own."""
    torch.save(like, path)
    rewrite(path, lambda _: text)


def rewrite(path: Path, change) -> None:
    """Change the pickle in a checkpoint file."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = next(name for name in members if name.endswith('data.pkl'))
    members[name] = change(members[name])
    with zipfile.ZipFile(path, 'w') as archive:
        for member, content in members.items():
            archive.writestr(member, content)


def as_numpy_1(path: Path) -> None:
    """Name NumPy's functions as NumPy 1 does."""
    rewrite(path, lambda text: text.replace(b'numpy._core.multiarray', b'numpy.core.multiarray'))


def globals_of(path: Path) -> set[str]:
    """Names that the pickle of a checkpoint file looks up."""
    import pickletools

    with zipfile.ZipFile(path) as archive:
        text = archive.read(next(name for name in archive.namelist() if name.endswith('data.pkl')))
    return {
        str(argument).replace(' ', '.')
        for opcode, argument, _ in pickletools.genops(text)
        if opcode.name == 'GLOBAL'
    }


def call(module: str, name: str, arguments: bytes) -> bytes:
    """Instructions that call a function; arguments are instructions themselves."""
    return b'\x80\x02c' + f'{module}\n{name}\n'.encode() + b'(' + arguments + b'tR.'


def text(value: str) -> bytes:
    """Instructions for a string."""
    return pickle.dumps(value, 2)[2:-1]


HISTORY = b'cmmengine.logging.history_buffer\nHistoryBuffer\n'
_GETATTR = b'c__builtin__\ngetattr\n'


def attribute(owner: bytes, name: str) -> bytes:
    """Instructions for an attribute of an object."""
    return _GETATTR + b'(' + owner + text(name) + b'tR'


def buffer_state(**parts) -> bytes:
    """Instructions for a history of that state."""
    state = dict(_log_history=np.arange(2.0), _count_history=np.ones(2), max_length=5) | parts
    stream = io.BytesIO()
    pickle.Pickler(stream, 2).dump(state)
    return b'\x80\x02' + HISTORY + b')\x81' + stream.getvalue()[2:-1] + b'b.'


# instructions that a checkpoint must not be able to use; {marker} is a file that would appear
HOSTILE = {
    'a command': call('os', 'system', text('touch {marker}')),
    'posix': call('posix', 'system', text('touch {marker}')),
    'eval': call('__builtin__', 'eval', text("open('{marker}', 'w')")),
    'exec': call('builtins', 'exec', text("open('{marker}', 'w')")),
    'open': call('builtins', 'open', text('{marker}') + text('w')),
    'import': call('builtins', '__import__', text('os')),
    'a dotted name': call('mmengine.logging.history_buffer', 'np.fromfile', text('/dev/null')),
    'a module of torch': call('torch.hub', 'load', text('anything')),
    'torch.load itself': call('torch.serialization', 'load', text('anything')),
    'getattr of a module': b'\x80\x02' + attribute(b'ctorch.serialization\nos\n', 'system') + b'.',
    'getattr of a class': b'\x80\x02' + attribute(HISTORY, '__init__') + b'.',
    'getattr of globals': b'\x80\x02' + attribute(attribute(HISTORY, 'min'), '__globals__') + b'.',
    'getattr of subclasses': b'\x80\x02' + attribute(b'c__builtin__\nset\n', '__base__') + b'.',
    'a call of a method': b'\x80\x02' + attribute(HISTORY, 'mean') + b'(K\x01tR.',
    'register_statistics': b'\x80\x02' + attribute(HISTORY, 'register_statistics') + b'.',
    'a class changed': b'\x80\x02' + HISTORY + b'N}' + text('mean') + b'K\x01s\x86b.',
    'a function changed': b'\x80\x02'
    + b'ctorch._utils\n_rebuild_tensor_v2\n}'
    + text('__defaults__')
    + b'K\x01sb.',
    'objects in an array': call('numpy', 'dtype', text('O8')),
    'records in an array': call('numpy', 'dtype', text('V8')),
    'an array of a file': call('numpy', 'memmap', text('{marker}')),
    'a persistent object': b'\x80\x02' + text('module') + b'\x85Q.',
    'an extension': b'\x80\x02\x82\x01.',
    'an old instance': b'\x80\x02(ios\nsystem\n.',
    'a name on the stack': b'\x80\x04' + text('os') + text('system') + b'\x93.',
    'a history of text': buffer_state(_log_history='no numbers'),
    'a history of two lengths': buffer_state(_count_history=np.ones(3)),
}
HARMLESS = {  # PyTorch's own unpickler lets them pass
    'an attribute of a dict': b'\x80\x02ccollections\nOrderedDict\n)R}'
    + text('keys')
    + b'K\x01sb.',
    'a new object': b'\x80\x02c__builtin__\nset\n)\x81.',
}
