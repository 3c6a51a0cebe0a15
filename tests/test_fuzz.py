"""Random file names, arguments and configs: what is wrong is refused with an error that says so."""

import copy
import os
import resource
import signal
import tempfile
import traceback
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmengine.utils import manager

from reid_fusedloss import datasets
from reid_fusedloss.datasets.file_names import parse_names
from reid_fusedloss.engine.config import count_identities, load_config, split_batch
from reid_fusedloss.printable import printable
from tests import fuzzing
from tests.tiny import DEMO, tiny_options

REFUSED = (ValueError, TypeError, FileNotFoundError)
# MMEngine and mmpretrain say these of keys that only they read
THEIRS = {
    KeyError: 'the registry: a type that is unknown or missing; a loader without a sampler',
    AttributeError: 'optim_wrapper.optimizer that is no optimizer',
    AssertionError: 'they check the arguments of hooks, wrappers and transforms with assert',
    ImportError: 'custom_imports names a module that is not there',
    RuntimeError: 'the registry: a type in a scope that is none; torch: a mean of a wrong type',
}
BENCHMARKS = sorted(
    name
    for name, kind in vars(datasets).items()
    if getattr(kind, 'PATTERN', '') and name != 'JointReIDDataset'  # its parts read names
)
# a loop is not made without a Runner: the configs below make it
CLASSES = sorted(fuzzing.classes().keys() - {'ReIDTrainLoop'})
GETTERS = ('__getattr__', '__getitem__', '__missing__', 'get')
MEMORY = 400 * 2**10  # KiB
profile = settings(
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@contextmanager
def bounded():
    """An end after 30 s, and an error if the process has grown by hundreds of megabytes."""

    def stop(*_):
        raise TimeoutError('hangs')

    before, handler = (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        signal.signal(signal.SIGALRM, stop),
    )
    signal.alarm(30)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY


def check_refusal(error: Exception) -> None:
    """Ours are of three kinds; others have to come out of the libraries below, for a reason."""
    if isinstance(error, REFUSED):
        assert str(error)
        return
    frames = traceback.extract_tb(error.__traceback__)
    # who reads a key that is not there is at fault, not the dict that says so
    last = [frame for frame in frames if frame.name not in GETTERS][-1]
    ours = 'reid_fusedloss' in Path(last.filename).parts
    assert not ours and isinstance(error, tuple(THEIRS)), f'{error!r} of {last}'


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """Whatever is taken for a path is one of an empty folder; a home is there, too."""
    (tmp_path / 'a' / 'b').mkdir(parents=True)
    monkeypatch.chdir(tmp_path / 'a' / 'b')
    monkeypatch.setenv('HOME', str(tmp_path))
    yield
    init_default_scope('mmpretrain')


@pytest.mark.parametrize('benchmark', BENCHMARKS)
@settings(profile, max_examples=60)
@given(name=fuzzing.names)
@example(name='-1_c1s1_000401_03.jpg')
@example(name='0002_c1s1_000451_03.jpg.jpg')
@example(name='0000_000_01_0303morning_0008_0.jpg')
def test_a_name_is_read_as_an_independent_reader_reads_it(benchmark, name):
    pattern = getattr(datasets, benchmark).PATTERN
    expected = fuzzing.read_name(name, benchmark)
    try:
        (found,) = parse_names([Path('/data/12_c3', name)], pattern, ())
    except ValueError as error:
        assert expected is None or '\udcff' in name
        assert printable(name) in str(error)
    else:
        assert (found.pid, found.camid) == expected


def create(folder: Path, names: list) -> list:
    """Make empty files; names that the file system takes."""
    for name in names:
        try:
            (folder / name).write_bytes(b'')
        except (OSError, ValueError):
            continue
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize('benchmark', ['Market1501', 'VeRi776', 'MSMT17'])
@settings(profile, max_examples=60)
@given(names=st.lists(fuzzing.names, min_size=1, max_size=6), regular=st.integers(0, 3))
def test_a_folder_of_any_names_is_a_data_set_or_an_error(benchmark, names, regular):
    form = '000{}_000_01.jpg' if benchmark == 'MSMT17' else '000{}_c1s1.jpg'
    with tempfile.TemporaryDirectory() as root:
        os.mkdir(f'{root}/train')
        present = create(Path(root, 'train'), [*names, *map(form.format, range(regular))])
        images = [
            name
            for name in present
            if name.lower().endswith(fuzzing.IMAGE_SUFFIXES) and not name.startswith('.')
        ]
        read = {name: fuzzing.read_name(name, benchmark) for name in images}
        try:
            dataset = getattr(datasets, benchmark)(root, 'train', sources=dict(train='train'))
        except ValueError as error:
            wrong = [name for name in images if read[name] is None or '\udcff' in name]
            people = {pair[0] for pair in read.values() if pair and pair[0] != '-1'}
            assert root in str(error) and (
                len(people) < 2 or any(printable(name) in str(error) for name in wrong)
            )
            return
        records = [dataset.get_data_info(i) for i in range(len(dataset))]
        kept = [name for name in images if read[name][0] != '-1']
        assert [Path(record['img_path']).name for record in records] == kept
        for key, place in (('pid', 0), ('camid', 1), ('gt_label', 0)):
            pairs = {(read[name][place], record[key]) for name, record in zip(kept, records)}
            assert len(pairs) == len(dict(pairs)) == len({label for _, label in pairs})
        assert {record['gt_label'] for record in records} == set(range(dataset.metainfo['num_ids']))


@pytest.fixture(scope='module')
def people(tmp_path_factory):
    """A folder with images of three people."""
    root = tmp_path_factory.mktemp('people')
    (root / 'train').mkdir()
    create(root / 'train', [f'000{pid}_c1.jpg' for pid in (1, 2, 3)])
    return str(root)


@pytest.mark.slow
@pytest.mark.parametrize('name', CLASSES)
@settings(profile, max_examples=60)
@given(data=st.data())
def test_a_wrong_argument_is_refused(name, people, data):
    valid = fuzzing.valid_arguments(people)[name]
    build = fuzzing.classes()[name]
    with bounded():
        if not valid:
            assert build() is not None
            return
        key = data.draw(st.sampled_from(sorted(valid)))
        value = data.draw(fuzzing.wrong_values)
        try:
            build(**{**copy.deepcopy(valid), key: value})
        except Exception as error:
            check_refusal(error)


@pytest.mark.parametrize('name', CLASSES)
def test_the_valid_arguments_are_valid(name, people):
    valid = fuzzing.valid_arguments(people)[name]
    assert fuzzing.classes()[name](**valid) is not None


def keys_of(config: dict, above: tuple = ()) -> list:
    found = []
    for key, value in config.items():
        found.append((*above, key))
        if isinstance(value, dict):
            found += keys_of(value, (*above, key))
    return found


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    options = tiny_options(tmp_path_factory.mktemp('fuzz') / 'data')
    return fuzzing.Quiet(load_config(DEMO, options=options).to_dict())


def release_locks() -> None:
    """MMEngine keeps a lock that it holds when a wrong name raises: other threads would wait."""
    while manager._lock._is_owned():
        manager._lock.release()


def build(config: dict) -> Runner:
    """What a training builds before its first step."""
    Path('mine.py').write_text(fuzzing.as_source(config))
    cfg = load_config('mine.py')
    split_batch(cfg, 1)
    cfg.setdefault('work_dir', 'work')
    count_identities(cfg)
    runner = Runner.from_cfg(cfg)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers or [])
    runner._val_loop = runner.build_val_loop(runner._val_loop)
    runner._test_loop = runner.build_test_loop(runner._test_loop)
    return runner


@pytest.mark.slow
@settings(profile, max_examples=120)
@given(data=st.data())
def test_a_changed_config_is_built_or_refused(tiny, data):
    config = copy.deepcopy(dict(tiny))
    *above, key = data.draw(st.sampled_from(keys_of(tiny)))
    place = config
    for name in above:
        place = place[name]
    change = data.draw(st.sampled_from(['remove', 'misspell', 'value']))
    value = place.pop(key)
    if change == 'misspell':
        place[fuzzing.misspell(key, data.draw(st.integers(0, 20)))] = value
    elif change == 'value':
        place[key] = data.draw(
            st.sampled_from(
                [None, True, -1, 0, 0.5, float('nan'), 'word', '', [], {}, [1], {'a': 1}]
            )
        )
    with bounded():
        try:
            build(config)
        except Exception as error:
            check_refusal(error)
        finally:
            release_locks()
