"""Attention maps against hand-made cases, loops and gradients of plain torch."""

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from reid_fusedloss.explain import find_layer
from reid_fusedloss.explain.maps import energy, grad_cam, layer_output, spread
from reid_fusedloss.explain.targets import IdentityScores, SimilarityTarget
from tests.explain.models import HEAD, HEIGHT, WIDTH, classifier, transformer


@pytest.fixture(scope='module')
def images():
    return torch.randn(3, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(1))


def test_energy_is_that_of_a_loop():
    maps = np.random.default_rng(0).normal(size=(2, 4, 3, 2))
    for found, one in zip(energy(torch.from_numpy(maps)), maps):
        loop = np.array(
            [[sum(one[c, y, x] ** 2 for c in range(4)) for x in range(2)] for y in range(3)]
        )
        np.testing.assert_allclose(found, loop / np.sqrt((loop**2).sum()), rtol=1e-6)


def test_spread_reaches_from_zero_to_one_and_keeps_the_place():
    maps = torch.zeros(2, 6, 3)
    maps[0, 4, 2] = 7.0
    large = spread(maps, (48, 24))
    assert large[0].min() == 0 and large[0].max() == 1 and not large[1].any()
    y, x = np.unravel_index(large[0].argmax(), large[0].shape)
    assert 32 <= y < 40 and 16 <= x < 24
    assert not large[0, :24].any() and not large[0, :, :8].any()


def test_last_map_of_a_convolutional_backbone(images):
    model = classifier()
    layer = find_layer(model, images)
    assert layer.grid is None
    torch.testing.assert_close(layer_output(model, images, layer), model.backbone(images)[-1])
    inner = find_layer(model, images, 'backbone.layer2')
    assert layer_output(model, images, inner).shape[1:] == (16, 6, 3)
    assert not any(module._forward_hooks for module in model.modules())


def head_of(model, pooled):
    return model.head((model.neck((pooled,))[-1],))


def weighted_map(feature_map, gradient):
    """Grad-CAM, eq. 1 and 2 of the paper, from 0 to 1, over an image of 48 x 24."""
    weights = gradient.mean(axis=(1, 2))
    cam = np.maximum(sum(w * channel for w, channel in zip(weights, feature_map)), 0)
    if not cam.any():
        return np.zeros((HEIGHT, WIDTH))
    cam = (cam - cam.min()) / cam.max()
    cam = cv2.resize(cam, (WIDTH, HEIGHT))
    return (cam - cam.min()) / (cam.max() - cam.min())


def manual_grad_cam(model, images, score):
    """With the network taken apart by hand at the backbone's last map."""
    found = []
    for image, of in zip(images, score):
        feature_map = model.backbone(image[None])[-1].detach().requires_grad_()
        (gradient,) = torch.autograd.grad(of(model.neck((feature_map,))[-1]), feature_map)
        found.append(weighted_map(feature_map[0].detach().numpy(), gradient[0].numpy()))
    return found


def test_grad_cam_of_a_similarity(images):
    pytest.importorskip('pytorch_grad_cam')
    model = classifier()
    with torch.no_grad():
        other = model(images[2:], mode='tensor')[0]

    def similarity(pooled):
        embedding = model.head.bn(pooled)[0]
        return embedding @ other / (embedding.norm() * other.norm())

    model.requires_grad_(False)  # as in a frozen backbone
    found = grad_cam(
        model,
        images[:2],
        [SimilarityTarget(other)] * 2,
        find_layer(model, images, for_gradient=True),
    )
    np.testing.assert_allclose(
        found, manual_grad_cam(model, images[:2], [similarity] * 2), atol=1e-5
    )


def test_grad_cam_of_an_identity(images):
    library = pytest.importorskip('pytorch_grad_cam.utils.model_targets')
    model = classifier()
    copies = images[:1].expand(5, -1, -1, -1)
    targets = [library.ClassifierOutputTarget(identity) for identity in range(5)]

    def logit(identity):
        return lambda pooled: model.head.bn(pooled)[0] @ model.head.classifier.weight[identity]

    found = grad_cam(
        IdentityScores(model), copies, targets, find_layer(model, images, for_gradient=True)
    )
    assert found.max() == pytest.approx(1)
    np.testing.assert_allclose(
        found, manual_grad_cam(model, copies, map(logit, range(5))), atol=1e-5
    )
    assert all(weight.grad is None for weight in model.parameters())


