"""From a training's config and checkpoint to a test on any data set."""

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from ..conversion import compare, convert, detect, is_mmengines, read_state_dict
from ..registry import DATASETS
from .unwrap import unwrap

CLASSIFIER = r'head\.classifier(\.\d+)?\.weight'  # one, or one for each part
UNTESTED = r'head\.(classifier|loss_module)\.|.*\bnum_batches_tracked$'
TESTED = ('backbone.', 'neck.')  # parts whose weights make the feature
TEST_FEATURES = dict(
    BNNeckHead='bn', PCBHead='pooled'
)  # what heads of two features test by default


def read_weights(checkpoint: str) -> Mapping[str, Tensor]:
    """State dict of a model's checkpoint; one of another project under our names.

    Raises:
        FileNotFoundError, ValueError: if the checkpoint cannot be read, or is of another project
            and of a network that has no counterpart here.
    """
    loaded = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    weights = read_state_dict(loaded)
    if is_mmengines(loaded) or detect(weights) is None:
        return weights
    converted = convert(weights)
    converted.log()
    return converted.weights


def adopt_identities(cfg: Config, weights: Mapping[str, Tensor]) -> None:
    """Set `num_classes` to the classes of a checkpoint, to test it on any data set."""
    classifier = next(
        (weight for name, weight in weights.items() if re.fullmatch(CLASSIFIER, name)), None
    )
    if classifier is not None:
        cfg.model.head.num_classes = len(classifier)
        print_log(
            f'the checkpoint was trained on {len(classifier)} identities; testing needs none '
            'of them',
            logger='current',
        )
    elif cfg.model.head.num_classes is None:
        cfg.model.head.num_classes = 1


def drop_start_weights(cfg: Config) -> None:
    """Neither read nor fetch weights to start from: a checkpoint is to fill the backbone."""
    if 'init_cfg' in cfg.model.backbone:  # a backbone of the user's own may not know it
        cfg.model.backbone.init_cfg = None
    if cfg.model.backbone.get('pretrained'):  # timm's
        cfg.model.backbone.pretrained = False


def check_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Refuse to test with weights that the checkpoint does not hold: they would be random.

    The classifier and the loss (centres, say) belong to the identities of the training and are not
    needed; nor is the number of batches that a batch normalisation has seen. A file without any
    head, of ImageNet say, leaves the head's batch normalisation the identity that it starts as: a
    warning says so.

    Raises:
        ValueError: if any other weight of the model is missing or has another shape, or the
            checkpoint has one more in backbone or neck; it names them.
    """
    wanted = {
        name: value
        for name, value in unwrap(model).state_dict().items()
        if not re.match(UNTESTED, name)
    }
    fit = compare(weights, wanted, adaptable=False)
    unfilled = dict.fromkeys(fit.missing, 'is missing') | {
        name: f'has shape {theirs} instead of {ours}' for name, (theirs, ours) in fit.shapes.items()
    }
    headless = not any(name.startswith('head.') for name in weights)
    if unfilled and headless and all(name.startswith('head.bn.') for name in unfilled):
        print_log(
            "the checkpoint has no head, so the batch normalisation of the model's is the "
            'identity that it starts as',
            logger='current',
            level=logging.WARNING,
        )
    elif unfilled:
        first = ', '.join(f'{name} {fault}' for name, fault in list(unfilled.items())[:3])
        more = ', ...' if len(unfilled) > 3 else ''
        raise ValueError(
            f'the checkpoint does not fill {len(unfilled)} of {len(wanted)} weights '
            f'that the embedding needs ({first}{more}): it belongs to another config'
        )
    surplus = [
        name for name in fit.unknown if name.startswith(TESTED) and not re.match(UNTESTED, name)
    ]
    if surplus:
        raise ValueError(
            f'the model has no place for {len(surplus)} weights of the checkpoint '
            f'({surplus[0]}, ...): it belongs to another config'
        )


def tested_pipeline(cfg: Config) -> Any:
    """Pipeline of the test set: how an image is read before its feature is taken.

    Raises:
        ValueError: if the config has no test set, as one for training alone.
    """
    if not cfg.get('test_dataloader'):
        raise ValueError(
            f'{cfg.filename or "the config"} has no test set (test_dataloader is '
            'None): nothing says how images are read. Write test_dataloader, test_cfg '
            'and test_evaluator into the config, or take one that has them'
        )
    return cfg.test_dataloader.dataset.pipeline


def check_test_sets(configs: Iterable[Config]) -> None:
    """Find out now whether all test sets are there, before hours are spent on the first.

    All processes call it, since a data set may make them wait for each other.

    Raises:
        FileNotFoundError: if some are not; it says of all of them why.
    """
    missing = []
    for cfg in configs:
        try:
            DATASETS.build(cfg.test_dataloader.dataset)
        except (OSError, ValueError) as error:
            missing.append(str(error))
    if missing:
        raise FileNotFoundError('; '.join(missing))


def compare_rankings(cfg: Config) -> None:
    """Report every feature of the head and every distance of the metric from one extraction."""
    evaluators = (
        cfg.test_evaluator if isinstance(cfg.test_evaluator, list) else [cfg.test_evaluator]
    )
    for evaluator in evaluators:
        if evaluator.type.endswith('ReIDMetric'):
            evaluator.compare = True
    default = TEST_FEATURES.get(cfg.model.head.type.split('.')[-1])
    if default is not None:
        first = cfg.model.head.get('test_feature', default)
        first = first if isinstance(first, str) else first[0]
        cfg.model.head.test_feature = (first, 'pooled' if first == 'bn' else 'bn')


def flip_images(cfg: Config) -> None:
    """Average the embeddings of an image and its mirror image."""
    cfg.model = dict(type='reid_fusedloss.FlipTestModel', module=cfg.model)
