"""The flip test is the mean of two passes."""

import pytest
import torch
from mmengine.registry import init_default_scope
from mmpretrain.structures import DataSample

from reid_fusedloss.registry import MODELS


def config(test_feature) -> dict:
    return dict(
        type='ImageClassifier',
        data_preprocessor=dict(type='ClsDataPreprocessor', mean=[120.0] * 3, std=[50.0] * 3),
        backbone=dict(type='ResNet', depth=18, stem_channels=8, base_channels=8),
        neck=dict(type='GlobalAveragePooling'),
        head=dict(
            type='reid_fusedloss.BNNeckHead',
            num_classes=3,
            in_channels=64,
            test_feature=test_feature,
            loss=dict(
                type='reid_fusedloss.FusedLoss',
                terms=dict(id=dict(type='torch.nn.CrossEntropyLoss', reads='logits', weight=1.0)),
            ),
        ),
    )


@pytest.mark.parametrize('as_list', [True, False])
@pytest.mark.parametrize('test_feature', ['bn', 'pooled', ('bn', 'pooled'), ('pooled', 'bn')])
def test_mean_of_image_and_mirror_image(test_feature, as_list: bool) -> None:
    init_default_scope('mmpretrain')
    torch.manual_seed(0)
    model = MODELS.build(dict(type='reid_fusedloss.FlipTestModel', module=config(test_feature)))
    model.eval()
    images = torch.randint(0, 256, (3, 3, 32, 16), dtype=torch.uint8)

    def batch(images: torch.Tensor) -> dict:
        return dict(
            inputs=list(images) if as_list else images,
            data_samples=[DataSample(metainfo=dict(sample_idx=i)) for i in range(3)],
        )

    with torch.no_grad():
        found = model.test_step(batch(images))
        plain, mirrored = (
            model.module.test_step(batch(part)) for part in (images, images.flip(-1))
        )
    for sample, a, b in zip(found, plain, mirrored):
        assert sample.sample_idx == a.sample_idx
        assert not torch.allclose(a.embedding, b.embedding, atol=1e-4)
        torch.testing.assert_close(sample.embedding, (a.embedding + b.embedding) / 2)
        assert ('embeddings' in sample) == (not isinstance(test_feature, str))
        for name in () if isinstance(test_feature, str) else test_feature:
            torch.testing.assert_close(
                sample.embeddings[name], (a.embeddings[name] + b.embeddings[name]) / 2
            )
    assert not isinstance(test_feature, str) or sample.embedding.shape == (64,)


def test_the_first_name_is_the_embedding() -> None:
    init_default_scope('mmpretrain')
    model = MODELS.build(config(('pooled', 'bn'))).eval()
    model.head.bn.running_mean += 1
    with torch.no_grad():
        (sample,) = model.test_step(dict(inputs=torch.zeros(1, 3, 32, 16, dtype=torch.uint8)))
        exported = model(torch.full((1, 3, 32, 16), -2.4), mode='tensor')
    assert torch.equal(sample.embedding, sample.embeddings['pooled'])
    assert not torch.equal(sample.embedding, sample.embeddings['bn'])
    torch.testing.assert_close(exported, sample.embedding[None])


@pytest.mark.parametrize('names', [(), ('bn', 'bn'), 'logits', ('bn', 'logits')])
def test_bad_names(names) -> None:
    init_default_scope('mmpretrain')
    with pytest.raises(ValueError, match="test_feature must be 'bn', 'pooled' or both"):
        MODELS.build(config(names))
