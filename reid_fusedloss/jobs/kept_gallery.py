"""The gallery of a search: new, or as it is kept on the disk, and brought up to date."""

import argparse
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from ..apis import FeatureExtractor
from ..apis.gallery import (
    GalleryUpdate,
    gallery_of_features,
    model_id,
    plan_update,
    update_from_features,
    update_gallery,
)
from ..apis.labels import PATTERN, use_pattern
from ..evaluation import FeatureSet
from ..printable import printable, tell_unreadable
from ..search import GalleryIndex, choose_threshold, hold_index, load_index, save_index
from ..search.build import adjusted, is_same_build
from ..search.storage import MANIFEST, tidy

Opened = tuple[GalleryIndex, str | None]


def open_new(
    args: argparse.Namespace, inferencer: FeatureExtractor, validation: FeatureSet | None
) -> GalleryIndex:
    """The gallery of --gallery or --features, which is not kept."""
    asked = _asked_kind(args)
    if args.features:
        index = in_kind(gallery_of_features(args.features, args.pattern or PATTERN), asked)
        index.check_model(model_id(inferencer))
        choose(index, validation, args.fpir)
        return index
    index = GalleryIndex(inferencer.feat_dims, asked, model_id(inferencer))
    change_gallery(index, args, inferencer, validation)
    return index


def open_kept(
    args: argparse.Namespace, inferencer: FeatureExtractor, validation: FeatureSet | None
) -> Opened:
    """The gallery of --index; written only where the arguments change it, by one at a time.

    Args:
        args: of the command.
        inferencer: the model.
        validation: of --fpir, on which the threshold is chosen, or None.

    Returns:
        The gallery, and what kept it from being saved; None: nothing, or there was no need.

    Raises:
        FolderInUseError: if it is to be changed, and another process is changing it.
        KeyboardInterrupt: when what was done until then is saved.
    """
    exists = Path(args.index, MANIFEST).exists()
    if exists or not (args.gallery or args.features):
        index = load_index(args.index)
        index.check_model(model_id(inferencer))
        if not needs_change(index, args, validation):
            return index, None
    with ExitStack() as stack:
        try:
            stack.enter_context(hold_index(args.index))
        except OSError as error:
            if not exists:
                raise
            problem = f'{args.index} cannot be written ({error.strerror}): changes are not kept'
            print(printable(problem), flush=True)
            index = in_kind(index, _asked_kind(args)) if args.kind else index
            change_gallery(index, args, inferencer, validation)
            return index, problem
        return _change_kept(args, inferencer, validation)


def needs_change(
    index: GalleryIndex, args: argparse.Namespace, validation: FeatureSet | None
) -> bool:
    """Whether the arguments change a gallery; if --gallery does not, it is said."""
    if args.kind and adjusted(index.kind, _asked_kind(args)) != index.kind:
        return True
    if validation is not None or args.pattern not in (None, index.pattern):
        return True
    if args.features:
        return bool(update_from_features(index, args.features))
    if not args.gallery:
        return False
    plan = plan_update(index, args.gallery, recursive=args.recursive)
    if plan.added or plan.changed or args.prune and plan.gone:
        return True
    tidy(args.index)
    tell_update(index, plan, args.prune)
    return False


def change_gallery(
    index: GalleryIndex,
    args: argparse.Namespace,
    inferencer: FeatureExtractor,
    validation: FeatureSet | None,
) -> None:
    """Bring a gallery up to date with the arguments, but for its kind."""
    index.check_model(model_id(inferencer))
    if args.pattern is not None:
        use_pattern(index, args.pattern)
    if args.features:
        added = update_from_features(index, args.features)
        print(f'gallery: {len(index)} entries; {len(added)} added or changed')
    if args.gallery:
        update = update_gallery(
            index, inferencer, args.gallery, recursive=args.recursive, prune=args.prune
        )
        tell_unreadable(update.unreadable, 'gallery')
        tell_update(index, update, args.prune)
    choose(index, validation, args.fpir)


def choose(index: GalleryIndex, validation: FeatureSet | None, fpir: float) -> None:
    """Give the gallery a threshold for its present size, if it is to be chosen."""
    if validation is None or not len(index):
        return
    index.threshold = choose_threshold(
        validation.query,
        validation.gallery,
        *validation.labels,
        fpir=fpir,
        gallery_size=len(index),
        gallery_people=count_people(index),
        model=index.model,
    )
    print(index.threshold.describe())


def count_people(index: GalleryIndex) -> int | None:
    """Identities of the gallery, an entry without one counted as one; None: it has no identity."""
    pids = [entry.pid for entry in index.entries]
    known = {pid for pid in pids if pid is not None}
    return len(known) + pids.count(None) if known else None


def tell_update(index: GalleryIndex, update: GalleryUpdate, prune: bool) -> None:
    """Print what an update found."""
    hint = '' if prune else ' (--prune removes them)'
    gone = f', {len(update.gone)} gone{hint}' if update.gone else ''
    far = update.out_of_reach
    far = f', {len(far)} out of reach (not in --gallery, or in an empty folder)' if far else ''
    print(
        f'gallery: {len(index)} entries; {len(update.added)} added, {len(update.changed)} '
        f'changed{gone}{far}'
    )


def in_kind(index: GalleryIndex, asked: dict[str, Any]) -> GalleryIndex:
    """The index as it is asked for; it is built again only where numbers of the build differ."""
    kind = adjusted(index.kind, asked)
    if not is_same_build(kind, index.kind):
        return index.rebuilt(kind)
    index.kind = kind
    return index


def _asked_kind(args: argparse.Namespace) -> dict[str, Any]:
    return dict(args.kind_options, type=args.kind or 'flat')


def _change_kept(
    args: argparse.Namespace, inferencer: FeatureExtractor, validation: FeatureSet | None
) -> Opened:
    """Load, change and save; what ends the change early, such as Ctrl-C, is raised after that."""
    if Path(args.index, MANIFEST).exists():
        index = load_index(args.index)
        index = in_kind(index, _asked_kind(args)) if args.kind else index
    else:
        index = GalleryIndex(inferencer.feat_dims, _asked_kind(args), model_id(inferencer))
    try:
        change_gallery(index, args, inferencer, validation)
        return index, _save(index, args.index)
    except KeyboardInterrupt:
        problem = _save(index, args.index)
        raise KeyboardInterrupt(
            f': {len(index)} entries are kept in {args.index}; the same command goes on'
            if problem is None
            else f': {problem}'
        ) from None
    except Exception:
        with suppress(Exception):  # the first error is the one to be told
            _save(index, args.index)
        raise


def _save(index: GalleryIndex, folder: str) -> str | None:
    """Save a gallery; the answer does not depend on it, so what goes wrong is returned."""
    if not len(index) and index.manifest is None:
        return None
    try:
        save_index(index, folder)
    except OSError as error:
        return f'{folder} keeps its old state, the new one cannot be written: {error}'
    return None
