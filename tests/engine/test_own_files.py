"""Whatever a checkpoint says of files, a run removes and uses those of its own folder alone."""

import os
import signal

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from reid_fusedloss.engine.checkpoints import check_finite, latest_checkpoint
from reid_fusedloss.engine.config import resume
from reid_fusedloss.engine.hooks import ReIDCheckpointHook
from reid_fusedloss.loading import load_checkpoint_file
from tests.tiny import tiny_config

OPTIONS = dict(train_cfg__max_epochs=3, param_scheduler__1__end=3, train_cfg__val_interval=1)


class Stop(Exception):
    pass


class At(Hook):
    """Does something after a step, or when the files of an epoch are about to be removed."""

    priority = 'VERY_HIGH'

    def __init__(self, iteration, act):
        self.iteration, self.act = iteration, act

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == self.iteration:
            self.act()


def kill():
    raise Stop


def build(data, work_dir, checkpoint=None, **options):
    cfg = tiny_config(data, work_dir, **{**OPTIONS, **options})
    cfg.default_hooks.pop('report')
    if checkpoint is not None:
        resume(cfg, str(checkpoint))
    return Runner.from_cfg(cfg)


def hook_of(runner):
    return next(hook for hook in runner.hooks if isinstance(hook, ReIDCheckpointHook))


def names(folder):
    return sorted(path.name for path in folder.glob('*.pth'))


@pytest.fixture(autouse=True)
def _signals():
    yield
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, signal.SIG_DFL)


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """A training of three epochs that keeps all its checkpoints."""
    folder = tmp_path_factory.mktemp('run')
    build(folder / 'data', folder / 'first', default_hooks__checkpoint__max_keep_ckpts=-1).train()
    assert names(folder / 'first')[0].startswith('best_') and len(names(folder / 'first')) == 4
    return folder


def change(source, target, **info):
    """A checkpoint that says something else of files."""
    checkpoint = load_checkpoint_file(source)
    checkpoint['message_hub']['runtime_info'].update(info)
    target.parent.mkdir(exist_ok=True, parents=True)
    torch.save(checkpoint, target)


@pytest.mark.slow
def test_files_that_a_checkpoint_names_elsewhere_stay(run, tmp_path):
    """`--resume OTHER/x.pth --work-dir NEW`, and a forged checkpoint."""
    victim = tmp_path / 'best_of_somebody.pth'
    other = tmp_path / 'other' / 'best_reid_mAP_epoch_1.pth'
    other.parent.mkdir()
    for path in (victim, other):
        path.write_text('precious')
    for number, best in enumerate((str(victim), str(other), '../best_of_somebody.pth', 7, ['x'])):
        change(
            run / 'first' / 'epoch_2.pth',
            tmp_path / 'forged.pth',
            best_ckpt=best,
            best_score=-1.0,
            last_ckpt=best,
            keep_ckpt_ids=['../../best_of_somebody', -1, 1, None],
            outdated_ckpts=['../best_of_somebody.pth', str(victim), 'epoch_/../x.pth', 3],
        )
        work = tmp_path / f'new_{number}'
        runner = build(
            run / 'data',
            work,
            tmp_path / 'forged.pth',
            default_hooks__checkpoint__filename_tmpl='{}.pth',
            default_hooks__checkpoint__max_keep_ckpts=1,
        )
        runner.train()
        assert victim.read_text() == other.read_text() == 'precious'
        assert '3.pth' in names(work)
        saved = load_checkpoint_file(work / '3.pth')['message_hub']['runtime_info']
        assert saved.get('best_ckpt', str(work)).startswith(str(work))
        assert saved['last_ckpt'] == str(work / '3.pth')


