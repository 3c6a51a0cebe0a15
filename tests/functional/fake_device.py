"""An accelerator that is none: tensors that say they are on a GPU, computed on the CPU.

As on a GPU, an operation on tensors of both devices is an error, except for numbers (0-d) and
indices, and NumPy cannot read a tensor before it is copied to the CPU.
"""

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

DEVICE = torch.device('meta')  # the one that PyTorch needs no driver for
INDEXED = ('aten::index', 'aten::index_put', 'aten::index_put_', 'aten::_index_put_impl_')
BY_VALUE = (Tensor.tolist, torch.where)  # these make tensors of their own from numbers
COPIES = ('aten::_to_copy', 'aten::copy_')


class OnDevice(Tensor):
    """A tensor on the device; `held` has its values."""

    @staticmethod
    def __new__(cls, held: Tensor) -> 'OnDevice':
        made = Tensor._make_wrapper_subclass(
            cls, held.shape, held.stride(), held.storage_offset(), dtype=held.dtype, device=DEVICE
        )
        made.held = held
        return made

    def __repr__(self, **_: Any) -> str:
        return f'OnDevice({self.held})'

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(func, args, kwargs or {})


class FakeDevice(TorchFunctionMode):
    """Within it tensors are made on the device and moved to it, where PyTorch would look for it."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if is_there(kwargs.get('device')):
            return OnDevice(func(*args, **{**kwargs, 'device': 'cpu'}))
        if func in BY_VALUE and any(isinstance(value, OnDevice) for value in args):
            return run(func, args, kwargs)
        if func is Tensor.to and len(args) > 1 and is_there(args[1]):
            held, target = (value.held if isinstance(value, OnDevice) else value for value in args)
            return OnDevice(held.to(target) if isinstance(target, Tensor) else held)
        return func(*args, **kwargs)


def is_there(place: Any) -> bool:
    """Whether a device, or a tensor, is the fake one or on it."""
    return place == DEVICE if isinstance(place, torch.device) else isinstance(place, OnDevice)


def run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Run an operator on the values of its arguments, after a check of their devices."""
    name, asked = func.__name__ if func in BY_VALUE else func._schema.name, kwargs.get('device')
    flat, form = tree_flatten((args, kwargs))
    tensors = [value for value in flat if isinstance(value, Tensor)]
    there = [value for value in tensors if isinstance(value, OnDevice)]
    lost = [value for value in tensors if value.is_meta and not isinstance(value, OnDevice)]
    assert not lost, f'{name}: a tensor that PyTorch made on the device by itself has no values'
    if there and len(there) < len(tensors) and name not in (*COPIES, *INDEXED):
        plain = [value for value in tensors if value.ndim and not isinstance(value, OnDevice)]
        assert not plain, f'{name}: tensors on {DEVICE} and on the CPU'
    if name in INDEXED:
        assert not there or isinstance(args[0], OnDevice), f'{name}: indices on another device'
    held = tree_unflatten([v.held if isinstance(v, OnDevice) else v for v in flat], form)
    if asked is not None:
        held[1]['device'] = torch.device('cpu')
    found = func(*held[0], **held[1])
    on_device = bool(there) if asked is None else torch.device(asked).type == DEVICE.type
    if name == 'aten::copy_':
        on_device = isinstance(args[0], OnDevice)
    if not on_device:
        return found
    known = {id(value.held): value for value in there}
    return tree_map(
        lambda v: (
            known.get(id(v), None)
            if id(v) in known
            else OnDevice(v)
            if isinstance(v, Tensor)
            else v
        ),
        found,
    )
