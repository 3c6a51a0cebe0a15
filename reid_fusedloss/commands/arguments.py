"""Arguments that several commands share."""

import argparse
from typing import Any

from mmengine.config import DictAction

from ..trust import add_trust_argument

BACKENDS = ('auto', 'torch', 'onnxruntime', 'openvino')


class KeyValues(DictAction):
    """Parse KEY=VALUE ... to a dict, as MMEngine does; anything else is a one-line error."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: Any = None,
    ) -> None:
        wrong = [value for value in values if '=' not in value.lstrip('=')]
        if wrong:
            raise argparse.ArgumentError(self, f'{wrong[0]!r} is not KEY=VALUE')
        try:
            super().__call__(parser, namespace, values, option_string)
        except (AssertionError, ValueError) as error:
            raise argparse.ArgumentError(
                self, f'{" ".join(values)!r} cannot be read: {error}'
            ) from error


def add_key_values(
    parser: argparse._ActionsContainer, flag: str, text: str, nargs: str = '+'
) -> None:
    """Add an argument KEY=VALUE ..., with its text for `--help`."""
    parser.add_argument(flag, nargs=nargs, action=KeyValues, metavar='KEY=VALUE', help=text)


def add_run_arguments(parser: argparse.ArgumentParser, several_datasets: bool = False) -> None:
    """Add the arguments of commands that run a config: data set, keys, launcher, trust."""
    parser.add_argument(
        '--dataset',
        nargs='+' if several_datasets else None,
        help='market1501, dukemtmc, ... or the path of a data set config (.py); several joined '
        "by '+' are one set of their people; default: the one the config names",
    )
    parser.add_argument(
        '--budget',
        help='cpu_synthetic, cpu_market, ... or the path of a budget: '
        "another network, image size and schedule; default: the config's own",
    )
    add_loading_arguments(parser)
    parser.add_argument(
        '--launcher',
        choices=['none', 'pytorch'],
        default='none',
        help='pytorch: started by torchrun, as dist_train.sh and dist_test.sh do',
    )
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def add_trained_model_arguments(
    parser: argparse.ArgumentParser,
    checkpoint: bool = True,
    device: bool = True,
    exported: bool = False,
) -> None:
    """Add the arguments of commands that load a trained model: model, device, config keys.

    Use `parse_intermixed_args` for them: the checkpoint may follow an option.

    Args:
        parser: gets them as its first positional arguments and last options.
        checkpoint: False: the command finds it among its own positional arguments.
        device: False: the command runs on the CPU.
        exported: the command only computes features: it accepts an exported file too, and a
            backend.
    """
    more = ('|FILE.onnx', ', or an exported model without a checkpoint') if exported else ('', '')
    parser.add_argument(
        'source',
        metavar=f'NAME|CONFIG|WORK_DIR{more[0]}',
        help='trained network of the package (see `reid-fusedloss configs zoo`), config, or '
        f'work_dir of a training{more[1]}',
    )
    if checkpoint:
        parser.add_argument(
            'checkpoint',
            nargs='?',
            metavar='CHECKPOINT',
            help='required with a config; default: weights of the package, latest of a work_dir',
        )
    options = parser.add_argument_group('model')
    if device:
        options.add_argument('--device', help='cuda, cpu, ...; default: a GPU if there is one')
    if exported:
        options.add_argument(
            '--backend',
            choices=BACKENDS,
            default='auto',
            help='runtime that computes the features; default: the fastest with equal features, '
            'if there are enough images to save time',
        )
    add_loading_arguments(options)


def add_loading_arguments(parser: argparse._ActionsContainer) -> None:
    """Add the arguments of commands that read a config and a checkpoint."""
    add_trust_argument(parser)
    add_key_values(parser, '--cfg-options', 'set single keys of the config')
