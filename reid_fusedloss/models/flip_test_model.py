"""Flip test: embeddings averaged over an image and its mirror image."""

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.model import BaseTTAModel
from mmpretrain.structures import DataSample
from torch import nn

from ..registry import MODELS
from .parts import build_part


@MODELS.register_module()
class FlipTestModel(BaseTTAModel):
    """Wrap a model and average its embeddings of an image and of its mirror image.

    The pipeline does not change: the batch is mirrored along its width. State dicts have the names
    of the wrapped model, so its checkpoints can be read and written, also by an EMAHook.

    Args:
        module: the model or its config; `test_step` has to return data samples with `embedding`,
            and with `embeddings` if there are several.

    Raises:
        TypeError: if it is neither.
        ValueError: if its type is unknown.
    """

    def __init__(self, module: Mapping[str, Any] | nn.Module) -> None:
        if not isinstance(module, nn.Module):
            module = build_part('module', module)
        if not hasattr(module, 'test_step'):
            raise TypeError(f'module must be a model with `test_step`, got {type(module).__name__}')
        super().__init__(module=module)

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the state dict of the wrapped model under its own names."""
        return self.module.state_dict(*args, **kwargs)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Add the prefix of the wrapped model to the names."""
        inner = f'{prefix}module.'
        for name in [key for key in state_dict if key.startswith(prefix)]:
            state_dict[inner + name[len(prefix) :]] = state_dict.pop(name)
        super()._load_from_state_dict(state_dict, prefix, *args)

    def test_step(self, data: dict[str, Any]) -> list[DataSample]:
        """Return data samples with the averaged embeddings."""
        mirrored: Any = [image.flip(-1) for image in data['inputs']]
        if isinstance(data['inputs'], torch.Tensor):
            mirrored = torch.stack(mirrored)
        others = [sample.clone() for sample in self.module.test_step(dict(data, inputs=mirrored))]
        return self.merge_preds(list(zip(others, self.module.test_step(data))))

    def val_step(self, data: dict[str, Any]) -> list[DataSample]:
        """Run `test_step`."""
        return self.test_step(data)

    def merge_preds(self, data_samples_list: list[tuple[DataSample, ...]]) -> list[DataSample]:
        """Return the last sample of each tuple with the mean of all embeddings in the tuple."""
        merged = []
        for samples in data_samples_list:
            sample = samples[-1]
            sample.set_field(_mean([s.embedding for s in samples]), 'embedding')
            if 'embeddings' in sample:
                sample.set_field(
                    {
                        name: _mean([s.embeddings[name] for s in samples])
                        for name in sample.embeddings
                    },
                    'embeddings',
                )
            merged.append(sample)
        return merged


def _mean(embeddings: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack(embeddings).mean(dim=0)
