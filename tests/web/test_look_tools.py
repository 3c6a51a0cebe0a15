"""tools/explain.py and tools/serve.py, called as a user does, in this process."""

import os
import sys

import pytest

from reid_fusedloss.search import load_index, save_index
from reid_fusedloss.web.page import respond
from tests.calling import load_tool
from tests.visualization.pictures import read


@pytest.fixture
def start(folder, monkeypatch):
    """Run a tool in the folder; its exit status."""
    monkeypatch.chdir(folder)

    def run(tool, *arguments):
        monkeypatch.setattr(
            sys,
            'argv',
            [f'{tool.__name__}.py', 'tiny.py', 'a.pth', '--device', 'cpu', *map(str, arguments)],
        )
        return tool.main()

    return run


def test_explain(start, folder, capsys):
    tool = load_tool('explain')
    assert start(tool, '--images', 'data/query', 'broken.jpg', '--out', 'one.png') == 0
    assert 'unreadable: broken.jpg: image broken.jpg cannot be decoded' in capsys.readouterr().out
    assert read(folder / 'one.png').shape[1] <= 1200
    assert start(tool, '--images', 'broken.jpg') == 1
    assert start(tool, '--images', 'data', '--recursive', '--num-images', 2) == 0
    assert ' images: the first 2 are drawn' in capsys.readouterr().out


def test_names_that_are_no_text(start, folder, capsys, monkeypatch):
    """On the terminal, in the picture, on the page."""
    pytest.importorskip('gradio')
    images, given = folder / 'no text', []
    images.mkdir()
    seen, torn = (images / os.fsdecode(name) for name in (b'caf\xe9.jpg', b'torn\xe9.jpg'))
    seen.write_bytes(min((folder / 'data' / 'query').iterdir()).read_bytes())
    torn.write_text('no image')
    assert start(load_tool('explain'), '--images', images, '--out', 'no_text.png') == 0
    assert 'unreadable: ' in (said := capsys.readouterr().out) and 'torn\\udce9.jpg' in said
    assert read(folder / 'no_text.png').size
    tool = load_tool('serve')
    monkeypatch.setattr(tool.job, 'serve', lambda *arguments: given.append(arguments))
    assert start(tool, '--gallery', images) == 0
    assert 'torn\\udce9.jpg' in capsys.readouterr().out
    answers = given[0][0]
    for path, name in ((seen, 'caf'), (torn, 'torn')):
        page = ''.join(respond(answers, str(path), 1, False, 2.0))
        assert f'{name}\\udce9.jpg' in page and page.encode()
    save_index(answers.index, folder / 'no text index')
    seen.unlink()
    assert start(tool, '--index', 'no text index') == 0
    assert 'such as ' in (said := capsys.readouterr().out) and 'caf\\udce9.jpg' in said


def test_explain_a_pair(start, folder, capsys):
    pytest.importorskip('pytorch_grad_cam')
    tool = load_tool('explain')
    first, second, *_ = sorted((folder / 'data' / 'query').iterdir())
    assert start(tool, '--images', second, '--against', first, '--out', 'pair.png') == 0
    assert start(tool, '--images', second, '--out', 'alone.png') == 0
    assert read(folder / 'pair.png').shape[1] > read(folder / 'alone.png').shape[1]


@pytest.mark.parametrize(
    'arguments, words',
    [
        (['--images', 'gone.jpg'], 'gone.jpg'),
        (['--images', 'data'], 'subfolders too with recursive'),
        (['--images', 'data/query', '--methods', 'similarity'], 'against'),
        (['--images', 'data/query', '--methods', 'energy', '--against', 'a.jpg'], '--methods'),
        (['--images', 'data/query', '--identity', '3'], '--methods'),
        (['--images', 'data/query', '--num-images', '0'], '--num-images 0'),
        (['--images', 'data/query', '--layer', 'layer9'], 'layer9'),
        (['--images', 'data/query', '--against', 'broken.jpg'], 'broken.jpg'),
    ],
)
def test_explain_mistakes(start, capsys, arguments, words):
    assert start(load_tool('explain'), *arguments) == 2
    assert words in capsys.readouterr().err


def test_serve(start, folder, capsys, monkeypatch):
    """With --gallery, and with the same gallery from the disk after one of its files has gone."""
    pytest.importorskip('gradio')
    tool, given = load_tool('serve'), []
    monkeypatch.setattr(tool.job, 'serve', lambda *arguments: given.append(arguments))
    copy = folder / 'copy.jpg'
    query = min((folder / 'data' / 'query').iterdir())
    copy.write_bytes(query.read_bytes())
    assert start(tool, '--gallery', 'data/bounding_box_test', copy, 'broken.jpg', '--port', 0) == 0
    assert 'broken.jpg' in capsys.readouterr().out
    answers, port, host = given[0]
    assert (port, host) == (0, '127.0.0.1')
    assert answers.ask(str(query), 1).hits[0].entry.name == str(copy)
    save_index(answers.index, folder / 'index')
    copy.unlink()
    assert start(tool, '--index', 'index') == 0
    assert f'1 of {len(answers.index)} entries have no file here' in capsys.readouterr().out
    assert given[1][0].ask(str(query), 1).hits[0].entry.name == str(copy)
    assert len(load_index(folder / 'index')) == len(given[1][0].index)


def test_serve_an_exported_model(folder, inferencer, answers, monkeypatch):
    """It answers as the model that it was exported from; it does not tell where it looked."""
    for package in ('gradio', 'onnx', 'onnxruntime'):
        pytest.importorskip(package)
    from reid_fusedloss.export import export_onnx

    tool, given = load_tool('serve'), []
    monkeypatch.setattr(tool.job, 'serve', lambda *arguments: given.append(arguments))
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, 'argv', ['serve.py', 'page.onnx', '--gallery', 'data/query'])
    export_onnx(inferencer, 'page.onnx')
    assert tool.main() == 0
    exported, query = given[0][0], str(max((folder / 'data' / 'query').iterdir()))
    answer = exported.ask(query, 3)
    assert answer.hits[0].entry.name == query and answer.hits[0].distance == pytest.approx(0)
    assert not answer.query.maps
    assert (answer.query.image == answers.ask(query, 1).query.image).all()
    shown, page = respond(exported, query, 3, False, 2.0)
    assert shown.count('<img ') == 1 and page.count('<img ') == 3
    assert 'not an image that can be read' in respond(exported, 'broken.jpg', 3, False, 2.0)[1]


@pytest.mark.parametrize(
    'arguments, words',
    [
        (['--gallery', 'gone'], 'gone'),
        (['--index', 'data'], 'no gallery in data'),
        (['--gallery', 'broken.jpg'], 'the gallery is empty'),
        (['--gallery', 'data/query', '--port', '99999'], 'port=99999'),
        (['--gallery', 'data/query', '--host', ''], "host ''"),
        (['--gallery', 'data/query', '--host', '192.0.2.1'], 'not an address of this machine'),
    ],
)
def test_serve_mistakes(start, capsys, arguments, words):
    pytest.importorskip('gradio')
    assert start(load_tool('serve'), *arguments) == 2
    assert words in capsys.readouterr().err


def test_what_is_missing_is_said_before_anything_is_computed(start, capsys, monkeypatch):
    tool = load_tool('serve')
    monkeypatch.setitem(sys.modules, 'gradio', None)
    monkeypatch.setattr(tool.job, 'open_extractor', None)
    assert start(tool, '--gallery', 'data/query') == 2
    assert "pip install 'reid_fusedloss[web]'" in capsys.readouterr().err
