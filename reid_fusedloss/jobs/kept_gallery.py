"""Open the gallery of a search, a new one or one kept on disk, and update it."""

import argparse
from collections import Counter
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
from ..search import Gallery, GalleryIndex, choose_threshold, hold_index, load_index, save_index
from ..search.build import adjusted
from ..search.storage import MANIFEST, tidy

Opened = tuple[GalleryIndex, str | None]


def open_new(
    args: argparse.Namespace, inferencer: FeatureExtractor, validation: FeatureSet | None
) -> GalleryIndex:
    """Build the gallery of --gallery or --features, which is not kept."""
    asked = asked_kind(args)
    if args.features:
        index = gallery_of_features(args.features, args.pattern or PATTERN).in_kind(asked)
        index.check_model(model_id(inferencer))
        choose(index, validation, args.fpir)
        return index
    index = GalleryIndex(inferencer.feat_dims, asked, model_id(inferencer))
    change_gallery(index, args, inferencer, validation)
    return index


def open_kept(
    args: argparse.Namespace, inferencer: FeatureExtractor, validation: FeatureSet | None
) -> Opened:
    """Open the gallery of --index; it is written only if the arguments change it, under a lock.

    Args:
        args: of the command.
        inferencer: the model.
        validation: features of --validation, on which the threshold is chosen, or None.

    Returns:
        The gallery, and why it could not be saved; None if it was, or need not be.

    Raises:
        FolderInUseError: if the arguments change it while another process is changing it.
        KeyboardInterrupt: after what was done until then is saved.
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
            problem = f'{args.index} cannot be written ({error.strerror}): changes are not saved'
            print(printable(problem), flush=True)
            index = index.in_kind(asked_kind(args)) if args.kind else index
            change_gallery(index, args, inferencer, validation)
            return index, problem
        return _change_kept(args, inferencer, validation)


def needs_change(
    index: GalleryIndex, args: argparse.Namespace, validation: FeatureSet | None
) -> bool:
    """Return whether the arguments change a gallery; if --gallery does not, print that."""
    if args.kind and adjusted(index.kind, asked_kind(args)) != index.kind:
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
    index: Gallery,
    args: argparse.Namespace,
    inferencer: FeatureExtractor,
    validation: FeatureSet | None,
) -> None:
    """Update a gallery as the arguments say, except for its kind."""
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


def choose(index: Gallery, validation: FeatureSet | None, fpir: float) -> None:
    """Choose a threshold for the gallery's present size, if there is a validation set."""
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


def count_people(index: Gallery) -> int | None:
    """Count the identities of a gallery, each entry without one as one; None if none has any."""
    pids = Counter(entry.pid for entry in index.entries)
    unknown = pids.pop(None, 0)
    return len(pids) + unknown if pids else None


def tell_update(index: Gallery, update: GalleryUpdate, prune: bool) -> None:
    """Print the result of an update."""
    hint = '' if prune else ' (--prune removes them)'
    gone = f', {len(update.gone)} gone{hint}' if update.gone else ''
    far = len(update.out_of_reach)
    away = f', {far} out of reach (not in --gallery, or in an empty folder)' if far else ''
    print(
        f'gallery: {len(index)} entries; {len(update.added)} added, {len(update.changed)} '
        f'changed{gone}{away}'
    )


def asked_kind(args: argparse.Namespace) -> dict[str, Any]:
    """Return the kind of --kind and --kind-options; the default is flat."""
    return dict(args.kind_options or {}, type=args.kind or 'flat')


def _change_kept(
    args: argparse.Namespace, inferencer: FeatureExtractor, validation: FeatureSet | None
) -> Opened:
    """Load, change and save; an interruption such as Ctrl-C is raised after the save."""
    if Path(args.index, MANIFEST).exists():
        index = load_index(args.index)
        index = index.in_kind(asked_kind(args)) if args.kind else index
    else:
        index = GalleryIndex(inferencer.feat_dims, asked_kind(args), model_id(inferencer))
    try:
        change_gallery(index, args, inferencer, validation)
        return index, _save(index, args.index)
    except KeyboardInterrupt:
        problem = _save(index, args.index)
        raise KeyboardInterrupt(
            f': {len(index)} entries are saved in {args.index}; the same command continues'
            if problem is None
            else f': {problem}'
        ) from None
    except Exception:
        with suppress(Exception):  # report the first error, not this one
            _save(index, args.index)
        raise


def _save(index: GalleryIndex, folder: str) -> str | None:
    """Save a gallery; return the problem, if any, since the search does not depend on it."""
    if not len(index) and index.manifest is None:
        return None
    try:
        save_index(index, folder)
    except OSError as error:
        return f'{folder} keeps its old state, since the new one cannot be written: {error}'
    return None