@pytest.mark.slow
def test_a_copied_run_goes_on_by_itself(run, tmp_path):
    """Its checkpoints name the files of the run that it is a copy of."""
    for name in ('epoch_1.pth', 'epoch_2.pth', 'last_checkpoint', *names(run / 'first')[:1]):
        (tmp_path / 'copy').mkdir(exist_ok=True)
        (tmp_path / 'copy' / name).write_bytes((run / 'first' / name).read_bytes())
    change(
        run / 'first' / 'epoch_2.pth',
        tmp_path / 'copy' / 'epoch_2.pth',
        best_score=-1.0,
        best_ckpt=str(run / 'first' / names(run / 'first')[0]),
    )
    (tmp_path / 'copy' / 'last_checkpoint').write_text(str(run / 'first' / 'epoch_2.pth'))
    before = names(run / 'first')
    runner = build(
        run / 'data', tmp_path / 'copy', 'auto', default_hooks__checkpoint__max_keep_ckpts=-1
    )
    runner.train()
    assert runner._load_from == str(tmp_path / 'copy' / 'epoch_2.pth')
    assert names(run / 'first') == before
    assert 'best_reid_mAP_epoch_3.pth' in names(tmp_path / 'copy')
    assert len([name for name in names(tmp_path / 'copy') if name.startswith('best_')]) == 1


@pytest.mark.slow
def test_the_branch_that_was_chosen_is_gone_on_with(run, tmp_path):
    """`--resume epoch_1.pth`, then a kill: neither the files after it nor interrupted.pth count."""
    work = tmp_path / 'work'
    work.mkdir()
    for name in names(run / 'first'):
        (work / name).write_bytes((run / 'first' / name).read_bytes())
    (work / 'interrupted.pth').write_bytes((run / 'first' / 'epoch_3.pth').read_bytes())
    (work / 'last_checkpoint').write_text(str(work / 'interrupted.pth'))
    runner = build(run / 'data', work, work / 'epoch_1.pth')
    runner.register_hook(At(5, kill))
    with pytest.raises(Stop):
        runner.train()
    assert latest_checkpoint(work) == str(work / 'epoch_1.pth')
    assert (work / 'interrupted.pth').exists()  # until there is a newer checkpoint
    runner = build(run / 'data', work, 'auto')
    runner.register_hook(At(7, kill))
    with pytest.raises(Stop):
        runner.train()
    assert latest_checkpoint(work) == str(work / 'epoch_2.pth')
    assert not (work / 'interrupted.pth').exists()


@pytest.mark.slow
def test_a_bare_runner_finds_what_was_interrupted(run, tmp_path):
    """`resume=True` without a name: MMEngine's own search finds interrupted.pth."""
    runner = build(run / 'data', tmp_path / 'work')
    runner.register_hook(At(4, lambda: os.kill(os.getpid(), signal.SIGTERM)))
    with pytest.raises(SystemExit):
        runner.train()
    assert (tmp_path / 'work' / 'last_checkpoint').read_text().endswith('/interrupted.pth')
    cfg = tiny_config(run / 'data', tmp_path / 'work', **OPTIONS)
    cfg.default_hooks.pop('report')
    cfg.resume = True
    runner = Runner.from_cfg(cfg)
    runner.register_hook(At(5, kill))
    with pytest.raises(Stop):
        runner.train()
    assert runner.iter == 4  # the step after the four that were done


@pytest.mark.parametrize('auto', [True, False])
def test_files_that_a_kill_left_are_removed(run, tmp_path, auto):
    """It came between the new file and the removal of the old ones."""
    work = tmp_path / 'work'
    change(
        run / 'first' / 'epoch_2.pth',
        work / 'epoch_2.pth',
        keep_ckpt_ids=[2],
        outdated_ckpts=['epoch_1.pth', 'best_reid_mAP_epoch_1.pth', 'epoch_2.pth', 'notes.txt'],
    )
    for name in ('epoch_1.pth', 'best_reid_mAP_epoch_1.pth', 'epoch_0.pth', 'notes.txt'):
        (work / name).write_text('left')
    (work / 'last_checkpoint').write_text(str(work / 'epoch_2.pth'))
    runner = build(run / 'data', work, 'auto' if auto else work / 'epoch_2.pth')
    runner.register_hook(At(7, kill))
    with pytest.raises(Stop):
        runner.train()
    assert names(work) == ['epoch_0.pth', 'epoch_2.pth'] and (work / 'notes.txt').exists()


