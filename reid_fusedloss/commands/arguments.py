"""Arguments that several commands share."""

import argparse
from typing import Any

from mmengine.config import DictAction

from ..trust import add_trust_argument


class KeyValues(DictAction):
    """KEY=VALUE ... as a dict, as MMEngine reads them; what is none is an error of one line."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: Any = None,
    ) -> None:
        """See `argparse.Action`."""
        wrong = [value for value in values if '=' not in value.lstrip('=')]
        if wrong:
            raise argparse.ArgumentError(self, f'{wrong[0]!r} is not KEY=VALUE')
        try:
            super().__call__(parser, namespace, values, option_string)
        except (AssertionError, ValueError) as error:
            raise argparse.ArgumentError(
                self, f'{" ".join(values)!r} cannot be read: {error}'
            ) from error


def add_run_arguments(parser: argparse.ArgumentParser, several_datasets: bool = False) -> None:
    """Arguments of everything that runs a config: data set, keys, launcher, trust."""
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
    """Arguments of everything that loads a trained model: which, where, and with which keys.

    They are read by `parse_intermixed_args`: the checkpoint may stand after an option.

    Args:
        parser: they become its first positional arguments, and its last options.
        checkpoint: False: the command finds it among its own positional arguments.
        device: False: the command computes on the CPU.
        exported: the command takes an exported file too.
    """
    more = ('|FILE.onnx', ', or an exported model, alone') if exported else ('', '')
    parser.add_argument(
        'source',
        metavar=f'CONFIG|WORK_DIR{more[0]}',
        help=f'config, or the work_dir of a training{more[1]}',
    )
    if checkpoint:
        parser.add_argument(
            'checkpoint',
            nargs='?',
            metavar='CHECKPOINT',
            help='needed with a config; of a work_dir, default: its latest',
        )
    options = parser.add_argument_group('model')
    if device:
        options.add_argument('--device', help='cuda, cpu, ...; default: a GPU where there is one')
    add_loading_arguments(options)


def add_loading_arguments(parser: argparse._ActionsContainer) -> None:
    """Arguments of everything that reads a config and a checkpoint."""
    add_trust_argument(parser)
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=KeyValues,
        metavar='KEY=VALUE',
        help='set single keys of the config',
    )
