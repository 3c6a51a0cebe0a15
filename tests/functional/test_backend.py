"""Back ends agree, say which they are, and compute in full precision whatever is set around them."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from reid_fusedloss.functional import backend as products
from reid_fusedloss.functional import (
    distance_blocks,
    evaluate_ranking,
    k_reciprocal_rerank,
    rerank_blocks,
)
from reid_fusedloss.functional.backend import choose_backend, inner_products, piece_size
from reid_fusedloss.functional.distance import cosine_distance, squared_euclidean_distance

CPU = torch.device('cpu')


def features(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(30, 64, generator=generator), torch.randn(200, 64, generator=generator)


@contextmanager
def legacy_setting(value: str) -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(value)
    try:
        yield
        assert torch.get_float32_matmul_precision() == value
    finally:
        torch.set_float32_matmul_precision(before)


@contextmanager
def new_setting(value: str) -> Iterator[None]:
    kind = getattr(torch.backends.mkldnn, 'matmul', None)
    if not hasattr(kind, 'fp32_precision'):
        pytest.skip('this PyTorch has no fp32_precision')
    before, kind.fp32_precision = kind.fp32_precision, value
    try:
        yield
        assert kind.fp32_precision == value
    finally:
        kind.fp32_precision = before


@pytest.mark.parametrize(
    'setting',
    [
        lambda: legacy_setting('highest'),
        lambda: legacy_setting('high'),
        lambda: legacy_setting('medium'),
        lambda: new_setting('bf16'),
        lambda: torch.autocast('cpu', torch.bfloat16),
    ],
)
@pytest.mark.parametrize('backend', ['numpy', 'torch'])
def test_full_precision(setting, backend: str) -> None:
    x, y = features()
    exact = x.double().numpy() @ y.double().numpy().T
    with setting():
        np.testing.assert_allclose(inner_products(x, y, backend), exact, atol=3e-5)
        found = np.concatenate(list(distance_blocks(x, y, backend=backend)))
    norms = [np.linalg.norm(part.double(), axis=1) for part in (x, y)]
    np.testing.assert_allclose(found, 1 - exact / norms[0][:, None] / norms[1], atol=1e-6)


def test_precision_is_set_inside_and_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read while the product is computed: few CPUs compute anything but float32."""
    seen, multiply = [], torch.mm

    def mm(*args: torch.Tensor, **options: object) -> torch.Tensor:
        modern = [torch.backends.mkldnn.matmul, torch.backends.cuda.matmul]
        seen.append([getattr(kind, 'fp32_precision', None) for kind in modern])
        return multiply(*args, **options)

    monkeypatch.setattr(torch, 'mm', mm)
    with new_setting('bf16'):
        inner_products(*features(), 'torch')
    assert seen == [['ieee', 'ieee']]


