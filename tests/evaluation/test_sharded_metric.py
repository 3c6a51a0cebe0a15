"""One set of numbers whatever the number of processes, batches, order and padding."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from reid_fusedloss.evaluation import embeddings
from tests.evaluation.sharded import evaluate, make_samples, run_rank
from tests.ranks import run_ranks


@pytest.mark.parametrize('world', [1, 2, pytest.param(3, marks=pytest.mark.slow)])
def test_processes_agree_to_the_last_digit(world: int, tmp_path: Path) -> None:
    run_ranks(run_rank, world, tmp_path)
    expected = evaluate('in order', 90, 0, 1)
    assert {'reid/mAP', 'rerank/mAP', 'reid/TPR@FPR=1e-02', 'rerank/single_shot_R1'} <= set(
        expected
    )
    for rank in range(world):
        scores = json.loads((tmp_path / f'{rank}.json').read_text())
        failed = scores.pop('failed')
        assert 'not a ReID test split' in failed
        assert failed.startswith('RuntimeError' if rank else 'ValueError')
        assert ('different width' in scores.pop('uneven')) is (world > 1)
        assert ('of others text' in scores.pop('mixed')) is (world > 1)
        assert len(scores) == 12
        for case, found in scores.items():
            assert found == expected, (rank, case)


def test_features_are_not_pickled(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = []
    monkeypatch.setattr(embeddings, 'all_gather_object', lambda part: sent.append(part) or [part])
    evaluate('in order', 7, 0, 1)

    def has_array(value: object) -> bool:
        if isinstance(value, (np.ndarray, torch.Tensor)):
            return True
        parts = value.values() if isinstance(value, dict) else value
        return isinstance(value, (dict, list, tuple)) and any(map(has_array, parts))

    assert len(sent) == 1 and not has_array(sent[0])


def test_blocks_are_bounded_and_released(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, 'BLOCK_ROWS', 16)
    store = embeddings.EmbeddingStore()
    samples = make_samples()
    for start in range(0, 90, 5):
        store.add(samples[start : start + 5])
    assert len(store) == 90 and {len(block) for block in store._blocks} == {20}
    table = store.gather()
    expected = torch.stack([sample['embedding'] for sample in samples]).numpy()
    np.testing.assert_array_equal(table.features['embedding'], expected)
    assert table.columns['img_path'] == [f'{i}.jpg' for i in range(90)]
    assert len(store) == 0 and not store._blocks
