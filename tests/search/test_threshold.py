"""The threshold of a gallery: chosen for its size, kept with it, outgrown, of an older version."""

import json

import numpy as np
import pytest

from reid_fusedloss import logs
from reid_fusedloss.apis.labels import parse_labels
from reid_fusedloss.search import (
    GalleryIndex,
    OpenSetThreshold,
    check_validation,
    choose_threshold,
    load_index,
    save_index,
)
from tests.oracles import identification as oracle
from tests.search.galleries import draw, unit

pytest.importorskip('faiss', reason='faiss is not installed')


def identities(seed, count):
    """Features around eight centres, with pids and cameras; the gallery alone has pid 8."""
    rng = np.random.default_rng(seed)
    pids = rng.integers(0, 8 + seed % 2, count)
    features = draw(9)[pids] + 1.2 * draw(count, seed=seed)
    return features.astype(np.float32), pids, rng.integers(0, 3, count)


QUERY, GALLERY = identities(2, 40), identities(1, 12)
VALIDATION = [column for pair in zip(QUERY, GALLERY) for column in pair]


@pytest.mark.parametrize('size', [3, 10, 12, None])
@pytest.mark.parametrize('cameras', [True, False])
def test_it_is_that_of_all_galleries_of_the_size(size, cameras):
    given = VALIDATION if cameras else VALIDATION[:4]
    chosen = choose_threshold(*given, fpir=0.2, gallery_size=size, model='m')
    distances = 1 - unit(QUERY[0].astype(float)) @ unit(GALLERY[0].astype(float)).T
    pids = QUERY[1], GALLERY[1]
    wanted = size or 12
    others = np.mean([np.sum(GALLERY[1] != pid) for pid in QUERY[1]])
    rate = 1 - 0.8 ** min(1, others / wanted)  # of the entries that are there
    assert oracle.mean_fpir(distances, *pids, wanted, chosen.distance - 1e-6) <= rate + 1e-9
    assert oracle.mean_fpir(distances, *pids, wanted, chosen.distance + 1e-6) > rate
    found = oracle.mean_dir(distances, wanted, chosen.distance - 1e-6, *given[2:])
    assert chosen.dir == pytest.approx(found)
    assert (
        chosen.fpir,
        chosen.gallery_size,
        chosen.num_strangers,
        chosen.validation_size,
        chosen.model,
    ) == (0.2, wanted, 40, 12, 'm')
    assert f'FPIR 0.2 in a gallery of {wanted} entries, chosen on 40 queries' in chosen.describe()


def test_a_smaller_validation_set_is_scaled_up_and_says_so():
    distances = [
        choose_threshold(*VALIDATION, fpir=0.3, gallery_size=size).distance
        for size in (2, 12, 40, 100)
    ]
    assert distances == sorted(distances, reverse=True) and len(set(distances)) == 4
    text = choose_threshold(*VALIDATION, fpir=0.3, gallery_size=40).describe()
    assert '(scaled up from the 12 of the validation set)' in text
    assert text.endswith('% among these, lower in the gallery')
    with pytest.raises(
        ValueError,
        match='FPIR 0.1 in a gallery of 900 entries is 0.001.* in the '
        '12 of the validation set, .* there are 40',
    ):
        choose_threshold(*VALIDATION, fpir=0.1, gallery_size=900)


def test_without_known_people_there_is_no_dir():
    chosen = choose_threshold(QUERY[0], GALLERY[0], QUERY[1] + 100, GALLERY[1], fpir=0.1)
    assert chosen.dir is None and 'DIR' not in chosen.describe()


@pytest.mark.parametrize(
    'wrong, text',
    [
        (dict(fpir=1), 'above 0, below 1, got 1'),
        (dict(fpir=0), 'above 0, below 1, got 0'),
        (dict(fpir=0.02), 'FPIR 0.02 needs at least 50 strangers, there are 40'),
        (dict(query_pids=np.zeros(40, int), gallery_pids=np.zeros(12, int)), 'no stranger'),
        (dict(query_pids=[1, 2]), '40 query and 12 gallery features, but 2 and 12 pids'),
        (dict(query=QUERY[0] * np.nan), 'NaN'),
    ],
)
def test_wrong_input(wrong, text):
    given = (
        dict(
            query=QUERY[0],
            gallery=GALLERY[0],
            query_pids=QUERY[1],
            gallery_pids=GALLERY[1],
            fpir=0.1,
        )
        | wrong
    )
    with pytest.raises(ValueError, match=text):
        choose_threshold(**given)
    with pytest.raises(ValueError, match=text):
        check_validation(*list(given.values())[:4], fpir=given['fpir'])


@pytest.mark.parametrize(
    'given, error',
    [
        (dict(distance=float('nan')), ValueError),
        (dict(distance='near'), TypeError),
        (dict(distance=0.3, fpir=0.1), TypeError),
        (dict(distance=0.3, gallery_size=5), TypeError),
        (dict(distance=0.3, fpir=2, gallery_size=5), ValueError),
        (dict(distance=0.3, fpir=0.1, gallery_size=0), ValueError),
    ],
)
def test_half_a_threshold_is_refused(given, error):
    with pytest.raises(error):
        OpenSetThreshold(**given)


def test_of_another_model_is_refused():
    index = GalleryIndex(12, model='m')
    index.threshold = OpenSetThreshold(0.3, model='m')
    with pytest.raises(ValueError, match="'m', these are of 'other'"):
        index.threshold = OpenSetThreshold(0.3, model='other')
    assert index.threshold.model == 'm'


def test_a_gallery_outgrows_it():
    threshold = OpenSetThreshold(0.3, 0.01, 1000)
    assert threshold.warning(1000) == threshold.warning(500) == threshold.warning(1250) == ''
    text = threshold.warning(3000)
    assert 'has 3000 entries, 3.0 times the 1000' in text and '0.03 in place of 0.01' in text
    assert threshold.expected_fpir(3000) == pytest.approx(1 - 0.99**3)
    by_hand = OpenSetThreshold(0.3)
    assert by_hand.warning(10**6) == '' and by_hand.expected_fpir(5) is None
    assert by_hand.describe() == 'threshold 0.3000, set by hand'


@pytest.mark.parametrize(
    'stored, kept, said',
    [
        (
            dict(distance=0.4, fpr=1e-3, tpr=0.9, num_positives=10, num_negatives=100),
            None,
            'the threshold 0.4000 of an older version is not used: its rate of 0.001 counted pairs',
        ),
        (
            dict(distance=0.4, fpr=None, tpr=None, num_positives=None, num_negatives=None),
            OpenSetThreshold(0.4),
            '',
        ),
    ],
)
def test_an_index_of_an_older_version_is_loaded(tmp_path, monkeypatch, stored, kept, said):
    index = GalleryIndex(12)
    index.add(draw(2), ['a', 'b'])
    save_index(index, tmp_path)
    manifest = json.loads((tmp_path / 'manifest.json').read_text())
    (tmp_path / 'manifest.json').write_text(json.dumps(manifest | dict(threshold=stored)))
    lines = []
    monkeypatch.setattr(logs, 'print_log', lambda line, **options: lines.append(line))
    assert load_index(tmp_path).threshold == kept
    assert len(lines) == bool(said) and said in ''.join(lines) and '\n' not in ''.join(lines)


def test_distractors_of_market_are_nobody():
    assert parse_labels('0000_c1s1_000151_01.jpg') == (None, '1')
    assert parse_labels('0000_c2_x.jpg', r'(?P<pid>\d+)_c(?P<camid>\d+)') == ('0000', '2')
