"""What Grad-CAM is to explain of a ReID model."""

from torch import Tensor, nn
from torch.nn import functional as F

SCORES = ('logits', 'cosines')


class SimilarityTarget:
    """Cosine similarity of an embedding with a fixed one, that of another image.

    Args:
        embedding: shape (C,).
    """

    def __init__(self, embedding: Tensor) -> None:
        self.embedding = embedding

    def __call__(self, output: Tensor) -> Tensor:
        """Similarity with an embedding (C,): a scalar."""
        return F.cosine_similarity(output, self.embedding, dim=0)


class IdentityScores(nn.Module):
    """A model's scores of the training identities, in place of its embedding.

    They are what a term of its loss reads: logits or, if no term reads these, cosines. Scores of
    parts (`PCBHead`) are summed.

    Args:
        model: with `extract_feat` and one of this package's heads.

    Raises:
        ValueError: if the model has no classifier that was trained.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        head = getattr(model, 'head', None)
        reads = getattr(getattr(head, 'loss_module', None), 'reads', ())
        names = [name for name in SCORES if name in reads]
        if not names or head.num_classes < 2:
            raise ValueError(
                f'{type(head).__name__} has no classifier that was trained, so there '
                'is no identity to explain: give an image to compare with instead'
            )
        self.model, self.name = model, names[0]

    def forward(self, images: Tensor) -> Tensor:
        """Scores (B, num_classes) of images (B, 3, H, W)."""
        head = self.model.head
        pooled = self.model.extract_feat(images)[-1]
        scores = head.tensors(head.embedding(pooled), (self.name,))[self.name]
        return scores if scores.ndim == 2 else scores.sum(1)
