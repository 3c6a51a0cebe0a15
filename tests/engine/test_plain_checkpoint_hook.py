from collections import Counter, OrderedDict, defaultdict, namedtuple

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from reid_fusedloss.engine import PlainCheckpointHook

Pair = namedtuple('Pair', 'a b')


def checkpoint():
    return dict(
        state_dict=OrderedDict(weight=torch.ones(2)),
        meta=dict(epoch=1, best=np.float64(3.5), nested=defaultdict(list, x=[Pair(1, np.int64(2))])),
        message_hub=dict(log_scalars={'train/loss': HistoryBuffer([1., 2.], [1, 1])},
                         runtime_info=dict(matrix=np.arange(3)), resumed_keys={}),
        param_schedulers=[dict(milestones=Counter([40, 70]), last_step=3)])


def test_round_trip_without_code(tmp_path):
    hook, saved = PlainCheckpointHook(), checkpoint()
    hook.before_save_checkpoint(None, saved)
    torch.save(saved, tmp_path / 'plain.pth')
    loaded = torch.load(tmp_path / 'plain.pth', weights_only=True)
    assert loaded['meta'] == dict(epoch=1, best=3.5, nested=dict(x=[(1, 2)]))
    hook.after_load_checkpoint(None, loaded)
    history = loaded['message_hub']['log_scalars']['train/loss']
    assert isinstance(history, HistoryBuffer) and history.data[0].tolist() == [1, 2]
    assert loaded['param_schedulers'][0]['milestones'] == Counter([40, 70])


def test_histories_come_back_from_an_accelerator():
    """Runner.resume maps every tensor of a checkpoint to its device."""

    class OnDevice:
        def __init__(self, tensor):
            self.tensor = tensor

        def cpu(self):
            return self.tensor

    hook, saved = PlainCheckpointHook(), checkpoint()
    hook.before_save_checkpoint(None, saved)
    plain = saved['message_hub']['log_scalars']['train/loss']
    for key in ('values', 'counts'):
        plain[key] = OnDevice(plain[key])
    hook.after_load_checkpoint(None, saved)
    assert saved['message_hub']['log_scalars']['train/loss'].data[1].tolist() == [1, 1]


def test_weights_are_left_alone():
    hook, saved = PlainCheckpointHook(), checkpoint()
    weights = saved['state_dict']
    hook.before_save_checkpoint(None, saved)
    assert saved['state_dict'] is weights
