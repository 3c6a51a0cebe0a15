"""What the page says, without the page."""

import shutil
import sys
from configparser import ConfigParser
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from reid_fusedloss.search import GalleryIndex, OpenSetThreshold, load_index, save_index
from reid_fusedloss.web import Answers, QuestionError, serve
from reid_fusedloss.web.markup import answer_page, message
from reid_fusedloss.web.page import introduction, respond
from tests.tiny import REPOSITORY


def features_of(inferencer, paths):
    return inferencer([str(path) for path in paths]).features.astype(float)


def test_answer_is_the_order_of_the_distances(answers, folder, inferencer):
    query = sorted((folder / 'data' / 'query').iterdir())[1]
    gallery = [entry.name for entry in answers.index.entries]
    distances = 1 - (features_of(inferencer, gallery) @ features_of(inferencer, [query])[0])
    order = np.argsort(distances, kind='stable')[:5]
    answer = answers.ask(str(query), 5)
    assert [hit.entry.name for hit in answer.hits] == [gallery[row] for row in order]
    assert [hit.distance for hit in answer.hits] == pytest.approx(distances[order], abs=1e-5)
    assert answer.query.name == str(query) and answer.query.image.shape == (48, 24, 3)
    nearest = distances.min()
    assert answers.ask(str(query), 1, threshold=nearest + 0.01).known
    assert not answers.ask(str(query), 1, threshold=nearest - 0.01).known
    assert answers.ask(str(query), 1, threshold=2).known


def test_reranked_answers_stand_in_their_own_order(answers, folder):
    query = str(next((folder / 'data' / 'query').iterdir()))
    hits = answers.ask(query, 8, rerank=True).hits
    assert [hit.reranked for hit in hits] == sorted(hit.reranked for hit in hits)
    assert 're-ranked' in answer_page(answers.ask(query, 8, rerank=True))


def test_who_is_claimed_is_the_nearest_whatever_comes_first(answers, folder):
    asked = (
        answers.ask(str(query), 50, threshold=1.9)
        for query in sorted((folder / 'data' / 'query').iterdir())
    )
    answer = next(answer for answer in asked if answer.hits[0].entry.pid is not None)
    first = answer.hits[0].entry
    others = [hit for hit in answer.hits if hit.entry.pid not in (first.pid, None)]
    assert first == answer.nearest_entry and others
    verdict = answer_page(replace(answer, hits=others)).split('<ol')[0]
    assert f'<strong>identity {first.pid}</strong>' in verdict


@pytest.mark.parametrize(
    'arguments, words',
    [
        ((None, 5), 'Choose an image'),
        (('', 5), 'Choose an image'),
        (('{folder}/broken.jpg', 5), '“broken.jpg” is not an image'),
        (('{folder}/gone.jpg', 5), '“gone.jpg” is not an image'),
        (('{query}', 0), '1 or more'),
        (('{query}', 2.5), '1 or more'),
        (('{query}', None), '1 or more'),
        (('{query}', float('inf')), '1 or more'),
        (('{query}', 5, False, None), 'a number'),
        (('{query}', 5, False, float('nan')), 'a number'),
    ],
)
def test_questions_without_an_answer(answers, folder, arguments, words):
    query = next((folder / 'data' / 'query').iterdir())
    path = arguments[0] and arguments[0].format(folder=folder, query=query)
    arguments = (path, *arguments[1:])
    with pytest.raises(QuestionError, match=words):
        answers.ask(*arguments)
    shown = respond(answers, *(*arguments, False, 2.0)[:4])
    assert shown[0] == '' and 'role="alert"' in shown[1] and words in shown[1]


def test_no_answer_where_nothing_is_found(answers, folder, monkeypatch):
    """An index of cells looks into some; here all images lie in others."""
    query = next((folder / 'data' / 'query').iterdir())
    features = np.eye(4, answers.index.dims, dtype=np.float32)
    index = GalleryIndex(answers.index.dims, dict(type='ivf', nlist=4, nprobe=1))
    index.add(features, list('abcd'))
    index.remove([index.search(answers.inferencer([str(query)]).features, 1).hits[0][0].entry.name])
    other = Answers(answers.inferencer, index)
    with pytest.raises(QuestionError, match='Nothing was found'):
        other.ask(str(query), 1)
    assert 'Nothing was found' in respond(other, str(query), 1, False, 2.0)[1]


def test_weights_that_give_no_features(answers, folder, monkeypatch):
    query = str(next((folder / 'data' / 'query').iterdir()))
    monkeypatch.setattr(
        answers.inferencer,
        'embed',
        lambda samples: np.full((len(samples), answers.index.dims), np.nan, np.float32),
    )
    shown, page = respond(answers, query, 1, False, 2.0)
    assert shown == '' and 'not finite' in page and 'role="alert"' in page


