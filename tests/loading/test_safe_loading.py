"""Checkpoints of MMEngine load without code; nothing else does, unless it is trusted."""

import io
import os
import pickle
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader, Runner

from reid_fusedloss import loading, trust
from reid_fusedloss.loading import load_checkpoint_file, unpickler
from tests.loading.hostile import HARMLESS, HOSTILE, as_numpy_1, command, globals_of, write_pickle
from tests.tiny import REPOSITORY

REFUSED = 'more than weights, plain data and the objects of MMEngine'


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


@pytest.fixture(scope='module')
def theirs(tmp_path_factory):
    """A checkpoint of MMEngine's Runner and CheckpointHook, of the family installed here."""
    folder = tmp_path_factory.mktemp('theirs')
    runner(folder).train()
    names = globals_of(folder / 'epoch_1.pth')
    assert '__builtin__.getattr' in names and 'collections.Counter' in names
    assert 'mmengine.logging.history_buffer.HistoryBuffer' in names
    return folder / 'epoch_1.pth'


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


@pytest.mark.parametrize('zipped', [True, False])
def test_every_loader_refuses_code_and_loads_with_trust(tmp_path, monkeypatch, zipped):
    marker = tmp_path / 'code_ran'
    torch.save(
        dict(state_dict={}, meta=dict(extra=command(marker))),
        tmp_path / 'evil.pth',
        _use_new_zipfile_serialization=zipped,
    )
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'cache'))
    monkeypatch.setattr(
        torch.hub,
        'download_url_to_file',
        lambda url, path, progress: os.link(tmp_path / 'evil.pth', path),
    )
    for place in (str(tmp_path / 'evil.pth'), 'https://models.example/evil.pth'):
        with pytest.raises(ValueError, match='posix.system.*REID_TRUST_CHECKPOINT=1'):
            CheckpointLoader.load_checkpoint(place, 'cpu')
    assert not marker.exists()
    loading.trust_checkpoints()
    try:
        CheckpointLoader.load_checkpoint(str(tmp_path / 'evil.pth'), 'cpu')
    finally:
        loading.trust_checkpoints(False)
    assert marker.exists()


@pytest.mark.parametrize('variable', ['REID_TRUST_CHECKPOINT', 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'])
def test_trust_by_the_environment(tmp_path, monkeypatch, variable):
    torch.save(dict(extra=command(tmp_path / 'code_ran')), tmp_path / 'mine.pth')
    for value, trusted in (('0', False), ('', False), ('1', True), ('TRUE', True)):
        monkeypatch.setenv(variable, value)
        assert loading.is_trusted() == trusted
    load_checkpoint_file(tmp_path / 'mine.pth')
    assert (tmp_path / 'code_ran').exists()


def test_a_variable_that_says_neither(monkeypatch):
    monkeypatch.setenv('REID_TRUST_CHECKPOINT', 'maybe')
    with pytest.raises(ValueError, match="REID_TRUST_CHECKPOINT must be '1' or '0', got 'maybe'"):
        loading.is_trusted()


def test_a_replaced_torch_load_is_no_trust(tmp_path, monkeypatch):
    """A library may replace it for files of its own."""
    load = torch.load
    torch.save(dict(extra=command(tmp_path / 'code_ran')), tmp_path / 'evil.pth')
    monkeypatch.setattr(
        torch,
        'load',
        lambda *args, **options: load(
            *args, **{**options, 'weights_only': False, 'pickle_module': None}
        ),
    )
    with pytest.raises(ValueError, match=REFUSED):
        load_checkpoint_file(tmp_path / 'evil.pth')
    assert not (tmp_path / 'code_ran').exists()


def test_trust_by_the_config(theirs, tmp_path, monkeypatch):
    """A hook, under a bare Runner, for the time of the run."""
    monkeypatch.setitem(trust._state, 'has_flag', False)  # a command's parser may have set it
    checkpoint = torch.load(theirs, weights_only=False)
    torch.save(dict(checkpoint, extra=command(tmp_path / 'code_ran')), tmp_path / 'mine.pth')
    options = dict(epochs=2, resume=True, load_from=str(tmp_path / 'mine.pth'))
    with pytest.raises(ValueError, match=r"dict\(type='reid_fusedloss.TrustCheckpointsHook'\)"):
        runner(tmp_path / 'work', **options).train()
    assert not (tmp_path / 'code_ran').exists()
    runner(
        tmp_path / 'work',
        custom_hooks=[dict(type='reid_fusedloss.TrustCheckpointsHook')],
        **options,
    ).train()
    assert (tmp_path / 'code_ran').exists() and not loading.is_trusted()


@pytest.mark.slow
def test_the_error_names_the_flag_where_there_is_one():
    program = (
        'import argparse; from reid_fusedloss import trust\n'
        'print(trust.ways_to_trust()); trust.add_trust_argument(argparse.ArgumentParser())\n'
        'print(trust.ways_to_trust())'
    )
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', program],
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(REPOSITORY)},
        check=True,
    )
    without, with_flag = done.stdout.splitlines()[-2:]
    assert '--trust' not in without and 'TrustCheckpointsHook' in without
    assert with_flag.startswith('pass --trust-checkpoint')


