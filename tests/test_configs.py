"""Every config loads for every data set, dumps, and makes a head that takes a step."""
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, PARAM_SCHEDULERS
from mmpretrain.structures import DataSample

from reid_fusedloss.engine.config import load_config
from tests.tiny import DATASETS, REPOSITORY

CONFIGS = sorted(path for path in (REPOSITORY / 'configs').rglob('*.py') if '_base_' not in path.parts)
DATASET_NAMES = sorted(path.stem for path in DATASETS.glob('*.py') if path.stem != 'reid')


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_loads_dumps_and_reloads(path, tmp_path):
    for name in DATASET_NAMES:
        cfg = load_config(str(path), DATASETS, name)
        assert cfg.train_dataloader.dataset.split == 'train'
        assert cfg.val_dataloader == cfg.test_dataloader
    cfg.dump(tmp_path / 'dumped.py')
    assert Config.fromfile(tmp_path / 'dumped.py').to_dict() == cfg.to_dict()


@pytest.mark.parametrize('path', CONFIGS, ids=lambda path: path.stem)
def test_model_takes_a_step(path):
    cfg = load_config(str(path), DATASETS)
    cfg.model.backbone.init_cfg = None
    cfg.model.head.num_classes = 3
    model = MODELS.build(cfg.model).train()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    before = [p.detach().clone() for p in model.parameters() if p.requires_grad]
    batch = dict(inputs=torch.randint(0, 256, (4, 3, 64, 32), dtype=torch.uint8),
                 data_samples=[DataSample().set_gt_label(i // 2) for i in range(4)])
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    loss, _ = model.parse_losses(losses)
    loss.backward()
    optimizer.step()
    after = [p for p in model.parameters() if p.requires_grad]
    assert loss.isfinite() and len(losses) == len(cfg.model.head.loss.terms)
    assert any(not torch.equal(a, b) for a, b in zip(before, after))
    embedding = model.eval()(batch['inputs'].float())
    assert embedding.shape == (4, cfg.model.head.in_channels)


def test_learning_rate_of_the_papers_schedule():
    cfg = load_config(str(REPOSITORY / 'configs' / 'fusedloss_r50.py'), DATASETS)
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=cfg.optim_wrapper.optimizer.lr)
    schedulers = [PARAM_SCHEDULERS.build(dict(scheduler, optimizer=optimizer))
                  for scheduler in cfg.param_scheduler]
    for epoch in range(120):
        if epoch < 10:
            expected = 3.5e-5 + (3.5e-4 - 3.5e-5) * epoch / 9
        else:
            expected = 3.5e-4 if epoch < 40 else 3.5e-5 if epoch < 70 else 3.5e-6
        assert optimizer.param_groups[0]['lr'] == pytest.approx(expected, rel=1e-6), epoch
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()


def test_erased_pixels_are_zero_after_normalisation():
    """The fill is the mean in BGR order, the order of the image when it is erased."""
    cfg = load_config(str(REPOSITORY / 'configs' / 'fusedloss_r50.py'), DATASETS)
    fill = cfg.train_dataloader.dataset.pipeline.erase.fill_color
    mean, std = cfg.model.data_preprocessor.mean, cfg.model.data_preprocessor.std
    assert list(fill) == list(mean)[::-1]
    for value, centre, scale in zip(fill[::-1], mean, std):
        assert abs((int(value) - centre) / scale) < 0.02
