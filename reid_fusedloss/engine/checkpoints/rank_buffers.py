"""Statistics of batch normalisation, which differ from rank to rank in the middle of an epoch."""

from mmengine.dist import all_gather_object, get_rank, get_world_size
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..unwrap import unwrap

META_KEY = 'rank_buffers'


def gather_rank_buffers(model: nn.Module) -> dict[str, list[dict[str, Tensor]]]:
    """For a checkpoint's meta: the buffers of all ranks; nothing on one process.

    At the end of an epoch they are averaged, so that a checkpoint needs one set. All ranks call it.
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
    """Entries of the state dict that this rank has for itself; none if the ranks are others."""
    all_ranks = checkpoint.get('meta', {}).get(META_KEY, [])
    return all_ranks[get_rank()] if len(all_ranks) == get_world_size() else {}
