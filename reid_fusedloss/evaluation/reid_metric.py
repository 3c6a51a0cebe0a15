"""ReID metric for MMEngine: gather, split, rank, report."""
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Optional

import numpy as np
from mmengine.evaluator import BaseMetric
from mmengine.logging import print_log
from torch import Tensor

from ..functional.distance import DISTANCES, distance_blocks
from ..functional.ranking import AP_FORMS, RERANK_KEYS, rank_blocks
from ..functional.ranking_result import RankingResult, check_topk
from ..functional.rerank import check_rerank_options, rerank_blocks
from ..registry import METRICS
from .progress import LogProgress

SAMPLE_KEYS = ('sample_idx', 'pid', 'camid', 'is_query')


class _Part(NamedTuple):
    """Query or gallery: what is ranked and how it is called."""
    features: np.ndarray
    pids: list
    camids: list
    paths: list


@METRICS.register_module()
class ReIDMetric(BaseMetric):
    """CMC, mAP and mINP of a test split with `is_query`, optionally re-ranked in the same pass.

    Results are ordered by `sample_idx` and counted once, so world size, batch size and padding of
    the sampler change nothing. The first places of every query are kept in `ranking_lists`.

    Args:
        distance: 'cosine' or 'euclidean'.
        ap: 'ir' (mean of the precisions at the hits; all published tables) or 'trapezoid' (the
            Market-1501 MATLAB code, half a point to a point lower).
        topk: ranks of the CMC.
        use_cameras: leave out gallery images of the query's identity from the query's camera;
            without effect for data without cameras.
        rerank: None, or dict(k1=20, k2=6, lambda_value=0.3) to re-rank as well (Zhong et al., CVPR
            2017); results under `rerank_prefix`.
        list_length: places of the ranking lists, 0 for none.
        prefix: of the results, as in `reid/mAP`.
        rerank_prefix: of the re-ranked results.
        collect_device: as in MMEngine.
        collect_dir: as in MMEngine.

    Raises:
        ValueError: if an option is unknown.
    """

    def __init__(self,
                 distance: str = 'cosine',
                 ap: str = 'ir',
                 topk: Sequence[int] = (1, 5, 10),
                 use_cameras: bool = True,
                 rerank: Optional[Mapping[str, Any]] = None,
                 list_length: int = 10,
                 prefix: str = 'reid',
                 rerank_prefix: str = 'rerank',
                 collect_device: str = 'cpu',
                 collect_dir: Optional[str] = None) -> None:
        if distance not in DISTANCES or ap not in AP_FORMS:
            raise ValueError(f'distance is one of {DISTANCES}, ap one of {AP_FORMS}, got '
                             f'distance={distance!r}, ap={ap!r}')
        if rerank is not None and set(rerank) - set(RERANK_KEYS):
            raise ValueError(f'rerank has the keys {RERANK_KEYS}, got {sorted(rerank)}')
        check_rerank_options(**(rerank or {}))
        if isinstance(topk, int) or not topk:
            raise ValueError(f'topk is a sequence of ranks such as (1, 5, 10), got {topk}')
        check_topk(topk)
        if list_length < 0 or prefix == rerank_prefix:
            raise ValueError(f'expected list_length >= 0 and two prefixes, got list_length='
                             f'{list_length}, prefix={prefix!r}, rerank_prefix={rerank_prefix!r}')
        super().__init__(collect_device, prefix, collect_dir)
        self.prefix = None  # names come with their prefix, since there are two
        self.distance = distance
        self.ap = ap
        self.topk = tuple(topk)
        self.use_cameras = use_cameras
        self.rerank = None if rerank is None else dict(rerank)
        self.list_length = list_length
        self.prefixes = (prefix, rerank_prefix)
        self.ranking_lists: list[dict] = []

    def process(self, data_batch: Any, data_samples: Sequence[dict]) -> None:
        """Keep one record an image; called by MMEngine for each batch."""
        for sample in data_samples:
            missing = [key for key in SAMPLE_KEYS if key not in sample]
            if missing:
                raise ValueError(f'the data samples lack {missing}: the test pipeline ends with '
                                 "dict(type='PackInputs', meta_keys=('sample_idx', 'img_path', "
                                 "'pid', 'camid', 'is_query'))")
            record = {key: sample[key] for key in SAMPLE_KEYS}
            self.results.append(record | dict(
                embedding=_to_numpy(sample['embedding']), img_path=sample.get('img_path', '')))

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        """Metrics of all images, in percent, by prefixed name; called by MMEngine on rank 0.

        Raises:
            ValueError: if there is no query, no gallery, or no query with a positive.
        """
        records = list({record['sample_idx']: record for record in results}.values())
        records.sort(key=lambda record: record['sample_idx'])
        query = _part(record for record in records if record['is_query'])
        gallery = _part(record for record in records if not record['is_query'])
        if not query.pids or not gallery.pids:
            raise ValueError(f'{len(query.pids)} query and {len(gallery.pids)} gallery images: the '
                             "evaluated data set is not a ReID test split (split='test')")
        self.ranking_lists = []
        blocks = distance_blocks(query.features, gallery.features, self.distance)
        metrics = self._rank(blocks, query, gallery, self.prefixes[0], self.distance, 'ranking')
        if self.rerank is not None:
            blocks = rerank_blocks(query.features, gallery.features, **self.rerank,
                                   progress=LogProgress('re-ranking'))
            metrics |= self._rank(blocks, query, gallery, self.prefixes[1], 're-ranked')
        return metrics

    def _camids(self, query: _Part, gallery: _Part) -> tuple:
        """Cameras of both parts, or None twice where they are not to be used."""
        unknown = (query.camids + gallery.camids).count(None)
        if self.use_cameras and unknown not in (0, len(query.camids) + len(gallery.camids)):
            path = (query.paths + gallery.paths)[(query.camids + gallery.camids).index(None)]
            raise ValueError(f'{unknown} images have no camera, {path} for one, but others have: '
                             'give all a camera, or set use_cameras=False')
        if unknown or not self.use_cameras:
            return None, None
        return query.camids, gallery.camids

    def _rank(self, blocks: Iterable, query: _Part, gallery: _Part, prefix: str, distance: str,
              progress: Optional[str] = None) -> dict[str, float]:
        """Rank from blocks of distances, keep the lists, name the numbers."""
        camids = self._camids(query, gallery)
        result = rank_blocks(blocks, query.pids, gallery.pids, *camids, ap=self.ap,
                             k=self.list_length,
                             progress=LogProgress(progress) if progress else None)
        if self.list_length:
            self.ranking_lists.append(dict(
                prefix=prefix, distance=distance, queries=_describe(result, query, gallery)))
        summary = result.summarise(self.topk)
        left_out = len(query.pids) - int(summary.pop('num_valid_queries'))
        ties = int(summary.pop('num_ties'))
        if left_out:
            print_log(f'{prefix}: {left_out} of {len(query.pids)} queries have no positive in the '
                      'gallery and are left out', logger='current')
        if ties:
            print_log(f'{prefix}: {ties} positives lie at exactly the distance of a negative; the '
                      'order of the files decides', logger='current')
        return {f'{prefix}/{name}': value for name, value in summary.items()}