def test_torchscript_and_tar(tmp_path):
    """PyTorch before 2.6 takes them for safe."""
    torch.save(dict(weight=torch.ones(1)), tmp_path / 'module.pt')
    with zipfile.ZipFile(tmp_path / 'module.pt', 'a') as archive:
        archive.writestr('module/constants.pkl', b'')
    with pytest.raises(ValueError, match='TorchScript'):
        load_checkpoint_file(tmp_path / 'module.pt')
    with tarfile.open(tmp_path / 'old.pth', 'w') as archive:
        archive.add(tmp_path / 'module.pt')
    with pytest.raises(ValueError, match='tar'):
        load_checkpoint_file(tmp_path / 'old.pth')


@pytest.mark.parametrize(
    'text, kept',
    [
        ("__import__('os').system('touch {marker}')\ngpu_ids = []", None),
        ("gpu_ids = __import__('os').system('touch {marker}') or [0]", None),
        ("gpu_ids = [0, 1]\nimport os\nos.system('touch {marker}')", 'gpu_ids = [0, 1]'),
        ('lr = 1\ngpu_ids = range(0, 8)', 'gpu_ids = [0, 1, 2, 3, 4, 5, 6, 7]'),
        ('gpu_ids = range(0, 10**18)', None),
        ('gpu_ids = range(0, 1000000000000)', None),
        ('model = dict()', None),
        ('gpu_ids = (', None),
        ('(' * 100000, None),
        (5, None),
    ],
)
def test_the_text_of_a_config_is_not_run(tmp_path, text, kept):
    marker = tmp_path / 'ran'
    text = text.replace('{marker}', str(marker)) if isinstance(text, str) else text
    torch.save(dict(meta=dict(config=text, iter=3), state_dict={}), tmp_path / 'old.pth')
    loaded = load_checkpoint_file(tmp_path / 'old.pth')
    assert loaded['meta'] == (dict(iter=3) if kept is None else dict(iter=3, config=kept))
    assert not marker.exists()


def test_resuming_runs_no_text(theirs, tmp_path):
    """And the warning that the text is for stays."""
    checkpoint = torch.load(theirs, weights_only=False)
    for config, error in (
        ("__import__('os').system('touch {marker}')\ngpu_ids=[]", None),
        ('gpu_ids = range(0, 4)', 'Number of GPUs used'),
    ):
        marker = tmp_path / 'ran'
        checkpoint['meta']['config'] = config.replace('{marker}', str(marker))
        torch.save(checkpoint, tmp_path / 'old.pth')
        resumed = runner(
            tmp_path / 'work', epochs=2, resume=True, load_from=str(tmp_path / 'old.pth')
        )
        if error is None:
            resumed.train()
        else:
            with pytest.raises(RuntimeError, match=error):
                resumed.train()
        assert not marker.exists()


