"""MMEngine's Runner with a model as small as it can be."""

import numpy as np
import torch
from mmengine.runner import Runner


class Net(torch.nn.Module):
    """As small as a model of MMEngine can be."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(1, 1)

    def train_step(self, data, optim_wrapper):
        with optim_wrapper.optim_context(self):
            loss = self.linear(torch.ones(1, 1)).sum()
        optim_wrapper.update_params(loss)
        return dict(loss=loss.detach())


class Numbers(torch.utils.data.Dataset):
    METAINFO = dict(classes=('a', 'b'), palette=np.arange(6).reshape(2, 3), mean=np.float32(0.5))

    def __init__(self):
        self.metainfo = self.METAINFO

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return torch.ones(1)


def runner(work_dir, epochs=1, **options):
    """MMEngine's Runner with MMEngine's parts alone."""
    return Runner(
        Net(),
        str(work_dir),
        train_dataloader=dict(
            dataset=Numbers(), batch_size=1, sampler=dict(type='mmengine.DefaultSampler')
        ),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='Adam', lr=0.1)),
        param_scheduler=[
            dict(type='mmengine.MultiStepLR', milestones=[1, 3]),
            dict(type='mmengine.CosineAnnealingLR', T_max=4),
        ],
        default_scope='mmengine',
        experiment_name=f'run_{work_dir.name}_{epochs}',
        **options,
    )
