"""Join the batches of all ranks, for losses that compare samples."""

import torch
from mmengine.dist import all_gather, get_rank, get_world_size
from torch import Tensor


class BatchGatherer:
    """Join the batches of all ranks, in the order of the ranks, with exact gradients.

    Each rank computes the loss of the whole batch, so the gradient for its own samples is complete.
    `DistributedDataParallel` divides the sum of the ranks' gradients by the number of ranks; to
    compensate, the gradient is multiplied by it here. The weights then get the same gradient as on
    one process with all samples.
    """

    def __init__(self) -> None:
        self._size = 0

    def __call__(self, tensor: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Gather the samples of all ranks.

        Args:
            tensor: samples of this rank, shape (B, *).
            labels: shape (B,).

        Returns:
            Shapes (ranks * B, *) and (ranks * B,); on one process the input.

        Raises:
            ValueError: if batches differ in size between ranks or steps.
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
        joined: Tensor = _FromAllRanks.apply(tensor)
        return joined, self.constant(labels)

    @staticmethod
    def constant(tensor: Tensor) -> Tensor:
        """Gather a tensor (B, *) without gradient; after a call has checked the batch sizes."""
        return torch.cat(all_gather(tensor.contiguous()))


class _FromAllRanks(torch.autograd.Function):
    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, tensor: Tensor) -> Tensor:
        return torch.cat(all_gather(tensor.contiguous()))

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> Tensor:
        ranks: int = get_world_size()
        own: Tensor = gradient.chunk(ranks)[get_rank()]
        return own * ranks