@pytest.mark.parametrize('function', [cosine_distance, squared_euclidean_distance])
@pytest.mark.parametrize('needs_grad', [False, True])
def test_distances_without_gradient_are_in_full_precision(
    function, needs_grad: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of features without gradient, or where gradients are off; see above."""
    seen, multiply = [], torch.mm

    def mm(*args: torch.Tensor, **options: object) -> torch.Tensor:
        seen.append(torch.backends.mkldnn.matmul.fp32_precision)
        return multiply(*args, **options)

    monkeypatch.setattr(torch, 'mm', mm)
    x, y = features()
    with new_setting('bf16'), torch.set_grad_enabled(not needs_grad):
        function(x.requires_grad_(needs_grad), y)
    assert seen == ['ieee']


def test_pieces_fit_the_caches_of_a_cpu_and_are_larger_on_a_gpu() -> None:
    assert 4 * piece_size(CPU) == 2 * 2**20
    assert 4 * piece_size(torch.device('cuda', 0)) == 256 * 2**20


def test_precision_of_older_versions_is_set_inside_and_set_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = ['medium']  # PyTorch does not let both of its settings be read in one process
    monkeypatch.setattr(products, '_has_precision', lambda kind: False)
    monkeypatch.setattr(torch, 'get_float32_matmul_precision', lambda: seen[-1])
    monkeypatch.setattr(torch, 'set_float32_matmul_precision', seen.append)
    inner_products(*features(), 'torch')
    assert seen == ['medium', 'highest', 'medium']


def test_a_setting_that_may_not_be_asked_for_is_none() -> None:
    class Old:
        @property
        def fp32_precision(self) -> str:
            raise AssertionError('Unknown attribute fp32_precision')

    assert not products._has_precision(Old()) and not products._has_precision(None)


@pytest.mark.parametrize('backend', ['numpy', 'torch'])
def test_products_are_written_where_asked_by_the_library_that_is_named(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = features()
    out = torch.zeros(30, 200)
    monkeypatch.setattr(*((torch, 'mm') if backend == 'numpy' else (np, 'matmul')), None)
    found = inner_products(x, y, backend, out)
    assert found.data_ptr() == out.data_ptr()
    np.testing.assert_allclose(out.numpy(), x.double().numpy() @ y.double().numpy().T, atol=3e-5)


@pytest.mark.parametrize('faster', ['numpy', 'torch'])
def test_auto_takes_the_faster_one(faster: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, '_shortest', lambda job: 1.0 if job.args[2] == faster else 2.0)
    assert products._faster_on_cpu.__wrapped__(1) == faster


def test_the_shortest_of_several_runs_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    lengths = iter([3.0, 1.0, 2.0, 5.0])
    monkeypatch.setattr(products.time, 'perf_counter', lambda: clock[0])
    assert products._shortest(lambda: clock.insert(0, clock[0] + next(lengths)), 4) == 1


@pytest.mark.parametrize('distance', ['cosine', 'euclidean'])
def test_distances_are_equal_across_back_ends(distance: str) -> None:
    unit = [torch.nn.functional.normalize(part) for part in features()]
    numpy, torchs = (
        np.concatenate(list(distance_blocks(*unit, distance, backend=backend)))
        for backend in ('numpy', 'torch')
    )
    np.testing.assert_allclose(numpy, torchs, atol=1e-6, rtol=0)


def test_reranking_is_equal_across_back_ends_and_blocks() -> None:
    pair = features()
    expected = k_reciprocal_rerank(*pair, backend='numpy').numpy()
    for chunk_size in (1, 7, 1000):
        found = k_reciprocal_rerank(*pair, backend='torch', chunk_size=chunk_size).numpy()
        np.testing.assert_allclose(found, expected, atol=1e-6, rtol=0)
        for keep_limit in (0, 10**9):
            blocks = list(rerank_blocks(*pair, chunk_size=chunk_size, keep_limit=keep_limit))
            assert len(blocks) == -(-30 // chunk_size)
            np.testing.assert_allclose(np.concatenate(blocks), expected, atol=1e-6, rtol=0)


def test_metrics_are_equal_across_back_ends() -> None:
    labels = np.arange(30) % 10, np.arange(200) % 10
    numpy, torchs, auto = (
        evaluate_ranking(*features(), *labels, backend=backend, rerank={})
        for backend in ('numpy', 'torch', 'auto')
    )
    assert numpy == pytest.approx(torchs, abs=1e-4)
    assert auto in (numpy, torchs)


def test_auto_is_one_of_them_and_stays() -> None:
    chosen = choose_backend('auto', CPU)
    assert chosen in ('numpy', 'torch') and chosen == choose_backend('auto', CPU)
    assert choose_backend('numpy', CPU) == 'numpy' and choose_backend('torch', CPU) == 'torch'
    assert choose_backend('auto', torch.device('cuda:1')) == 'torch'


def test_bad_names() -> None:
    with pytest.raises(ValueError, match="backend must be one of .*got 'mkl'"):
        choose_backend('mkl', CPU)
    with pytest.raises(ValueError, match='these are on cuda:0'):
        choose_backend('numpy', torch.device('cuda:0'))
    with pytest.raises(ValueError, match='got None'):
        evaluate_ranking(*features(), [1] * 30, [1] * 200, backend=None)
