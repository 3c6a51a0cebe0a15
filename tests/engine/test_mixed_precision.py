"""Half precision leaves losses in float32, and 2,000 steps with a steep circle loss stay finite."""

import pytest
import torch
from torch import nn

from reid_fusedloss.functional.cosines import class_cosines
from reid_fusedloss.losses import FusedLoss

pytestmark = pytest.mark.slow

IDS, IMAGES, STEPS = 64, 4, 2000
TERMS = dict(
    circle=dict(
        type='reid_fusedloss.CircleLoss',
        reads='cosines',
        weight=1.0,
        form='class',
        margin=0.35,
        gamma=256,
    ),
    pairs=dict(
        type='reid_fusedloss.CircleLoss',
        reads='pooled',
        weight=1.0,
        form='anchor',
        margin=0.25,
        gamma=256,
    ),
    triplet=dict(type='reid_fusedloss.TripletLoss', reads='pooled', weight=1.0),
    center=dict(type='reid_fusedloss.CenterLoss', reads='pooled', weight=0.005),
)


class Net(nn.Module):
    """Two layers, a BN and a cosine classifier."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 32))
        self.bn = nn.BatchNorm1d(32)
        self.classifier = nn.Linear(32, IDS, bias=False)
        self.loss = FusedLoss(TERMS, num_classes=IDS, feat_dims=32)

    def forward(self, inputs, labels):
        pooled = self.layers(inputs)
        found = class_cosines(self.bn(pooled), self.classifier.weight)
        return self.loss(dict(pooled=pooled, cosines=found), labels)


def step(loss, optimizer, scaler):
    """Backward pass and step; whether the scaler left it out."""
    if scaler is None:
        loss.backward()
        optimizer.step()
        return False
    scale = scaler.get_scale()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    return scaler.get_scale() < scale


@pytest.mark.parametrize('dtype', [torch.bfloat16, torch.float16], ids=['bf16', 'fp16 and scaler'])
def test_2000_steps_with_gamma_256(dtype):
    if not hasattr(torch.amp, 'GradScaler') and dtype == torch.float16:
        pytest.skip('this PyTorch scales losses on GPUs alone')
    torch.manual_seed(0)
    net, places = Net(), torch.randn(IDS, 16)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    scaler = torch.amp.GradScaler('cpu') if dtype == torch.float16 else None
    totals, left_out = [], 0
    for _ in range(STEPS):
        labels = torch.randperm(IDS)[:8].repeat_interleave(IMAGES)
        inputs = places[labels] + 0.3 * torch.randn(len(labels), 16)
        with torch.autocast('cpu', dtype=dtype):
            losses = net(inputs, labels)
        assert {value.dtype for value in losses.values()} == {torch.float32}
        total = sum(losses.values())
        optimizer.zero_grad()
        left_out += step(total, optimizer, scaler)
        totals.append(total.item())
    assert torch.tensor(totals).isfinite().all()
    assert all(value.isfinite().all() for value in net.state_dict().values())
    assert left_out < STEPS / 50
    assert sum(totals[-100:]) < sum(totals[:100]) / 2
