"""`ReIDDataPreprocessor` against mmpretrain's: equal to the bit."""

import copy

import numpy as np
import pytest
import torch
from mmpretrain.models.utils import ClsDataPreprocessor
from mmpretrain.structures import DataSample

from reid_fusedloss.models import ReIDDataPreprocessor, data_preprocessor

IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])


def images(number=5, size=(3, 20, 13), dtype=torch.uint8):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (number, *size), generator=generator).to(dtype)


def run(kind, options, inputs, dtype=None, training=True):
    """Outputs of a preprocessor on a batch with labels, as plain data, or the error's class."""
    built = kind(**copy.deepcopy(options))
    if dtype is not None:
        built.to(dtype)
    samples = [DataSample().set_gt_label(number % 4) for number in range(len(inputs))]
    torch.manual_seed(0)
    np.random.seed(0)
    try:
        outputs = built(dict(inputs=inputs, data_samples=samples), training)
    except Exception as error:
        return type(error).__name__
    assert list(outputs) == ['inputs', 'data_samples']
    return outputs['inputs'], [sample.to_dict() for sample in outputs['data_samples']]


def assert_same(ours, theirs):
    if isinstance(theirs, str):
        assert ours == theirs
        return
    assert ours[0].dtype == theirs[0].dtype and ours[0].stride() == theirs[0].stride()
    assert torch.equal(ours[0], theirs[0])
    for one, other in zip(ours[1], theirs[1], strict=True):
        assert list(one) == list(other)
        assert all(
            torch.equal(torch.as_tensor(one[key]), torch.as_tensor(other[key])) for key in one
        )


@pytest.mark.parametrize(
    'options',
    [
        dict(IMAGENET, to_rgb=True),
        dict(IMAGENET),
        dict(mean=[127, 127, 127], std=[128, 128, 128], to_rgb=True),
        dict(mean=[120.0], std=[50.0]),
        dict(to_rgb=True),
        dict(IMAGENET, to_rgb=True, pad_size_divisor=8, pad_value=2),
        dict(IMAGENET, to_rgb=True, to_onehot=True, num_classes=4),
        dict(
            IMAGENET,
            to_rgb=True,
            num_classes=4,
            batch_augments=dict(augments=[dict(type='Mixup', alpha=0.8)]),
        ),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    'inputs',
    [
        images(),
        images(1),
        images().to(memory_format=torch.channels_last),
        images(dtype=torch.float32),
        images(dtype=torch.float64),
        images(size=(1, 20, 13)),
        images(size=(4, 20, 13)),
        list(images()),
        [*images(2), *images(2, (3, 18, 15))],
        list(images(dtype=torch.float32)),
    ],
    ids=lambda value: f'{type(value).__name__}-{value[0].dtype}-{tuple(value[0].shape)}',
)
def test_outputs_are_theirs(options, inputs):
    before = copy.deepcopy(inputs)
    ours, theirs = (
        run(kind, options, inputs) for kind in (ReIDDataPreprocessor, ClsDataPreprocessor)
    )
    assert_same(ours, theirs)
    assert all(torch.equal(one, other) for one, other in zip(inputs, before))


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float64])
def test_other_types_of_the_model(dtype):
    options = dict(IMAGENET, to_rgb=True)
    assert_same(
        *(
            run(kind, options, images(), dtype)
            for kind in (ReIDDataPreprocessor, ClsDataPreprocessor)
        )
    )


@pytest.mark.parametrize('chunk', [1, 2000, 10**6])
def test_chunks_of_any_size(chunk, monkeypatch):
    monkeypatch.setattr(data_preprocessor, 'CHUNK', chunk)
    options = dict(IMAGENET, to_rgb=True)
    for number in (1, 2, 7):
        assert_same(
            *(
                run(kind, options, images(number))
                for kind in (ReIDDataPreprocessor, ClsDataPreprocessor)
            )
        )


def test_batches_of_bytes_are_normalised_in_place(monkeypatch):
    """The parent's code would convert and normalise a second time, in copies."""
    built = ReIDDataPreprocessor(**IMAGENET, to_rgb=True)
    made = []
    monkeypatch.setattr(
        ReIDDataPreprocessor,
        '_normalised',
        lambda self, images, of=ReIDDataPreprocessor._normalised: (
            made.append(of(self, images)) or made[-1]
        ),
    )
    outputs = built(dict(inputs=images()))['inputs']
    assert outputs.data_ptr() == made[0].data_ptr()
    assert built.to_rgb and built._enable_normalize and built.num_classes is None


def test_another_device_reads_no_value():
    """On 'meta' reading one is an error: on a GPU the host need not wait."""
    inputs, samples = run(ReIDDataPreprocessor, dict(IMAGENET, to_rgb=True), images(), 'meta')
    assert inputs.device.type == 'meta' and inputs.dtype == torch.float32
    assert inputs.shape == (5, 3, 20, 13) and samples[4]['gt_label'].device.type == 'meta'
