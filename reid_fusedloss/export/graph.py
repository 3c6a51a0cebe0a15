"""The network that is exported."""

import torch
from torch import Tensor, nn

from .card import ModelCard


class EmbeddingGraph(nn.Module):
    """Map images, as described by a card, to embeddings (B, C).

    Args:
        model: `model(images, mode='tensor')` gives embeddings of normalised images.
        card: describes input and output.
        to_rgb: whether the model takes RGB.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: nn.Module, card: ModelCard, to_rgb: bool) -> None:
        super().__init__()
        self.model = model
        self.l2 = card.l2
        self.inside = card.normalise == 'inside'
        self.swap = to_rgb != (card.channel_order == 'rgb')
        for name in ('mean', 'std'):
            value = torch.tensor(getattr(card, name)).view(3, 1, 1)
            self.register_buffer(name, value, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Compute embeddings (B, C) of images (B, 3, H, W)."""
        if self.inside:
            images = (images.float() - self.mean) / self.std
        if self.swap:
            images = images[:, [2, 1, 0]]
        features = self.model(images, mode='tensor')
        return nn.functional.normalize(features, dim=1) if self.l2 else features
