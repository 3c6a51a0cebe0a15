"""Alpha query expansion against a loop over every feature, and its effect on the ranking."""

import numpy as np
import pytest
import torch

from reid_fusedloss.functional import alpha_query_expansion, evaluate_ranking
from tests.oracles import ranking as oracle


def case(seed: int = 0, num: tuple = (7, 40), width: int = 12) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.RandomState(seed)
    return tuple(rng.randn(count, width).astype(np.float32) for count in num)


@pytest.mark.parametrize('expand_gallery', [True, False])
@pytest.mark.parametrize(
    'k, alpha, times',
    [(1, 3.0, 1), (2, 0.0, 1), (5, 3.0, 1), (5, 0.5, 2), (30, 1.0, 3), (99, 3, 1)],
)
def test_equal_to_the_loop(k: int, alpha: float, times: int, expand_gallery: bool) -> None:
    features = case(k)
    options = dict(k=k, alpha=alpha, times=times, expand_gallery=expand_gallery)
    expected = oracle.alpha_query_expansion(*features, **options)
    for backend in ('numpy', 'torch'):
        found = alpha_query_expansion(*features, **options, backend=backend, chunk_size=3)
        for side, expected_side in zip(found, expected):
            np.testing.assert_allclose(side.numpy(), expected_side, atol=2e-6)


def test_defaults() -> None:
    options = dict(k=5, alpha=3.0, times=1, expand_gallery=True)
    for found, expected in zip(
        alpha_query_expansion(*case()), alpha_query_expansion(*case(), **options)
    ):
        assert torch.equal(found, expected)


def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = alpha_query_expansion(*case())
    for numbers in (1, 130):  # one feature, and two
        monkeypatch.setattr('reid_fusedloss.functional.backend.CACHE_SIZE', numbers)
        for side, whole in zip(alpha_query_expansion(*case()), expected):
            torch.testing.assert_close(side, whole)


def test_k_1_only_normalises() -> None:
    query, gallery = case()
    scaled = query * 100
    found = alpha_query_expansion(scaled, gallery, k=1)
    np.testing.assert_allclose(
        found[1], gallery / np.linalg.norm(gallery, axis=1, keepdims=True), atol=1e-6
    )
    assert np.array_equal(scaled, query * 100)


def test_input_is_not_changed_and_the_gallery_stays_where_it_is_not_to_be_expanded() -> None:
    query, gallery = (torch.from_numpy(part) for part in case())
    copies = query.clone(), gallery.clone()
    _, same = alpha_query_expansion(query, gallery, expand_gallery=False)
    assert torch.equal(query, copies[0]) and torch.equal(gallery, copies[1])
    torch.testing.assert_close(same, torch.nn.functional.normalize(gallery), atol=1e-6, rtol=0)


@pytest.mark.parametrize('expand_gallery', [True, False])
def test_zero_vectors_are_nobodys_neighbours(expand_gallery: bool) -> None:
    query, gallery = (
        np.array([[1.0, 0.0], [0.0, 0.0]]),
        np.array([[0.0, 0.0], [0.3, 0.954], [0.0, 0.0]]),
    )
    options = dict(k=2, alpha=1.0, times=1, expand_gallery=expand_gallery)
    expected = oracle.alpha_query_expansion(query, gallery, **options)
    for side, expected_side in zip(alpha_query_expansion(query, gallery, **options), expected):
        np.testing.assert_allclose(side.numpy(), expected_side, atol=1e-6)
    nothing = alpha_query_expansion(query * 0, gallery * 0, **options)
    assert not nothing[0].any() and not nothing[1].any()


def test_zero_vectors_stay_zero() -> None:
    query, gallery = case()
    gallery[3] = 0
    assert alpha_query_expansion(query, gallery)[1][3].abs().max() == 0


def test_helps_on_noisy_clusters() -> None:
    rng = np.random.RandomState(0)
    centers = rng.randn(20, 16)
    pids = np.arange(20).repeat(3), np.arange(20).repeat(8)
    features = [(centers[pid] + 1.3 * rng.randn(len(pid), 16)).astype(np.float32) for pid in pids]
    plain = evaluate_ranking(*features, *pids)['mAP']
    expanded = evaluate_ranking(*features, *pids, query_expansion=dict(k=5))
    assert expanded['mAP'] > plain + 5
    assert evaluate_ranking(*features, *pids, query_expansion=dict(k=1))['mAP'] == (
        pytest.approx(plain, abs=1e-3)
    )


@pytest.mark.parametrize(
    'options, error, words',
    [
        (dict(k=0), ValueError, 'k is at least 1, got 0'),
        (dict(k=2.5), TypeError, '2.5'),
        (dict(k=True), TypeError, 'k is an integer, got True'),
        (dict(alpha=float('inf')), ValueError, 'inf'),
        (dict(times=0), ValueError, 'times'),
        (dict(alpha=-1), ValueError, '-1'),
        (dict(alpha=float('nan')), ValueError, 'nan'),
        (dict(alpha='3'), TypeError, "alpha='3'"),
        (dict(expand_gallery=1), TypeError, 'expand_gallery=1'),
        (dict(chunk_size=0), ValueError, 'chunk_size'),
        (dict(backend='mkl'), ValueError, 'mkl'),
    ],
)
def test_bad_options(options: dict, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        alpha_query_expansion(*case(), **options)
    if 'chunk_size' not in options and 'backend' not in options:
        with pytest.raises(error, match=words):
            evaluate_ranking(*case(), [1] * 7, [1] * 40, query_expansion=options)


def test_unknown_key_is_named() -> None:
    with pytest.raises(ValueError, match="unknown keys .'beta'. in query_expansion"):
        evaluate_ranking(*case(), [1] * 7, [1] * 40, query_expansion=dict(beta=1))
