"""Save batch-normalisation statistics per rank: in the middle of an epoch they differ."""

from mmengine.dist import all_gather_object, get_rank, get_world_size
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..unwrap import unwrap

META_KEY = 'rank_buffers'


def gather_rank_buffers(model: nn.Module) -> dict[str, list[dict[str, Tensor]]]:
    """Return the buffers of all ranks, for a checkpoint's meta; nothing on a single process.

    All ranks call this. At the end of an epoch the buffers are averaged, so one set is enough.
    """
    if get_world_size() == 1:
        return {}
    model = unwrap(model)
    own = {
        f'{name}.{key}': value.cpu()
        for name, module in model.named_modules()
        if isinstance(module, _BatchNorm)
        for key, value in module.named_buffers()
    }
    return {META_KEY: all_gather_object(own)}


def own_rank_buffers(checkpoint: dict) -> dict[str, Tensor]:
    """Return this rank's own entries of the state dict; none if the number of ranks changed."""
    all_ranks = checkpoint.get('meta', {}).get(META_KEY, [])
    return all_ranks[get_rank()] if len(all_ranks) == get_world_size() else {}
