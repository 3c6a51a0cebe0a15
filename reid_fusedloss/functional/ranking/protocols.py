"""Protocols as rules: which gallery entries a query does not count, and which galleries are drawn.

A rule is an elementwise function of the labels of queries and of gallery entries. It says which
entries are junk, which are left out of the query's ranking as if they were not there.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from inspect import signature
from typing import Any

import numpy as np

from .labels import CAMERA, IDENTITY
from .options import check_draws, check_integer, check_keys

LabelTable = Mapping[str, np.ndarray]
Rule = Callable[[LabelTable, LabelTable], np.ndarray]

CLOTHES, TRACK, IMAGE = 'clothes', 'track', 'image'


def same_camera(query: LabelTable, gallery: LabelTable) -> np.ndarray:
    """Junk is what the query's camera saw (Zheng et al., ICCV 2015)."""
    junk: np.ndarray = query[CAMERA] == gallery[CAMERA]
    return junk


def same_camera_or_clothes(query: LabelTable, gallery: LabelTable) -> np.ndarray:
    """Junk is what the query's camera saw, or wears the query's clothes (Qian, ACCV 2020)."""
    junk: np.ndarray = same_camera(query, gallery) | (query[CLOTHES] == gallery[CLOTHES])
    return junk


def same_camera_or_other_clothes(query: LabelTable, gallery: LabelTable) -> np.ndarray:
    """Junk is what the query's camera saw, or does not wear the query's clothes."""
    junk: np.ndarray = same_camera(query, gallery) | (query[CLOTHES] != gallery[CLOTHES])
    return junk


def same_image(query: LabelTable, gallery: LabelTable) -> np.ndarray:
    """Junk is the query itself."""
    junk: np.ndarray = query[IMAGE] == gallery[IMAGE]
    return junk


@dataclass(frozen=True)
class SamePlace:
    """Junk is what was seen at the query's place, whoever it is, or by an unselected camera.

    Attributes:
        pairs: cameras that stand at one place.
        cameras: of the gallery; None: all.
    """

    pairs: tuple[tuple[Any, Any], ...]
    cameras: tuple[Any, ...] | None = None

    def __call__(self, query: LabelTable, gallery: LabelTable) -> np.ndarray:
        """See `Rule`."""
        asked, there = query[CAMERA], gallery[CAMERA]
        junk: np.ndarray = asked == there
        for one, other in self.pairs:
            junk = junk | (asked == one) & (there == other) | (asked == other) & (there == one)
        if self.cameras is not None:
            junk = junk | ~np.isin(there, self.cameras)
        return junk


@dataclass(frozen=True)
class Draws:
    """Galleries drawn at random; figures are means over them.

    Attributes:
        trials: number of draws.
        seed: of the draws.
        per: labels; entries that agree in all of them are a group.
        shots: number of entries drawn of each group; all, where it has fewer.
        own_positive: represent each query's own identity by one of the query's positives.
        count_identities: the CMC counts the identities before the query's own, not the entries.
    """

    trials: int = 10
    seed: int = 0
    per: tuple[str, ...] = (IDENTITY,)
    shots: int = 1
    own_positive: bool = False
    count_identities: bool = False

    def __post_init__(self) -> None:
        check_draws(self.trials, self.seed)
        check_integer('shots', self.shots, 1)


@dataclass(frozen=True)
class RankingProtocol:
    """Which gallery entries a query ignores, and which galleries are drawn.

    Attributes:
        name: of the protocol.
        junk: the rule.
        reads: labels that the rule reads.
        lenient: whether nothing is junk where the labels are missing; else they are an error.
        as_given: whether the rule sees labels as they are given, all of them, and not numbers that
            are equal where labels are.
        within_identity: whether only entries of the query's identity can be junk.
        one_set: whether queries and gallery are the same images.
        draws: galleries to draw, or None: the gallery is one.
    """

    name: str
    junk: Rule
    reads: tuple[str, ...] = ()
    lenient: bool = False
    as_given: bool = False
    within_identity: bool = True
    one_set: bool = False
    draws: Draws | None = None


ProtocolOption = str | Mapping[str, Any] | Rule | RankingProtocol


