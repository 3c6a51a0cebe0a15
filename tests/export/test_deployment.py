"""The tool as a user calls it, and what docs/deployment.md says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest

from reid_fusedloss.commands import export
from reid_fusedloss.export import OnnxModel, read_card
from tests.calling import call
from tests.tiny import REPOSITORY

PAGE = (REPOSITORY / 'docs' / 'deployment.md').read_text()
BLOCKS = re.findall(r'```python\n(.*?)```', PAGE, flags=re.DOTALL)


def run_tool(monkeypatch, *arguments):
    call(monkeypatch, 'export_onnx', *arguments)


@pytest.mark.slow
def test_the_tool(trained, inferencer, tmp_path, monkeypatch, capsys):
    """Options between its positional arguments; the checkpoint is the one that is named."""
    monkeypatch.chdir(tmp_path)
    work = trained / 'work'
    (config,) = work.glob('*.py')
    run_tool(
        monkeypatch,
        config,
        work / 'epoch_1.pth',
        '--normalise',
        'outside',
        'models/a.onnx',
        '--images',
        trained / 'data' / 'query',
    )
    assert re.search(
        r'written: models/a.onnx; features of 8 images differ .* [\d.]+e-0[678]',
        capsys.readouterr().out,
    )
    assert read_card('models/a.onnx').normalise == 'outside'
    image = trained / 'data' / 'query'
    found = OnnxModel('models/a.onnx', progress=False)(image).features
    assert np.abs(found - inferencer(image).features).max() > 1e-4  # of the last epoch
    with pytest.raises(ValueError, match='give the checkpoint too'):
        run_tool(monkeypatch, config, 'b.onnx')
    with pytest.raises(ValueError, match='b.pt'):
        run_tool(monkeypatch, work, 'b.pt')


@pytest.mark.parametrize(
    'options',
    [
        dict(),
        dict(normalise='outside', channel_order='bgr'),
        dict(input_type='uint8', channel_order='bgr'),
    ],
    ids=str,
)
def test_onnxruntime_without_this_package(options, exported, inferencer, tmp_path, monkeypatch):
    """The page's lines give our features of a file, whatever the export's keys."""
    (lines,) = (block for block in BLOCKS if 'import onnxruntime' in block)
    assert 'reid_fusedloss' not in lines
    image = np.random.default_rng(0).integers(0, 256, (60, 40, 3), dtype=np.uint8)
    monkeypatch.chdir(tmp_path)
    cv2.imwrite('person.png', image)
    lines = lines.replace('demo.onnx', str(exported(**options)[0])).replace('.jpg', '.png')
    found = {}
    exec(lines, found)
    np.testing.assert_allclose(found['features'], inferencer('person.png').features, atol=1e-4)


@pytest.mark.parametrize(
    'entry, value', [('resize_backend', 'pillow'), ('interpolation', 'bicubic')]
)
def test_those_lines_refuse_what_they_do_not_do(entry, value, exported, tmp_path):
    (lines,) = (block for block in BLOCKS if 'import onnxruntime' in block)
    model = onnx.load(exported()[0])
    next(prop for prop in model.metadata_props if prop.key == entry).value = value
    onnx.save(model, tmp_path / 'other.onnx')
    with pytest.raises(ValueError, match='resize otherwise'):
        exec(lines.replace('demo.onnx', str(tmp_path / 'other.onnx')), {})


@pytest.mark.slow
def test_the_reader_of_the_file_alone(exported, make_images, tmp_path):
    """The page's lines in a process of their own, where no config has set a scope."""
    (lines,) = (block for block in BLOCKS if 'import OnnxModel' in block)
    make_images(tmp_path / 'folder', ['a.jpg', 'b.jpg'])
    make_images(tmp_path, ['person.jpg'])
    lines = lines.replace('demo.onnx', str(exported()[0])) + 'print(extraction.features.shape)'
    done = subprocess.run(
        [sys.executable, '-c', lines],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(REPOSITORY)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == '(3, 64)'


def test_the_page_names_every_entry_and_key(exported):
    card = exported()[1].card
    for entry in card.to_props():
        assert f'`{entry}`' in PAGE, entry
    for key in re.findall(r'--[a-z][\w-]+', Path(export.__file__).read_text()):
        assert key in PAGE or key in ('--trust-checkpoint', '--cfg-options'), key
