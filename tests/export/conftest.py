"""A tiny training and its exports, made once."""

import pytest
from mmengine.runner import Runner

from reid_fusedloss.apis import ReIDInferencer
from reid_fusedloss.export import export_onnx
from tests.tiny import tiny_config

pytest.importorskip('onnx', reason='needs onnx')
pytest.importorskip('onnxruntime', reason='needs onnxruntime')


@pytest.fixture(scope='package')
def trained(tmp_path_factory):
    """Folder of a tiny training: `work` and `data`."""
    folder = tmp_path_factory.mktemp('export')
    cfg = tiny_config(folder / 'data', folder / 'work')
    del cfg.default_hooks.report
    Runner.from_cfg(cfg).train()
    return folder


@pytest.fixture(scope='package')
def inferencer(trained):
    return ReIDInferencer(trained / 'work', device='cpu', progress=False)


@pytest.fixture(scope='package')
def exported(trained, inferencer):
    """(file, export) of a set of options, each written once."""
    made = {}

    def export(**options):
        key = tuple(sorted(options.items()))
        if key not in made:
            path = trained / f'{len(made)}.onnx'
            made[key] = path, export_onnx(inferencer, path, **options)
        return made[key]

    return export