def test_a_best_checkpoint_is_not_resumed(run, tmp_path):
    """It has no optimizer state, and the schedule would start again."""
    best = run / 'first' / names(run / 'first')[0]
    words = 'best_reid.*has no optimizer state.*set load_from'
    with pytest.raises(ValueError, match=words):
        build(run / 'data', tmp_path / 'work', best).train()
    cfg = tiny_config(run / 'data', tmp_path / 'work', **OPTIONS)
    cfg.load_from, cfg.resume = str(best), True  # a bare Runner
    with pytest.raises(ValueError, match='has no optimizer state'):
        Runner.from_cfg(cfg).train()
    cfg.resume = False
    Runner.from_cfg(cfg).load_or_resume()


@pytest.mark.slow
def test_two_best_checkpoints_go_after_their_successors_are_there(run, tmp_path, monkeypatch):
    keys = ['reid/mAP', 'reid/R1']
    runner = build(
        run / 'data',
        tmp_path,
        default_hooks__checkpoint__save_best=keys,
        default_hooks__checkpoint__rule='greater',
        default_hooks__checkpoint__max_keep_ckpts=1,
        train_cfg__max_epochs=1,
    )
    runner.train()
    hook = hook_of(runner)

    def best():
        return [name for name in names(tmp_path) if name.startswith('best_')]

    assert best() == ['best_reid_R1_epoch_1.pth', 'best_reid_mAP_epoch_1.pth']
    removed = []
    remove = hook.file_backend.remove
    monkeypatch.setattr(
        hook.file_backend,
        'remove',
        lambda path: (removed.append((os.path.basename(path), best())), remove(path)),
    )
    runner.train_loop._epoch = 2
    hook.after_val_epoch(runner, {'reid/mAP': 101.0, 'reid/R1': 0.0})
    assert best() == ['best_reid_R1_epoch_1.pth', 'best_reid_mAP_epoch_2.pth']
    runner.train_loop._epoch = 3
    hook.after_val_epoch(runner, {'reid/mAP': 102.0, 'reid/R1': 101.0})
    assert best() == ['best_reid_R1_epoch_3.pth', 'best_reid_mAP_epoch_3.pth']
    successors = {
        'best_reid_mAP_epoch_1.pth': 'best_reid_mAP_epoch_2.pth',
        'best_reid_mAP_epoch_2.pth': 'best_reid_mAP_epoch_3.pth',
        'best_reid_R1_epoch_1.pth': 'best_reid_R1_epoch_3.pth',
    }
    gone = dict(entry for entry in removed if entry[0].startswith('best_'))
    assert gone.keys() == successors.keys()
    assert all(successors[name] in there for name, there in gone.items())


@pytest.mark.parametrize(
    'name, value, refused',
    [
        ('running_var', torch.nan, True),
        ('running_var', torch.inf, True),
        ('weight', torch.inf, True),
        ('num_batches_tracked', 7, False),
        ('mask', -torch.inf, False),
        ('mask', torch.nan, True),
    ],
)
def test_buffers_count_as_weights(name, value, refused):
    """Infinity has a meaning in a mask."""
    model = torch.nn.Sequential(torch.nn.BatchNorm2d(3))
    model[0].register_buffer('mask', torch.zeros(3))
    with torch.no_grad():
        getattr(model[0], name).fill_(value)
    if not refused:
        return check_finite(model, 3)
    with pytest.raises(FloatingPointError, match=rf"iteration 3: \['0.{name}'\] \(1 in all\)"):
        check_finite(model, 3)


@pytest.mark.slow
def test_a_run_that_is_not_finite_leaves_its_last_good_checkpoint(run, tmp_path):
    """At an epoch's end, in an interruption, and as the best."""
    work = tmp_path / 'work'
    runner = build(run / 'data', work)

    def spoil():
        runner.model.backbone.bn1.running_mean[0] = torch.nan
        os.kill(os.getpid(), signal.SIGTERM)

    runner.register_hook(At(5, spoil))
    with pytest.raises(SystemExit):
        runner.train()
    assert not (work / 'interrupted.pth').exists()
    assert latest_checkpoint(work) == str(work / 'epoch_1.pth')
    runner.message_hub.update_info('best_score', -1.0)
    with pytest.raises(FloatingPointError):
        hook_of(runner).after_val_epoch(runner, {'reid/mAP': 100.0})
    assert 'best_reid_mAP_epoch_1.pth' in names(work)
