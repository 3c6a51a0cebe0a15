"""The tools on an exported file: the round trip as a user makes it."""

import json

import numpy as np
import pytest

from reid_fusedloss.apis import load_extraction
from reid_fusedloss.export import open_extractor
from tests.calling import load_tool


@pytest.fixture
def run(monkeypatch):
    """A tool as it is started: its exit status."""

    def start(name, *arguments):
        monkeypatch.setattr('sys.argv', [f'{name}.py', *map(str, arguments)])
        return load_tool(name).main()

    return start


@pytest.fixture
def answers(trained, exported, tmp_path, run):
    """What tools/search.py answers with the training and with its exported file."""
    pytest.importorskip('faiss', reason='needs faiss')
    found = {}
    for name, source in (('torch', trained / 'work'), ('onnx', exported()[0])):
        assert (
            run(
                'search',
                source,
                '--query',
                trained / 'data' / 'query',
                '--gallery',
                trained / 'data' / 'bounding_box_test',
                '--out',
                tmp_path / name,
            )
            == 0
        )
        found[name] = json.loads((tmp_path / name / 'search.json').read_text())['queries']
    return found


@pytest.mark.slow
def test_the_tool_answers_alike(answers):
    names = {
        key: [[hit['img_path'] for hit in query['gallery']] for query in queries]
        for key, queries in answers.items()
    }
    assert names['onnx'] == names['torch'] and len(names['torch'][0]) == 10
    distances = [
        [hit['distance'] for query in queries for hit in query['gallery']]
        for queries in answers.values()
    ]
    np.testing.assert_allclose(*distances, atol=1e-5)


def test_features_on_the_disk_are_alike(trained, exported, inferencer, tmp_path, run):
    assert (
        run(
            'extract_features',
            exported()[0],
            trained / 'data' / 'query',
            '--out',
            tmp_path / 'features',
            '--quiet',
        )
        == 0
    )
    found = load_extraction(tmp_path / 'features')
    expected = inferencer(trained / 'data' / 'query')
    assert found.names == expected.names
    np.testing.assert_allclose(found.features, expected.features, atol=1e-5)


@pytest.mark.slow
def test_a_gallery_of_the_training_takes_the_file(trained, exported, tmp_path, run, capsys):
    """They are one model, and the file says of which weights it is."""
    pytest.importorskip('faiss', reason='needs faiss')
    common = [
        '--query',
        trained / 'data' / 'query',
        '--index',
        tmp_path / 'index',
        '--out',
        tmp_path / 'out',
    ]
    assert run('search', trained / 'work', *common, '--gallery', trained / 'data' / 'query') == 0
    assert run('search', exported()[0], *common, '--gallery', trained / 'data' / 'query') == 0
    assert '0 added, 0 changed' in capsys.readouterr().out


@pytest.mark.parametrize(
    'wrong',
    [
        dict(checkpoint='epoch_1.pth'),
        dict(device='cpu'),
        dict(flip=True),
        dict(normalize=False),
        dict(options={'model.head.test_feature': 'pooled'}),
    ],
)
def test_what_stands_in_the_file_cannot_be_chosen(exported, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        open_extractor(exported()[0], **wrong)
