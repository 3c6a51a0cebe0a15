"""Scalars of a ReID model for Grad-CAM to explain."""

from typing import Any

from mmpretrain.models import ImageClassifier
from torch import Tensor, nn
from torch.nn import functional as F

SCORES = ('logits', 'cosines')


class SimilarityTarget:
    """Cosine similarity of an embedding with that of another image.

    Args:
        embedding: embedding of the other image, shape (C,).
    """

    def __init__(self, embedding: Tensor) -> None:
        self.embedding = embedding

    def __call__(self, output: Tensor) -> Tensor:
        """Compute the similarity with an embedding (C,), a scalar."""
        return F.cosine_similarity(output, self.embedding, dim=0)


class IdentityScores(nn.Module):
    """A model that returns scores of the training identities instead of an embedding.

    The scores are logits if a term of the loss reads them, otherwise cosines. Scores of parts
    (`PCBHead`) are summed.

    Args:
        model: a model with `extract_feat` and one of this package's heads.

    Raises:
        ValueError: if the model has no trained classifier.
    """

    def __init__(self, model: ImageClassifier) -> None:
        super().__init__()
        head: Any = getattr(model, 'head', None)
        reads = getattr(getattr(head, 'loss_module', None), 'reads', ())
        names = [name for name in SCORES if name in reads]
        if not names or head.num_classes < 2:
            raise ValueError(
                f'{type(head).__name__} has no trained classifier, so there '
                'is no identity to explain: give an image to compare with instead'
            )
        self.model: ImageClassifier = model
        self.name = names[0]

    def forward(self, images: Tensor) -> Tensor:
        """Compute the scores (B, num_classes) of images (B, 3, H, W)."""
        head = self.model.head
        pooled = self.model.extract_feat(images)[-1]
        scores: Tensor = head.tensors(head.embedding(pooled), (self.name,))[self.name]
        return scores if scores.ndim == 2 else scores.sum(1)