def make_protocol(option: ProtocolOption = 'same_camera') -> RankingProtocol:
    """Make a protocol from a name, dict(type=name, option=...), or your own rule.

    - 'same_camera' (also 'general'): entries of the query's identity and camera are junk.
    - 'clothes_changing': those of its identity that share camera or clothes.
    - 'same_clothes': those of its identity that share the camera or wear other clothes.
    - dict(type='camera_pairs', pairs=[(2, 3)]): whatever was seen by the query's camera, or by one
      at the same place, whoever it is. `cameras` limits the gallery; `trials` (with `shots` and
      `seed`) draws galleries of so many entries of each identity and camera.
    - 'leave_one_out': the query itself, by the label `image`.
    - dict(type='single_gallery_shot', trials=10, seed=0): as 'same_camera', one entry an identity.
    - dict(type='vehicleid', trials=10, seed=0): one entry of each identity makes the gallery, all
      other images are queries.
    - 'package.module.function', or a function: it gets the labels of queries and of entries, two
      mappings of arrays by name ('pid', 'camid', 'clothes', 'track', ...) that broadcast, and
      returns which entries are junk, bool. It says itself if only the same identity can be.

    Raises:
        TypeError: if the option has another type.
        ValueError: if a name or an option is unknown or out of range, or the function is missing.
    """
    if isinstance(option, RankingProtocol):
        return option
    if callable(option):
        return _own_rule(getattr(option, '__name__', repr(option)), option)
    options = dict(type=option) if isinstance(option, str) else option
    if not isinstance(options, Mapping) or not isinstance(options.get('type'), str):
        raise TypeError(f"protocol must be a name or dict(type='name', ...), got {option!r}")
    name, options = options['type'], {k: v for k, v in options.items() if k != 'type'}
    if name in PROTOCOLS:
        check_keys(f'protocol {name!r}', options, list(signature(PROTOCOLS[name]).parameters))
        return PROTOCOLS[name](**options)
    if '.' not in name:
        raise ValueError(
            f'protocol must be one of {tuple(PROTOCOLS)}, or package.module.function, got {name!r}'
        )
    check_keys(f'protocol {name!r}', options, ())
    return _own_rule(name, _find(name))


def _same_camera() -> RankingProtocol:
    return RankingProtocol('same_camera', same_camera, (CAMERA,), lenient=True)


def _clothes_changing() -> RankingProtocol:
    return RankingProtocol('clothes_changing', same_camera_or_clothes, (CAMERA, CLOTHES))


def _same_clothes() -> RankingProtocol:
    return RankingProtocol('same_clothes', same_camera_or_other_clothes, (CAMERA, CLOTHES))


def _camera_pairs(
    pairs: Sequence[Sequence[Any]] = (),
    cameras: Sequence[Any] | None = None,
    trials: int = 0,
    shots: int = 1,
    seed: int = 0,
) -> RankingProtocol:
    if not _is_list(pairs) or not all(_is_list(pair) and len(pair) == 2 for pair in pairs):
        raise ValueError(f'pairs must be pairs of cameras such as [(2, 3)], got {pairs!r}')
    if cameras is not None and (not _is_list(cameras) or not cameras):
        raise ValueError(f'cameras must be a list of cameras such as (1, 2), got {cameras!r}')
    check_integer('trials', trials, 0)
    groups = (IDENTITY, CAMERA)
    draws = Draws(trials, seed, groups, shots, count_identities=True) if trials else None
    rule = SamePlace(
        tuple((one, other) for one, other in pairs), None if cameras is None else tuple(cameras)
    )
    return RankingProtocol(
        'camera_pairs', rule, (CAMERA,), as_given=True, within_identity=False, draws=draws
    )


def _leave_one_out() -> RankingProtocol:
    return RankingProtocol('leave_one_out', same_image, (IMAGE,), one_set=True)


def _single_gallery_shot(trials: int = 10, seed: int = 0) -> RankingProtocol:
    draws = Draws(trials, seed, own_positive=True)
    return RankingProtocol('single_gallery_shot', same_camera, (CAMERA,), lenient=True, draws=draws)


def _vehicleid(trials: int = 10, seed: int = 0) -> RankingProtocol:
    draws = Draws(trials, seed)
    return RankingProtocol('vehicleid', same_image, (IMAGE,), one_set=True, draws=draws)


PROTOCOLS: dict[str, Callable[..., RankingProtocol]] = dict(
    same_camera=_same_camera,
    general=_same_camera,
    clothes_changing=_clothes_changing,
    same_clothes=_same_clothes,
    camera_pairs=_camera_pairs,
    leave_one_out=_leave_one_out,
    single_gallery_shot=_single_gallery_shot,
    vehicleid=_vehicleid,
)


def _is_list(value: Any) -> bool:
    return isinstance(value, Collection) and not isinstance(value, (str, Mapping))


def _own_rule(name: str, rule: Rule) -> RankingProtocol:
    return RankingProtocol(name, rule, as_given=True, within_identity=False)


def _find(name: str) -> Rule:
    """Import the function of a dotted name."""
    module, _, function = name.rpartition('.')
    try:
        found = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(
            f'protocol {name!r} is not a function that can be imported: {error}'
        ) from error
    if not callable(found):
        raise ValueError(f'protocol {name!r} must be a function, it is {found!r:.80}')
    rule: Rule = found
    return rule
