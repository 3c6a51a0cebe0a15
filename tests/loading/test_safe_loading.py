"""Checkpoints of MMEngine load without code; nothing else does."""

import io
import pickle
from collections import Counter, OrderedDict

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer

from reid_fusedloss.loading import load_checkpoint_file, unpickler
from tests.loading.hostile import HARMLESS, HOSTILE, REFUSED, as_numpy_1, globals_of, write_pickle
from tests.loading.runs import Numbers, runner


@pytest.mark.parametrize('mmap', [False, True])
@pytest.mark.parametrize('numpy_1', [False, True])
def test_a_checkpoint_of_mmengine(theirs, tmp_path, mmap, numpy_1):
    """Its own family's and NumPy's, and as the other ones name things."""
    path = tmp_path / 'epoch_1.pth'
    path.write_bytes(theirs.read_bytes())
    if numpy_1:
        as_numpy_1(path)
        assert 'numpy.core.multiarray._reconstruct' in globals_of(path)
    expected = torch.load(theirs, weights_only=False)
    loaded = load_checkpoint_file(path, 'cpu', mmap=mmap)
    for name, history in expected['message_hub']['log_scalars'].items():
        own = loaded['message_hub']['log_scalars'][name]
        assert type(own) is HistoryBuffer and own.max_length == history.max_length
        for ours, right in zip(own.data, history.data):
            np.testing.assert_array_equal(ours, right)
        assert own.mean() == history.mean() and own.statistics('min') == history.min()
    assert loaded['param_schedulers'] == expected['param_schedulers']
    assert type(loaded['param_schedulers'][0]['milestones']) is Counter
    for part in (loaded['meta'], loaded['message_hub']['runtime_info']):
        meta = part['dataset_meta']
        np.testing.assert_array_equal(meta['palette'], Numbers.METAINFO['palette'])
        assert type(meta['mean']) is np.float32 and meta['classes'] == ('a', 'b')
    assert type(loaded['state_dict']) is OrderedDict and loaded['state_dict']._metadata
    assert torch.equal(
        loaded['state_dict']['linear.weight'], expected['state_dict']['linear.weight']
    )


def test_mmengine_resumes_its_own(theirs):
    """Without any hook of ours."""
    resumed = runner(theirs.parent, epochs=2, resume=True, load_from=str(theirs))
    resumed.train()
    history = resumed.message_hub.get_scalar('train/loss')
    assert len(history.data[0]) == 4 and resumed.epoch == 2


def test_values_of_numpy(tmp_path):
    values = dict(
        rank1=np.float64(93.5),
        small=np.float16(0.5),
        count=np.int64(-7),
        truth=np.bool_(True),
        name=np.str_('ab'),
        empty=np.array([]),
        texts=np.array(['a', 'bc']),
        turned=np.arange(3, dtype='>i4'),
        complex=np.array([1 + 2j]),
        slice=slice(1, 4),
        columns=np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        choices={1, 2},
        bytes=np.array([b'xy', b'z']),
        zero=np.array(3),
    )
    torch.save(values, tmp_path / 'values.pth')
    loaded = load_checkpoint_file(tmp_path / 'values.pth')
    assert loaded.keys() == values.keys()
    for name, value in values.items():
        assert type(loaded[name]) is type(value)
        assert not isinstance(value, np.generic) or loaded[name].dtype == value.dtype
        np.testing.assert_equal(loaded[name], value)


@pytest.mark.parametrize('zipped', [True, False])
def test_a_trainer_checkpoint_of_torchreid(tmp_path, zipped):
    """It keeps its rank-1 as a NumPy scalar, in files of PyTorch before 1.6 too."""
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [20, 40])
    torch.save(
        dict(
            state_dict=model.state_dict(),
            epoch=60,
            rank1=np.float64(0.945),
            optimizer=optimizer.state_dict(),
            scheduler=schedule.state_dict(),
        ),
        tmp_path / 'model.pth.tar-60',
        _use_new_zipfile_serialization=zipped,
    )
    loaded = load_checkpoint_file(tmp_path / 'model.pth.tar-60', 'cpu', mmap=True)
    assert loaded['rank1'] == 0.945 and torch.equal(loaded['state_dict']['weight'], model.weight)


@pytest.mark.parametrize('kind', HOSTILE | HARMLESS)
def test_the_unpickler_does_nothing_else(kind):
    with pytest.raises(pickle.UnpicklingError):
        unpickler.load(io.BytesIO((HOSTILE | HARMLESS)[kind]))


@pytest.mark.parametrize('mmap', [False, True])
@pytest.mark.parametrize('kind', HOSTILE)
def test_hostile_pickles(tmp_path, kind, mmap):
    marker = tmp_path / 'broken_in'
    instructions = HOSTILE[kind]
    if b'{marker}' in instructions:  # the length of a string stands before it
        old, new = (
            pickle.dumps(f'{start}{path}{end}', 2)[2:-3]
            for path in ('{marker}', marker)
            for start, end in [_around(instructions)]
        )
        assert old in instructions
        instructions = instructions.replace(old, new)
    write_pickle(tmp_path / 'evil.pth', instructions, dict(weight=torch.ones(1)))
    statistics = dict(HistoryBuffer()._statistics_methods)
    with pytest.raises(ValueError, match=REFUSED):
        load_checkpoint_file(tmp_path / 'evil.pth', 'cpu', mmap=mmap)
    assert not marker.exists() and HistoryBuffer._statistics_methods == statistics
    assert HistoryBuffer([1.0], [1]).mean() == 1


def _around(instructions):
    """What stands before and after {marker} in its string."""
    start = instructions.index(b'{marker}')
    begin = instructions.rindex(b'X', 0, start)
    size = int.from_bytes(instructions[begin + 1 : begin + 5], 'little')
    string = instructions[begin + 5 : begin + 5 + size].decode()
    return string.split('{marker}')