def test_scores_are_what_the_loss_reads(images):
    cosines = dict(
        type='reid_fusedloss.FusedLoss',
        terms=dict(
            circle=dict(
                type='reid_fusedloss.CircleLoss',
                reads='cosines',
                weight=1.0,
                form='class',
                margin=0.35,
                gamma=64,
            )
        ),
    )
    model = classifier(head=dict(HEAD, loss=cosines))
    expected = (
        F.normalize(model(images, mode='tensor')) @ F.normalize(model.head.classifier.weight).T
    )
    torch.testing.assert_close(IdentityScores(model)(images), expected)
    parts = dict(
        type='reid_fusedloss.PartwiseLoss',
        reads='logits',
        weight=1.0,
        loss=dict(type='torch.nn.CrossEntropyLoss'),
    )
    model = classifier(
        neck=None,
        head=dict(
            type='reid_fusedloss.PCBHead',
            num_classes=5,
            in_channels=64,
            num_parts=3,
            part_dims=8,
            loss=dict(type='reid_fusedloss.FusedLoss', terms=dict(id=parts)),
        ),
    )
    stripes = model.head.reduction(
        model.backbone(images)[-1].unflatten(2, (3, -1)).mean((3, 4)).unsqueeze(3)
    ).squeeze(3)
    expected = sum(classify(stripes[..., i]) for i, classify in enumerate(model.head.classifier))
    torch.testing.assert_close(IdentityScores(model)(images), expected)


def test_no_classifier_no_identity():
    triplet = dict(type='reid_fusedloss.TripletLoss', reads='pooled', weight=1.0)
    loss = dict(type='reid_fusedloss.FusedLoss', terms=dict(triplet=triplet))
    with pytest.raises(ValueError, match='no trained classifier'):
        IdentityScores(classifier(head=dict(HEAD, loss=loss)))
    with pytest.raises(ValueError, match='no trained classifier'):
        IdentityScores(classifier(head=dict(HEAD, num_classes=1)))


@pytest.mark.parametrize(
    'arguments, before',
    [
        (dict(), 1),
        (dict(out_type='raw'), 1),
        (dict(out_type='avg_featmap', with_cls_token=False), 0),
    ],
)
def test_tokens_of_a_transformer_become_a_map(images, arguments, before):
    model = classifier(
        backbone=transformer(**arguments), neck=None, head=dict(HEAD, in_channels=16)
    )
    layer = find_layer(model, images)
    assert layer.name == 'backbone.layers.2' and layer.grid == (6, 3)
    found = layer_output(model, images, layer)
    tokens = []
    handle = model.backbone.layers[2].register_forward_hook(
        lambda module, inputs, output: tokens.append(output)
    )
    model.backbone(images)
    handle.remove()
    for y, x in ((0, 0), (4, 2), (5, 1)):
        torch.testing.assert_close(found[:, :, y, x], tokens[0][:, before + 3 * y + x])


def test_grad_cam_of_a_class_token(images):
    """Its patches have no gradient behind the last attention: the default lies before that."""
    pytest.importorskip('pytorch_grad_cam')
    model = classifier(backbone=transformer(), neck=None, head=dict(HEAD, in_channels=16))
    with torch.no_grad():
        target = SimilarityTarget(model(images[2:], mode='tensor')[0])
    layer = find_layer(model, images, for_gradient=True)
    assert layer.name == 'backbone.layers.2.ln1'
    assert grad_cam(model, images[:2], [target] * 2, layer).max(axis=(1, 2)) == pytest.approx(1)
    last = find_layer(model, images)
    assert not grad_cam(model, images[:2], [target] * 2, last).any()


@pytest.mark.parametrize(
    'name, words',
    [
        ('backbone.layer5', 'backbone.layer4'),
        ('head', 'must be a layer of the backbone'),
        ('backbone.layer1.0.relu', 'runs once'),
    ],
)
def test_layers_that_are_none(images, name, words):
    with pytest.raises(ValueError, match=words):
        find_layer(classifier(), images, name)
