"""Distances: differences in float64 as oracle, types, gradients, blocks, bad input."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from reid_fusedloss.functional.distance import (
    cosine_distance,
    distance_blocks,
    euclidean_distance,
    squared_euclidean_distance,
)
from reid_fusedloss.functional.features import as_features

RNG = np.random.RandomState(0)
Distance = Callable[[Tensor, Tensor], Tensor]

X, Y = torch.from_numpy(RNG.randn(7, 5)), torch.from_numpy(RNG.randn(9, 5))
SQUARED = ((X[:, None] - Y[None]) ** 2).sum(-1)
COSINE = torch.stack([1 - (x * Y).sum(1) / x.norm() / Y.norm(dim=1) for x in X])
ORACLES = [
    (squared_euclidean_distance, SQUARED),
    (euclidean_distance, SQUARED.sqrt()),
    (cosine_distance, COSINE),
]


@pytest.mark.parametrize('function, expected', ORACLES)
@pytest.mark.parametrize(
    'dtype, tolerance',
    [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.float16, 5e-2), (torch.bfloat16, 0.5)],
)
def test_equal_to_differences(
    function: Distance, expected: Tensor, dtype: torch.dtype, tolerance: float
) -> None:
    result = function(X.to(dtype), Y.to(dtype))
    assert result.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    torch.testing.assert_close(result.double(), expected, atol=tolerance, rtol=0)


@pytest.mark.parametrize('function, expected', ORACLES)
def test_gradient(function: Distance, expected: Tensor) -> None:
    x, y = X.clone().requires_grad_(), Y.clone().requires_grad_()
    torch.testing.assert_close(function(x, y), expected)
    assert torch.autograd.gradcheck(function, (x, y))


@pytest.mark.parametrize('function, expected', ORACLES)
@pytest.mark.parametrize('needs_grad', [True, False])
def test_autocast_does_not_lower_the_precision(
    function: Distance, expected: Tensor, needs_grad: bool
) -> None:
    x = X.float().requires_grad_(needs_grad)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        result = function(x, Y.float())
    torch.testing.assert_close(result.double(), expected, atol=1e-5, rtol=0)


def test_gradient_at_distance_zero_is_zero() -> None:
    x = torch.ones(3, 4, requires_grad=True)
    distances = euclidean_distance(x, x)
    distances.sum().backward()
    assert (distances == 0).all()
    assert (x.grad == 0).all()


def test_rounding_never_makes_a_distance_negative() -> None:
    x = torch.from_numpy(100 + RNG.randn(50, 64)).float()
    x = torch.cat([x, x + 1e-6])
    assert (squared_euclidean_distance(x, x) >= 0).all()
    assert euclidean_distance(x, x).isfinite().all()


def test_zero_vector_has_cosine_distance_one_and_finite_gradient() -> None:
    x = torch.zeros(1, 4, requires_grad=True)
    distances = cosine_distance(x, torch.cat([torch.ones(1, 4), torch.zeros(1, 4)]))
    distances.sum().backward()
    assert distances.tolist() == [[1, 1]]
    assert x.grad.isfinite().all()


@pytest.mark.parametrize(
    'x, y, error',
    [
        (torch.ones(2, 3), torch.ones(2, 4), ValueError),
        (torch.ones(3), torch.ones(2, 3), ValueError),
        (torch.ones(2, 3).int(), torch.ones(2, 3), TypeError),
    ],
)
@pytest.mark.parametrize('function', [f for f, _ in ORACLES])
def test_bad_input(function: Distance, x: Tensor, y: Tensor, error: type[Exception]) -> None:
    with pytest.raises(error):
        function(x, y)


@pytest.mark.parametrize(
    'distance, function', [('cosine', cosine_distance), ('euclidean', euclidean_distance)]
)
@pytest.mark.parametrize('chunk_size', [1, 3, 100])
def test_blocks_are_rows_of_the_matrix(distance: str, function: Distance, chunk_size: int) -> None:
    blocks = list(distance_blocks(X.numpy(), Y, distance, chunk_size=chunk_size))
    assert [len(b) for b in blocks[:-1]] == [chunk_size] * (len(blocks) - 1)
    np.testing.assert_allclose(np.concatenate(blocks), function(X, Y).numpy(), atol=1e-12)


def bad(value: float, place: tuple[int, int]) -> np.ndarray:
    features = X.numpy().copy()
    features[place] = value
    return features


@pytest.mark.parametrize(
    'query, gallery, error, message',
    [
        (bad(np.nan, (2, 3)), Y, ValueError, r'query features: 1 of 35 values .* index \(2, 3\)'),
        (X, bad(np.inf, (1, 0)), ValueError, r'gallery features: 1 of 35 values .* index \(1, 0\)'),
        (X.float() * 1e30, Y.float(), ValueError, 'overflows'),
        (X.int(), Y, TypeError, 'query features are of type torch.int32'),
        (X, Y.numpy().astype(int), TypeError, 'gallery features are of type int64'),
        (X.tolist(), Y, TypeError, 'query features are a list'),
        (X[:0], Y, ValueError, r'query features have shape \(0, 5\)'),
        (X, Y[:0], ValueError, r'gallery features have shape \(0, 5\)'),
        (X[:, :4], Y, ValueError, r'\(7, 4\).*\(9, 5\)'),
        (X[0], Y, ValueError, r'shape \(5,\)'),
    ],
)
def test_bad_features(query: object, gallery: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        distance_blocks(query, gallery)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize('share, fits', [(0.45, True), (0.55, False), (0.95, False)])
def test_largest_norms_are_those_whose_distances_can_be_squared(
    dtype: type, share: float, fits: bool
) -> None:
    """Opposite features of norm n are at a squared distance of (2 n)^2."""
    features = np.zeros((3, 4), dtype)
    features[0], features[1, 0] = 1, -share * np.sqrt(np.finfo(dtype).max)
    if not fits:
        with pytest.raises(ValueError, match='too large for'):
            distance_blocks(features, features)
        return
    block = next(distance_blocks(features, -features, 'euclidean'))
    assert np.isfinite(block).all() and block[1, 1] == pytest.approx(-2 * features[1, 0])


def test_one_feature_that_is_too_small_is_found_among_others() -> None:
    features = np.ones((3, 4), np.float32)
    features[1] = 1e-25
    with pytest.raises(ValueError, match='query features are too small'):
        distance_blocks(features, Y[:, :4].float())


def test_arrays_are_not_copied_but_where_they_cannot_be_written(
    recwarn: pytest.WarningsRecorder,
) -> None:
    array = np.ones((3, 4), np.float32)
    assert as_features(array).data_ptr() == array.ctypes.data
    array.flags.writeable = False
    assert as_features(array).data_ptr() != array.ctypes.data
    assert not [warning for warning in recwarn if 'writable' in str(warning.message)]
    with pytest.raises(
        ValueError, match=r'tracks features: 1 of 12 values are NaN .* index \(2, 1\)'
    ):
        as_features(np.where(np.arange(12).reshape(3, 4) == 9, np.nan, 1), 'tracks')


def test_bad_options() -> None:
    with pytest.raises(ValueError, match="'manhattan'"):
        distance_blocks(X, Y, 'manhattan')
    with pytest.raises(ValueError, match='chunk_size .* got 0'):
        distance_blocks(X, Y, chunk_size=0)


def test_strides_and_read_only_arrays_are_taken_as_they_are() -> None:
    query = X.numpy()[::-1]
    gallery = Y.numpy().copy()
    gallery.flags.writeable = False
    block = next(distance_blocks(query, gallery, 'euclidean'))
    np.testing.assert_allclose(block, SQUARED.sqrt().numpy()[::-1], atol=1e-12)
