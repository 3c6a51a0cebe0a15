"""OSNet against torchreid's: figures recorded from its code with weights made by a formula."""

import hashlib
import math
import zlib

import pytest
import torch
from mmengine.registry import MODELS
from torch import nn

# keys and shapes of torchreid's state dict without fc and classifier, and its map of two images of
# 64x32: mean, deviation, and the first image's channels 0, 7 and last, averaged
RECORDED = {
    ('plain', 0.25): ('ba706e2eec98ade2', [1.13115, 1.3837, 1.02005, 0.0, 3.50164]),
    ('plain', 0.5): ('aef9b115b68757c8', [3.97831, 5.05862, 3.96606, 0.0, 2.68838]),
    ('plain', 1.0): ('be9612c0d2de9e96', [9.12563, 11.4217, 13.1107, 0.0, 23.573]),
    ('ibn', 1.0): ('5440c4b139f82c9e', [9.50062, 11.93, 13.0006, 0.0, 23.4351]),
    ('ain', 0.25): ('f0457470abe61421', [0.481003, 0.625773, 0.0, 0.38001, 1.94876]),
    ('ain', 0.75): ('e29efda254b1d7a9', [1.23396, 1.64707, 0.159677, 2.75538, 4.01833]),
}


def formula(key, shape):
    """Any tensor of a state dict, from its name and shape alone."""
    if key.endswith('num_batches_tracked'):
        return torch.tensor(0)
    steps = torch.arange(math.prod(shape), dtype=torch.float64)
    waves = torch.cos(steps * 1.7 + zlib.crc32(key.encode()) % 1000).reshape(shape)
    if len(shape) > 1:
        return (waves * (2 / math.prod(shape[1:])) ** 0.5).float()
    centre = 0.0 if key.endswith(('bias', 'running_mean')) else 1.0
    return (centre + waves * 0.3).float()


def images():
    steps = torch.arange(2 * 3 * 64 * 32, dtype=torch.float64)
    return torch.sin(steps * 0.37 + steps**2 * 1e-6).reshape(2, 3, 64, 32).float()


def digest(state):
    names = [f'{key} {tuple(value.shape)}' for key, value in state.items()]
    return hashlib.sha256('\n'.join(sorted(names)).encode()).hexdigest()[:16]


def summary(output):
    first = output[0].mean((1, 2))
    return [output.mean(), output.std(), first[0], first[7], first[-1]]


def build(**options):
    torch.manual_seed(0)
    return MODELS.build(dict(type='reid_fusedloss.OSNet', **options))


def filled(variant, width):
    model = build(variant=variant, widen_factor=width)
    model.load_state_dict(
        {key: formula(key, value.shape) for key, value in model.state_dict().items()}
    )
    return model.eval()


@pytest.mark.parametrize('variant, width', RECORDED)
def test_is_torchreids(variant, width):
    model = filled(variant, width)
    keys, figures = RECORDED[variant, width]
    assert digest(model.state_dict()) == keys
    with torch.no_grad():
        (output,) = model(images())
    assert output.shape == (2, 512 * width, 4, 2)
    assert torch.stack(summary(output)).tolist() == pytest.approx(figures, rel=1e-4, abs=1e-5)


def test_a_stream_sees_what_its_length_says():
    """A stream of n lite convolutions reads 2 n + 1 pixels across."""
    block = build(widen_factor=0.25).conv2[0].eval()
    for length, stream in enumerate(block._streams(), start=1):
        image = torch.zeros(1, 16, 15, 15, requires_grad=True)
        for module in stream.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.constant_(module.bias, 1.0)  # so that no ReLU is closed
        stream(image)[0, :, 7, 7].sum().backward()
        rows = image.grad.abs().sum((0, 1, 3)).nonzero().flatten().tolist()
        assert rows == list(range(7 - length, 8 + length))


def test_published_weights_load_as_they_are(tmp_path):
    """They hold torchreid's `fc` and `classifier` too, which are no backbone's."""
    state = {
        key: formula(key, value.shape)
        for key, value in build(widen_factor=0.25).state_dict().items()
    }
    torch.save(
        state | {'fc.0.weight': torch.zeros(512, 128), 'classifier.weight': torch.zeros(751, 512)},
        tmp_path / 'weights.pth',
    )
    model = build(
        widen_factor=0.25,
        init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'weights.pth')),
    )
    model.init_weights()
    for key, value in model.state_dict().items():
        assert torch.equal(value, state[key]), key


def test_random_start_is_he_et_als():
    model = build()
    model.init_weights()
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            spread = (2 / (module.weight[0, 0].numel() * module.out_channels)) ** 0.5
            assert module.weight.std().item() == pytest.approx(spread, rel=0.3)
            assert module.bias is None or not module.bias.any()


@pytest.mark.parametrize(
    'frozen, still',
    [
        (-1, set()),
        (0, {'conv1'}),
        (2, {'conv1', 'conv2', 'pool2', 'conv3', 'pool3'}),
        (4, {'conv1', 'conv2', 'pool2', 'conv3', 'pool3', 'conv4', 'conv5'}),
    ],
)
def test_frozen_stages(frozen, still):
    model = build(widen_factor=0.25, variant='ain', frozen_stages=frozen)
    model.train()
    trained = {name.split('.')[0] for name, p in model.named_parameters() if p.requires_grad}
    parts = {name for name, part in model.named_children() if list(part.parameters())}
    assert parts - trained == still
    assert {name for name in parts if not getattr(model, name).training} == still


def test_norm_eval_keeps_the_statistics():
    for norm_eval in (True, False):
        model = build(widen_factor=0.25, norm_eval=norm_eval).train()
        model(images())
        assert torch.equal(model.conv5.bn.running_mean, torch.zeros(128)) == norm_eval


@pytest.mark.parametrize(
    'options, words',
    [
        (dict(widen_factor=0.3), ['widen_factor must be', 'got 0.3', '0.25']),
        (dict(variant='AIN'), ["'ain'"]),
        (dict(frozen_stages=5), ['frozen_stages=5']),
    ],
)
def test_wrong_arguments(options, words):
    with pytest.raises(ValueError) as caught:
        build(**options)
    assert all(word in str(caught.value) for word in words)
