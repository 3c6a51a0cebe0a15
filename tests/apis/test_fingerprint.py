"""One identity of a model: what features depend on, and nothing else."""

import json

import numpy as np
import pytest
import torch

from reid_fusedloss.apis import ReIDInferencer, load_extraction, model_id
from reid_fusedloss.apis.extract_files import extract_to_folder
from reid_fusedloss.apis.fingerprint import digits_of
from reid_fusedloss.apis.gallery import update_gallery
from reid_fusedloss.apis.work_list import WorkList
from reid_fusedloss.search import GalleryIndex

KEYS = dict(device='cpu', progress=False)
TEST = 'test_dataloader.dataset.pipeline'


def other(trained, options=None, **keys):
    return ReIDInferencer(trained / 'work', options=options, **KEYS, **keys)


def noise():
    return [
        np.random.default_rng(n).integers(0, 256, (60, 40, 3), dtype=np.uint8) for n in range(3)
    ]


@pytest.mark.parametrize(
    'options',
    [
        {'model.head.loss.terms.triplet.weight': 7.0},
        {'model.head.loss.terms.circle.gamma': 64},
        {'model.head.loss.terms.triplet.weight': 0},
        {'model.backbone.frozen_stages': 2},
        {'model.backbone.norm_eval': True},
        {'model.head.init_cfg': None},
        {'model.backbone.style': 'pytorch'},
        {'model.head.test_feature': 'bn'},
        {'model.head.test_feature': ('bn', 'pooled')},
        {'model.backbone.type': 'mmpretrain.ResNet'},
        {f'{TEST}.load.max_pixels': 10**6},
        {f'{TEST}.load.backend': 'cv2'},
        {f'{TEST}.resize.type': 'mmpretrain.Resize'},
        {f'{TEST}.pack.meta_keys': ('img_path',)},
        {f'{TEST}.pack.type': 'PackInputs'},  # ours gives the same
        {'model.data_preprocessor.type': 'ClsDataPreprocessor'},
        {'test_dataloader.batch_size': 3},
        {'test_dataloader.dataset.data_root': 'elsewhere'},
        {'train_cfg.max_epochs': 99},
    ],
    ids=str,
)
def test_what_features_do_not_depend_on(options, trained, inferencer):
    same = other(trained, options)
    np.testing.assert_allclose(same(noise()).features, inferencer(noise()).features, atol=1e-6)
    assert model_id(same) == model_id(inferencer)


@pytest.mark.parametrize(
    'options',
    [
        {'model.head.test_feature': 'pooled'},
        {'model.backbone.strides': (1, 2, 2, 2)},
        {'model.neck.type': 'GeneralizedMeanPooling'},
        {f'{TEST}.resize.scale': (24, 40)},
        {f'{TEST}.resize.interpolation': 'nearest'},
        {f'{TEST}.resize.backend': 'pillow'},
        {f'{TEST}.load.backend': 'pillow'},  # of JPEG
        {'model.data_preprocessor': dict(mean=[0, 0, 0], std=[1, 1, 1], to_rgb=True)},
        {'model.data_preprocessor.to_rgb': False},
    ],
    ids=str,
)
def test_what_features_depend_on(options, trained, inferencer):
    try:
        changed = other(trained, options)
    except ValueError:  # the pooling has a weight that the checkpoint lacks
        assert 'GeneralizedMeanPooling' in str(options)
        return
    assert model_id(changed) != model_id(inferencer)


def test_the_classifier_and_the_centres_do_not_count(trained, inferencer):
    changed = other(trained)
    with torch.no_grad():
        changed.model.head.classifier.weight.add_(1)
        for buffer in changed.model.head.loss_module.buffers():
            buffer.add_(1)
    assert model_id(changed) == model_id(inferencer)
    with torch.no_grad():
        changed.model.head.bn.running_mean.add_(1e-3)
    assert model_id(changed) != model_id(inferencer)


def test_precision_and_options_are_said(trained, inferencer):
    half, flip = other(trained, amp=True), other(trained, flip=True)
    assert model_id(half) == f'{model_id(inferencer)}-bfloat16'
    assert model_id(flip)[:3] == 'v2-' and model_id(flip) != model_id(inferencer)
    index = GalleryIndex(inferencer.feat_dims, model=model_id(inferencer))
    for changed, words in ((half, 'one model in two precisions'), (flip, 'build a gallery for')):
        with pytest.raises(ValueError, match=words):
            index.check_model(model_id(changed))


def test_galleries_and_folders_of_an_older_release(inferencer, make_images, tmp_path):
    """Their model's name was made of the loss and the classifier too."""
    photos = make_images(tmp_path / 'photos', ['a.jpg', 'b.jpg'])
    old = dict(weights='1', model='2', pipeline='3', options=dict(amp=False))
    with pytest.raises(ValueError, match='an older version named models otherwise; build the gall'):
        GalleryIndex(inferencer.feat_dims, model=digits_of(old)).check_model(model_id(inferencer))
    work, out = WorkList([str(photos)]), tmp_path / 'out'
    extract_to_folder(inferencer, work, out)
    manifest = json.loads((out / 'manifest.json').read_text())
    (out / 'manifest.json').write_text(json.dumps(manifest | dict(made_by=old)))
    with pytest.raises(ValueError, match='of an older version of this package, .*another --out'):
        extract_to_folder(inferencer, work, out)
    assert len(load_extraction(out)) == 2  # its features can be read


def test_a_model_that_ranks_by_another_distance_is_refused(trained, make_images, tmp_path):
    photos = make_images(tmp_path / 'photos', ['a.jpg'])
    euclidean = other(
        trained,
        {
            'test_evaluator': dict(
                type='reid_fusedloss.ReIDMetric', distance='euclidean', _delete_=True
            )
        },
    )
    with pytest.raises(ValueError, match='ranks by euclidean distance, a gallery by cosine'):
        update_gallery(GalleryIndex(euclidean.feat_dims), euclidean, [photos])