def _to_numpy(embedding: Tensor) -> np.ndarray:
    """A copy of its own: a view would carry its whole batch when it is sent."""
    return embedding.detach().float().cpu().numpy().copy()


def _part(records: Iterable[dict]) -> _Part:
    records = list(records)
    features = np.stack([record['embedding'] for record in records]) if records else np.empty((0, 0))
    return _Part(features, *([record[key] for record in records]
                             for key in ('pid', 'camid', 'img_path')))


def _describe(result: RankingResult, query: _Part, gallery: _Part) -> list[dict]:
    """Ranking lists as plain data, ready for a JSON file."""
    described = []
    for number, pid in enumerate(query.pids):
        valid = bool(result.valid[number])
        described.append(dict(
            img_path=query.paths[number], pid=pid, camid=query.camids[number],
            ap=float(result.average_precision[number]) if valid else None,
            first_match=int(result.first_match[number]) if valid else None,
            num_positives=int(result.num_positives[number]),
            gallery=_places(result, number, gallery)))
    return described


def _places(result: RankingResult, number: int, gallery: _Part) -> list[dict]:
    lists = result.lists
    return [
        dict(img_path=gallery.paths[index], pid=gallery.pids[index], camid=gallery.camids[index],
             distance=float(distance), match=bool(match)) for index, distance, match in zip(
                 lists.indices[number], lists.distances[number], lists.matches[number])
        if index >= 0
    ]