def test_galleries_that_cannot_answer(inferencer, answers):
    with pytest.raises(ValueError, match='empty'):
        Answers(inferencer, GalleryIndex(inferencer.feat_dims))
    other = GalleryIndex(3)
    other.add(np.eye(3, dtype=np.float32), ['a', 'b', 'c'])
    with pytest.raises(ValueError, match='width 3'):
        Answers(inferencer, other)
    stranger = GalleryIndex(inferencer.feat_dims, model='another')
    stranger.add(np.ones((1, inferencer.feat_dims), np.float32), ['a'])
    with pytest.raises(ValueError, match='another'):
        Answers(inferencer, stranger)
    assert answers.default_threshold == 2
    index = GalleryIndex(inferencer.feat_dims)
    index.add(np.ones((1, inferencer.feat_dims), np.float32), ['a'])
    index.threshold = OpenSetThreshold(0.4)
    assert Answers(inferencer, index).default_threshold == 0.4


@pytest.mark.slow
def test_a_gallery_that_changes_on_the_disk(answers, folder, inferencer, tmp_path):
    """The next question is answered from its new state, labels and all, or says why not."""
    query = str(min((folder / 'data' / 'query').iterdir()))
    place = tmp_path / 'index'
    save_index(answers.index.rebuilt('flat'), place)
    page = Answers(inferencer, load_index(place), place)
    first, known = page.index, page.ask(query, 1).nearest_entry.name
    assert page.index is first, 'an index that has not changed is not loaded again'
    writer = load_index(place)
    writer.add(inferencer([query]).features, [query], pids=['new'])
    writer.threshold = 0.3
    save_index(writer, place)
    hit = page.ask(query, 1).hits[0]
    assert (hit.entry.name, hit.entry.pid) == (query, 'new') != (known, 'new')
    assert f'{len(first) + 1} images' in introduction(page) and page.default_threshold == 0.3
    writer.remove([query])
    save_index(writer, place)
    assert page.ask(query, 1).hits[0].entry.name == known

    stranger = GalleryIndex(inferencer.feat_dims, model='another')
    stranger.add(np.ones((1, inferencer.feat_dims), np.float32), ['a'])
    other = tmp_path / 'other'
    save_index(stranger, other)
    place.rename(tmp_path / 'away')
    for state in (None, other):
        if state is not None:
            state.rename(place)
        with pytest.raises(QuestionError, match='has changed on the disk and cannot be used'):
            page.ask(query, 1)
        assert 'cannot be used' in respond(page, query, 1, False, 2.0)[1]
        assert 'cannot be used' in introduction(page)
    shutil.rmtree(place)
    (tmp_path / 'away').rename(place)
    assert page.ask(query, 1).hits[0].entry.name == known


def test_releases_of_gradio(answers, monkeypatch):
    monkeypatch.setitem(sys.modules, 'gradio', SimpleNamespace(__version__='5.50.0'))
    with pytest.raises(
        ImportError,
        match=r'needs gradio 6, 5\.50\.0 is installed: pip install '
        r"'gradio>=6,<7'",
    ):
        serve(answers, block=False)
    wanted = ConfigParser()
    wanted.read(REPOSITORY / 'setup.cfg')
    assert 'gradio>=6,<7' in wanted['options.extras_require']['web'].split()


def test_what_is_to_be_installed(answers, monkeypatch):
    monkeypatch.setitem(sys.modules, 'gradio', None)
    with pytest.raises(ImportError, match=r"pip install 'reid_fusedloss\[web\]'"):
        serve(answers, block=False)


def test_texts_from_outside_stay_texts(answers, folder, inferencer):
    index = GalleryIndex(inferencer.feat_dims)
    index.add(
        np.ones((1, inferencer.feat_dims), np.float32),
        ['/no/<b>&".jpg'],
        pids=['<i>'],
        camids=['"'],
    )
    query = str(next((folder / 'data' / 'query').iterdir()))
    page = answer_page(Answers(inferencer, index).ask(query, 1))
    assert '<b>&' not in page and '<i>' not in page
    assert '&lt;b&gt;&amp;&quot;.jpg' in page and 'no picture' in page
    assert '<script>' not in message('<script>')


def test_pictures_come_with_the_page(answers, folder):
    query = str(next((folder / 'data' / 'query').iterdir()))
    shown, page = respond(answers, query, 3, False, 2.0)
    assert page.count('<img src="data:image/jpeg;base64,') == 3
    assert shown.count('<img src="data:image/jpeg;base64,') == 2
    assert (page + shown).count('alt="') == 5 and 'http' not in page + shown
    assert str(Path(query).parent) not in page + shown
