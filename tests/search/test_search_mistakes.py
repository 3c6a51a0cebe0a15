"""Wrong arguments of tools/search.py, which are found before anything is computed."""

import re

import numpy as np
import pytest

from tests.search.galleries import draw, start

pytest.importorskip('faiss', reason='faiss is not installed')


@pytest.mark.parametrize(
    'arguments, text',
    [
        (['--query', 'nowhere.png'], 'nowhere.png'),
        (['--query', 'v.mp4'], 'is a video'),
        (['--fpir', '.1', '--validation', 'nowhere.npz'], 'no features at nowhere'),
        (['--fpir', '.1', '--validation', 'list.txt'], 'list.txt is not an .npz file'),
        (['--fpir', '1', '--validation', 'v.npz'], 'above 0, below 1, got 1'),
        (['--fpir', '.4', '--validation', 'v.npz'], 'at least 3 strangers, there are 2'),
        (['--fpr', '.5', '--validation', 'v.npz'], 'use --fpir'),
        (['--fpir', '.5', '--validation', 'v.npz'], 'width 3, the model'),
    ],
)
def test_mistakes_are_found_before_the_gallery_is_computed(
    tiny_run, images, embedded, monkeypatch, capsys, arguments, text
):
    monkeypatch.chdir(images)
    (images / 'list.txt').write_text('query/who.png\n')
    (images / 'v.mp4').write_text('')
    np.savez(
        'v.npz', query_f=draw(2, 3), gallery_f=draw(2, 3), query_label=[1, 2], gallery_label=[1, 2]
    )
    assert start(tiny_run, monkeypatch, '--query', 'query', '--gallery', 'gallery', *arguments) == 2
    assert text in capsys.readouterr().err
    assert len(embedded) <= 1  # which tells the width of the features


@pytest.mark.parametrize(
    'arguments, text',
    [
        ([], 'nothing to search in'),
        (['--index', 'nowhere'], 'no gallery in nowhere'),
        (['--gallery', 'nowhere'], 'nowhere'),
        (['--index', 'i', '--fpir', '.1'], 'must be given together'),
        (['--index', 'i', '-k', '0'], 'at least 1'),
        (['--index', 'i', '--threshold', 'nan'], 'nan'),
        (['--features', 'f', '--gallery', 'g'], 'replaces --gallery'),
        (['--features', 'f.npz', '--index', 'i'], 'a folder of'),
        (['--index', 'i', '--prune'], '--prune removes'),
        (['--gallery', 'v.mp4'], 'v.mp4'),
        (['--gallery', 'query', '--kind', 'ivf', '--kind-options', 'nlist=99'], 'at least 99'),
        (['--gallery', 'query', '--kind', 'flat', '--kind-options', 'nlist=9'], "no \\['nlist'\\]"),
    ],
)
def test_wrong_arguments(tiny_run, images, monkeypatch, capsys, arguments, text):
    monkeypatch.chdir(images)
    assert start(tiny_run, monkeypatch, '--query', 'query', *arguments) == 2
    error = capsys.readouterr().err
    assert re.search(text, error), error
