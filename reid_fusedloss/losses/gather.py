"""The batches of all ranks as one, for losses that compare samples."""

import torch
from mmengine.dist import all_gather, get_rank, get_world_size
from torch import Tensor


class BatchGatherer:
    """Joins the batches of all ranks, in the order of the ranks, with exact gradients.

    Each rank computes the loss of the whole batch, so its gradient with regard to its own samples
    is complete. `DistributedDataParallel` divides the sum of the ranks' gradients by their number;
    the gradient is multiplied by it here, so that weights get the gradient that one process with
    all samples would give them.
    """

    def __init__(self) -> None:
        self._size = 0

    def __call__(self, tensor: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Samples of all ranks.

        Args:
            tensor: of this rank, shape (B, *).
            labels: shape (B,).

        Returns:
            Shapes (ranks * B, *) and (ranks * B,); on one process what came in.

        Raises:
            ValueError: if batches differ in size, over ranks or from step to step.
        """
        if get_world_size() == 1:
            return tensor, labels
        if not self._size:
            sizes = [int(size) for size in all_gather(torch.tensor([len(labels)]))]
            if len(set(sizes)) > 1:
                raise ValueError(f'gather=True needs batches of one size on all ranks, got {sizes}')
            self._size = sizes[0]
        if len(labels) != self._size:
            raise ValueError(
                f'gather=True needs batches of one size, got {len(labels)} after '
                f'{self._size} samples: set drop_last=True'
            )
        return _FromAllRanks.apply(tensor), torch.cat(all_gather(labels.contiguous()))


class _FromAllRanks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, tensor: Tensor) -> Tensor:
        return torch.cat(all_gather(tensor.contiguous()))

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> Tensor:
        return gradient.chunk(get_world_size())[get_rank()] * get_world_size()
