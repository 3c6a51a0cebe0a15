"""The command `reid-fusedloss`, with one module per subcommand.

A module here defines the arguments, `add_arguments(parser)`, and imports nothing heavy; the module
of the same name in `jobs` does the work, `run(args)`, and returns an exit status or None.
`tools/NAME.py` start the same jobs.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import NoReturn

from ..printable import printable, printable_logs
from ..started import COMMAND, importing
from .processes import torchrun

COMMANDS = dict(
    demo='a small example: draw pedestrians, train, evaluate, re-rank, draw',
    train='train a config',
    test='test a checkpoint: mAP, CMC, mINP, re-ranked',
    search='search a gallery for the people on these images',
    extract='write the features of images, folders or a video',
    export='write a trained model as an ONNX file',
    explain='draw what a model looks at',
    serve='serve a web page to search with',
    convert='convert weights of another project to a checkpoint',
    ablate='train and test many configs, one after another',
    table='write the tables of the paper, our figures beside the published ones',
    plot='draw curves, distances, CMC, embeddings, figure 2',
    ranking='draw the same queries under two models',
    evaluate='evaluate features from a file',
    configs='list the configs, or copy some for editing',
    run='run a script of another MM package that uses our configs by scope',
)
ERROR, STOPPED = 2, 130
# errors whose text is sufficient; for all others, such as those of faiss, onnxruntime and protobuf,
# which derive from Exception only, the type is printed too
PLAIN_ERRORS = (OSError, ImportError, FloatingPointError, TypeError, ValueError)
TRACEBACK = 'REID_TRACEBACK'


def main(argv: Sequence[str] | None = None) -> int:
    """Run `reid-fusedloss COMMAND ...`.

    Args:
        argv: arguments; None: those of the process.

    Returns:
        Exit status: 0 done, 2 invalid arguments or files, 130 stopped; others are the command's.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] in ('-h', '--help', 'help'):
        print(usage())
        return 0 if argv else ERROR
    if argv[0] == '--version':
        from ..version import __version__

        print(f'{COMMAND} {__version__}')
        return 0
    if argv[0] not in COMMANDS:
        near = get_close_matches(argv[0], COMMANDS, n=1)
        hint = f'did you mean {near[0]!r}?' if near else f'choose one of {", ".join(COMMANDS)}'
        print(f'{COMMAND}: error: there is no command {argv[0]!r}; {hint}', file=sys.stderr)
        return ERROR
    return start(argv[0], argv[1:], f'{COMMAND} {argv[0]}')


def usage() -> str:
    """Return the text of `--help`."""
    lines = '\n'.join(f'  {name:10}{text}' for name, text in COMMANDS.items())
    return (
        f'usage: {COMMAND} COMMAND [arguments]\n\n{lines}\n\n'
        f'{COMMAND} COMMAND --help has details. A config is a path, or a name that\n'
        f'`{COMMAND} configs` lists. {TRACEBACK}=1 shows where an error comes from.'
    )


def parse(name: str, argv: Sequence[str], prog: str = '') -> argparse.Namespace:
    """Parse the arguments of a command."""
    module = import_module(f'.{name}', __name__)
    parser = Parser(
        prog=prog or f'{COMMAND} {name}',
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_arguments(parser)
    if getattr(module, 'INTERMIXED', False):  # a positional argument may follow an option
        return parser.parse_intermixed_args(argv)
    return parser.parse_args(argv)


def start(name: str, argv: Sequence[str] | None = None, prog: str = '') -> int:
    """Run a command; an error is printed as one line on stderr.

    Args:
        name: of the command.
        argv: its arguments; None: those of the process.
        prog: its name in messages.

    Returns:
        Exit status.
    """
    argv = sys.argv[1:] if argv is None else argv
    try:
        with printable_logs():
            return _run(name, list(argv), prog)
    except KeyboardInterrupt:
        print('stopped', file=sys.stderr)
        return STOPPED
    except Exception as error:
        sys.last_value = error  # as after a traceback, so the exit does not wait for other ranks
        if os.environ.get(TRACEBACK):
            raise
        print(f'{prog or f"{COMMAND} {name}"}: error: {describe(error)}', file=sys.stderr)
        return ERROR


def _run(name: str, argv: list[str], prog: str) -> int:
    args = parse(name, argv, prog)
    args.argv = argv
    sys.path.append(os.getcwd())  # for modules of the user that a config imports
    if getattr(args, 'processes', None) is not None:
        torchrun(name, argv, args.processes)
    with importing():
        job = import_module(f'..jobs.{name}', __name__)
    return job.run(args) or 0


class Parser(argparse.ArgumentParser):
    """A parser with printable errors: a shell's `*.jpg` may put any name among the arguments."""

    def error(self, message: str) -> NoReturn:
        """Print usage and message, and exit."""
        super().error(printable(message))


def describe(error: BaseException) -> str:
    """Describe an error in one line, with its type if its text alone is not sufficient."""
    text = printable(' '.join(str(error).split()))
    if text and isinstance(error, PLAIN_ERRORS):
        return text
    text = f'{type(error).__name__}: {text}' if text else type(error).__name__
    return f'{text} ({TRACEBACK}=1 shows where it comes from)'
