"""A distilled training: its files, its resume, and its use without the teacher."""

import shutil
from types import SimpleNamespace

import pytest
import torch
from mmengine.runner import Runner

from reid_fusedloss.apis import load_model
from reid_fusedloss.apis.fingerprint import of_model
from reid_fusedloss.compat import load_checkpoint_file
from reid_fusedloss.engine.checkpoints import differences
from reid_fusedloss.engine.training.identities import check_teachers_identities
from tests.calling import call
from tests.distillation.teachers import NUM_IDS, write_teacher
from tests.tiny import tiny_config

TERMS = dict(
    feature=dict(
        type='reid_fusedloss.FeatureDistillation', reads='bn', weight=1.0, teacher_dims=64
    ),
    logits=dict(
        type='reid_fusedloss.LogitDistillation', reads='logits', weight=1.0, temperature=4.0
    ),
)


def train(folder, teacher, work_dir, **keys):
    """Two epochs of three steps; the head counts the identities."""
    cfg = tiny_config(folder / 'data', work_dir, train_cfg__val_interval=9)
    cfg.default_hooks.pop('report')
    cfg.default_hooks.checkpoint.update(save_best=None, max_keep_ckpts=-1)
    cfg.custom_hooks = [dict(type='EMAHook')]
    cfg.model.update(type='reid_fusedloss.DistilledClassifier', teacher=teacher)
    cfg.model.head.num_classes = None
    cfg.model.head.loss.terms.update(TERMS)
    for key, value in keys.items():
        cfg[key] = value
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """A training without a stop, and its teacher."""
    folder = tmp_path_factory.mktemp('distilled')
    teacher = write_teacher(folder / 'teacher.pth')
    return SimpleNamespace(
        folder=folder, teacher=teacher, runner=train(folder, teacher, folder / 'straight')
    )


def log_of(work_dir):
    return next(work_dir.rglob('*.log')).read_text()


def test_the_teacher_is_in_no_file(run):
    saved = load_checkpoint_file(run.folder / 'straight' / 'epoch_2.pth')
    projection = 'head.loss_module.terms.feature.projection'
    for state in (saved['state_dict'], saved['ema_state_dict']):
        assert not [name for name in state if 'teacher' in name]
        assert [name for name in state if projection in name]
    trained = [weight for weight in run.runner.model.parameters() if weight.requires_grad]
    optimizer = run.runner.optim_wrapper.optimizer
    assert sum(len(group['params']) for group in optimizer.param_groups) == len(
        list(run.runner.model.parameters())
    )
    assert len(saved['optimizer']['state']) == len(trained)
    assert 'loss_feature' in log_of(run.folder / 'straight')
    assert run.runner.model.head.num_classes == NUM_IDS


def test_a_resume_is_exact_and_names_another_teacher(run, tmp_path):
    resumed = dict(load_from=str(run.folder / 'straight' / 'epoch_1.pth'), resume=True)
    train(run.folder, run.teacher, tmp_path / 'same', **resumed)
    files = [folder / 'epoch_2.pth' for folder in (tmp_path / 'same', run.folder / 'straight')]
    assert not list(differences(*map(load_checkpoint_file, files)))
    assert 'changed since the checkpoint' not in log_of(tmp_path / 'same')
    kept = tmp_path / 'kept.pth'
    shutil.copy(run.teacher['checkpoint'], kept)
    try:
        write_teacher(run.folder / 'teacher.pth', seed=1)
        train(run.folder, run.teacher, tmp_path / 'other', **resumed)
    finally:
        shutil.copy(kept, run.teacher['checkpoint'])
    text = log_of(tmp_path / 'other')
    assert 'in effect from here on: model.teacher.fingerprint ' in text
    assert list(differences(load_checkpoint_file(tmp_path / 'other' / 'epoch_2.pth'),
                            load_checkpoint_file(files[1])))  # fmt: skip


def test_only_the_training_needs_the_teacher(run, tmp_path, monkeypatch):
    """The package's way to load a model, as in export, search and serve, and `test`."""
    file = run.folder / 'teacher.pth'
    moved = file.rename(tmp_path / 'moved.pth')
    try:
        model, cfg = load_model(run.folder / 'straight', device='cpu')
        assert model.teacher is None
        config = next((run.folder / 'straight').glob('*.py'))
        checkpoint = run.folder / 'straight' / 'epoch_2.pth'
        call(monkeypatch, 'test', config, checkpoint, '--work-dir', tmp_path / 'test')
    finally:
        moved.rename(file)
    with_teacher = cfg.copy()
    with_teacher.model.teacher = run.teacher
    assert of_model(model, cfg) == of_model(model, with_teacher)


def test_classes_of_other_people_are_refused(run):
    """Their number may be the same: a checkpoint of this package says who they are."""
    model, loader = run.runner.model, run.runner.train_dataloader
    facts = load_checkpoint_file(run.folder / 'straight' / 'epoch_1.pth')['meta']['training']
    assert model.teacher.trained_on == {}
    check_teachers_identities(model, loader)
    model.teacher.trained_on = facts['data']
    check_teachers_identities(model, loader)
    try:
        model.teacher.trained_on = {**facts['data'], 'identities': 'others'}
        with pytest.raises(ValueError, match='other identities, .* Compare features or relations'):
            check_teachers_identities(model, loader)
    finally:
        model.teacher.trained_on = {}


def test_a_teacher_of_this_package_states_its_people(tmp_path):
    data = dict(identities='abc')
    teacher = write_teacher(tmp_path / 'teacher.pth', training=dict(data=data))
    from reid_fusedloss.distillation import load_teacher
    from reid_fusedloss.registry import MODELS

    preprocessor = MODELS.build(dict(type='mmpretrain.ClsDataPreprocessor'))
    assert load_teacher(teacher, preprocessor).trained_on == data
    assert torch.load(tmp_path / 'teacher.pth', weights_only=True)['meta']