def test_missing_and_truncated_files(tmp_path):
    with pytest.raises(FileNotFoundError, match='nothing.pth'):
        load_checkpoint_file(tmp_path / 'nothing.pth')
    torch.save(dict(weight=torch.zeros(1000)), tmp_path / 'whole.pth')
    whole = (tmp_path / 'whole.pth').read_bytes()
    for content in (b'', whole[:10], whole[: len(whole) // 2], pickle.dumps('text')[:-1]):
        (tmp_path / 'part.pth').write_bytes(content)
        with pytest.raises(ValueError, match='part.pth is '):
            load_checkpoint_file(tmp_path / 'part.pth')


def test_a_flipped_bit_and_a_hole_are_found(tmp_path):
    torch.save(dict(weight=torch.ones(200_000), name='x'), tmp_path / 'whole.pth')
    whole = (tmp_path / 'whole.pth').read_bytes()
    load_checkpoint_file(tmp_path / 'whole.pth')
    places = [len(whole) // 2, whole.index(b'weight'), whole.index(b'torch')]
    for mmap in (False, True):
        for place in places:
            cut = bytearray(whole)
            cut[place] ^= 4
            (tmp_path / 'bad.pth').write_bytes(cut)
            with pytest.raises(ValueError, match='bad.pth is '):
                load_checkpoint_file(tmp_path / 'bad.pth', mmap=mmap)
        for start in (0, 300, len(whole) - 200_000):
            hole = whole[:start] + bytes(200_000) + whole[start + 200_000 :]
            (tmp_path / 'bad.pth').write_bytes(hole)
            with pytest.raises(ValueError, match='bad.pth is '):
                load_checkpoint_file(tmp_path / 'bad.pth', mmap=mmap)


def test_a_file_without_checksums(tmp_path):
    options = getattr(torch.serialization, 'set_crc32_options', None)
    if options is None:
        pytest.skip('this PyTorch always writes checksums')
    options(False)
    try:
        torch.save(dict(weight=torch.ones(5)), tmp_path / 'plain.pth')
    finally:
        options(True)
    assert load_checkpoint_file(tmp_path / 'plain.pth')['weight'].sum() == 5


def test_two_addresses_of_one_name_are_two_files(tmp_path, monkeypatch):
    fetched = []

    def download(url, path, progress):
        fetched.append(url)
        torch.save(dict(url=url), path)

    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    for _ in range(2):
        for url in ('https://a.example/model.pth', 'https://b.example/model.pth?x=1'):
            assert CheckpointLoader.load_checkpoint(url, 'cpu') == dict(url=url)
    assert len(fetched) == 2


def test_what_others_have_fetched_is_used_if_it_is_that(tmp_path, monkeypatch):
    import hashlib

    cache = tmp_path / 'checkpoints'
    cache.mkdir()
    torch.save(dict(whose='theirs'), cache / 'a.pth')
    content = (cache / 'a.pth').read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:8]
    for name in (f'net-{digest}.pth', 'net-00000000.pth'):
        (cache / name).write_bytes(content)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(
        torch.hub,
        'download_url_to_file',
        lambda url, path, progress: torch.save(dict(whose='fetched'), path),
    )
    for name, whose in ((f'net-{digest}.pth', 'theirs'), ('net-00000000.pth', 'fetched')):
        assert loading.load_checkpoint_url(f'https://a.example/{name}') == dict(whose=whose)


def test_the_other_familys_function_is_ours_where_it_is(tmp_path):
    """Its loaders of other schemes share it; it would run code where weights_only fails."""
    from mmengine.runner import checkpoint

    if not hasattr(checkpoint, '_safe_torch_load'):
        pytest.skip('this family has no such function')
    torch.save(dict(extra=command(tmp_path / 'ran')), tmp_path / 'evil.pth')
    with open(tmp_path / 'evil.pth', 'rb') as file, pytest.raises(ValueError, match=REFUSED):
        checkpoint._safe_torch_load(file, map_location='cpu')
    assert not (tmp_path / 'ran').exists()
