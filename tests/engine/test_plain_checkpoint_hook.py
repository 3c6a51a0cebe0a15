from collections import Counter, OrderedDict, defaultdict, namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.optim import OneCycleLR
from torch import nn

from reid_fusedloss.engine import PlainCheckpointHook
from reid_fusedloss.engine.hooks.plain_checkpoint_hook import PLAIN

Pair = namedtuple('Pair', 'a b')


def checkpoint():
    return dict(
        state_dict=OrderedDict(weight=torch.ones(2)),
        meta=dict(
            epoch=1, best=np.float64(3.5), nested=defaultdict(list, x=[Pair(1, np.int64(2))])
        ),
        message_hub=dict(
            log_scalars={'train/loss': HistoryBuffer([1.0, 2.0], [1, 1])},
            runtime_info=dict(matrix=np.arange(3)),
            resumed_keys={},
        ),
        param_schedulers=[dict(milestones=Counter([40, 70]), last_step=3)],
    )


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


class Own:
    pass


@pytest.mark.parametrize(
    'value, name',
    [
        (Own(), 'tests.engine.test_plain_checkpoint_hook.Own'),
        (Path('x'), 'PosixPath'),
        (print, 'builtin_function_or_method'),
        ({1}, 'builtins.set'),
        (np.array([None]), 'numpy.ndarray'),
    ],
    ids=['object', 'path', 'function', 'set', 'array'],
)
def test_what_could_not_be_read_again_is_refused_with_its_place(value, name):
    saved = checkpoint()
    saved['message_hub']['runtime_info']['seen'] = [1, dict(x=value)]
    place = r"checkpoint\['message_hub'\]\['runtime_info'\]\['seen'\]\[1\]\['x'\]"
    with pytest.raises(TypeError, match=f'{place} is a .*{name}: it could not be loaded'):
        PlainCheckpointHook().before_save_checkpoint(None, saved)


def test_plain_is_what_torch_loads_without_code(tmp_path):
    examples = [
        None,
        True,
        1,
        1.5,
        1j,
        'a',
        b'a',
        torch.ones(1),
        nn.Parameter(torch.ones(1)),
        torch.Size([1]),
        torch.float32,
        torch.device('cpu'),
    ]
    assert {type(example) for example in examples} == PLAIN and len(examples) == len(PLAIN)
    torch.save(examples, tmp_path / 'plain.pth')
    loaded = torch.load(tmp_path / 'plain.pth', weights_only=True)
    assert [type(each) for each in loaded] == [type(each) for each in examples]


def test_a_function_of_a_schedule_is_left_out_and_the_built_one_stays():
    def build():
        parameter = nn.Parameter(torch.ones(1))
        return OneCycleLR(torch.optim.SGD([parameter], 0.1), eta_max=1.0, total_steps=9)

    saved = dict(param_schedulers=[build().state_dict()])
    PlainCheckpointHook().before_save_checkpoint(None, saved)
    assert 'anneal_func' not in saved['param_schedulers'][0]
    schedule = build()
    schedule.load_state_dict(saved['param_schedulers'][0])
    assert schedule.anneal_func(2.0, 4.0, 0.5) == 3.0
