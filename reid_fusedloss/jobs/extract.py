"""Extract the features of images and write them to disk."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from ..apis.extract_files import (
    AnyWorkList,
    Summary,
    extract_query_gallery,
    extract_to_file,
    extract_to_folder,
)
from ..apis.feature_store import hold_features
from ..apis.work_list import work_list
from ..commands import STOPPED
from ..datasets.file_names import compile_pattern
from ..export import open_extractor
from ..export.open_extractor import is_exported
from ..interrupts import sigterm_as_interrupt
from ..loading import trust_checkpoints
from ..printable import tell, tell_unreadable

WEIGHTS = ('.pth', '.pt', '.ckpt', '.tar')
OTHER_FILES = ('.npy', '.pkl', '.pickle', '.h5', '.hdf5', '.csv', '.json', '.txt', *WEIGHTS)


def split_checkpoint(source: str, inputs: list[str]) -> tuple[str | None, list[str]]:
    """Split the inputs into the checkpoint, if the first one is a checkpoint, and the rest."""
    if not inputs or is_exported(source):
        return None, inputs
    first, *others = inputs
    if Path(source).is_file() and Path(first).is_dir():
        raise ValueError(
            f'{source} is a config, so the second argument must be its checkpoint, but {first} is '
            'a folder'
        )
    if not (Path(source).is_file() or first.lower().endswith(WEIGHTS)):
        return None, inputs
    return first, others


def is_file(out: Path) -> bool:
    """Return whether features are written to a file, not to a folder."""
    return out.suffix.lower() == '.npz' and not out.is_dir()


def check(args: argparse.Namespace, inputs: list[str]) -> None:
    if args.out.suffix.lower() in OTHER_FILES and not args.out.is_dir():
        raise ValueError(f'--out must be a folder or an .npz file, got {args.out}')
    roles = [args.query, args.gallery]
    if not any(roles) and not inputs:
        raise ValueError(
            f'no images in {args.inputs}: give them after the work_dir, or after the checkpoint'
        )
    if any(roles) and (not all(roles) or inputs or args.boxes or not is_file(args.out)):
        raise ValueError(
            '--query and --gallery must be given together, without other inputs or --boxes, and '
            'with --out FILE.npz'
        )


def extract(args: argparse.Namespace) -> Summary:
    checkpoint, inputs = split_checkpoint(args.source, args.inputs)
    trust_checkpoints(args.trust_checkpoint)
    check(args, inputs)
    if args.query:
        compile_pattern(args.pattern)
        works = [work_list([folder], None, args.recursive) for folder in (args.query, args.gallery)]
    else:
        works = [work_list(inputs, args.boxes, args.recursive)]
    with nullcontext() if is_file(args.out) else hold_features(args.out):
        return extract_works(args, checkpoint, works)


def extract_works(
    args: argparse.Namespace, checkpoint: str | None, works: Sequence[AnyWorkList]
) -> Summary:
    """Load the model and extract: queries and gallery, or one list of images."""
    inferencer = open_extractor(
        args.source,
        checkpoint,
        args.device,
        batch_size=args.batch_size,
        num_workers=args.num_workers,
        progress=not args.quiet,
        normalize=not args.raw,
        flip=args.flip,
        amp=args.amp,
        options=args.cfg_options,
        backend=args.backend,
    )
    if args.query:
        query, gallery = works
        return extract_query_gallery(inferencer, query, gallery, args.out, args.pattern)
    (work,) = works
    if is_file(args.out):
        return extract_to_file(inferencer, work, args.out)
    return extract_to_folder(inferencer, work, args.out, args.shard_size, tell)


def run(args: argparse.Namespace) -> int:
    """Extract, and print a summary; return 1 if no image could be read."""
    try:
        with sigterm_as_interrupt():
            summary = extract(args)
    except KeyboardInterrupt:
        print(
            'stopped' if is_file(args.out) else 'stopped; the same command continues',
            file=sys.stderr,
        )
        return STOPPED
    tell_unreadable(summary.unreadable)
    tell(f'{args.out}: {summary}')
    return 0 if summary.images or not summary.unreadable else 1
