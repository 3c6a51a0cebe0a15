"""Prepare the test of a trained model on any data set."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mmengine.config import Config
from mmengine.registry import MODELS
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn

from ..conversion import compare, convert, detect, is_mmengines, read_state_dict
from ..logs import log, warn
from ..registry import DATASETS
from .unwrap import unwrap

CLASSIFIER = r'head\.classifier(\.\d+)?\.weight'  # one, or one per part
UNTESTED = r'head\.(classifier|loss_module)\.|.*\bnum_batches_tracked$'
TESTED = ('backbone.', 'neck.')  # parts that compute the feature
TEST_FEATURES = dict(BNNeckHead='bn', PCBHead='pooled')  # default `test_feature` of heads


def read_weights(checkpoint: str) -> Mapping[str, Tensor]:
    """Read the state dict of a checkpoint; weights of another project get our names.

    Raises:
        FileNotFoundError, ValueError: if the checkpoint cannot be read, or is of another project
            and of a network that this package does not have.
    """
    return weights_of(CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu'))


def weights_of(loaded: Any) -> Mapping[str, Tensor]:
    """Return the state dict of a loaded checkpoint under our names, as `read_weights` does."""
    weights = read_state_dict(loaded)
    if is_mmengines(loaded) or detect(weights) is None:
        return weights
    converted = convert(weights)
    converted.log()
    return converted.weights


def adopt_identities(cfg: Config, weights: Mapping[str, Tensor]) -> None:
    """Set `num_classes` to that of a checkpoint, to test it on any data set."""
    classifier = next(
        (weight for name, weight in weights.items() if re.fullmatch(CLASSIFIER, name)), None
    )
    if classifier is not None:
        cfg.model.head.num_classes = len(classifier)
        log(
            f'the checkpoint was trained on {len(classifier)} identities; a test needs none of them'
        )
    elif cfg.model.head.num_classes is None:
        cfg.model.head.num_classes = 1


def drop_start_weights(cfg: Config) -> None:
    """Do not load or download initial weights, nor a teacher: a checkpoint will fill the model."""
    if cfg.model.get('teacher'):
        cfg.model.teacher = None
    if 'init_cfg' in cfg.model.backbone:  # a custom backbone may not have it
        cfg.model.backbone.init_cfg = None
    if cfg.model.backbone.get('pretrained'):  # timm's
        cfg.model.backbone.pretrained = False


def check_weights(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Refuse to test a model if the checkpoint lacks some weights: they would be random.

    The classifier and the loss (such as centres) belong to the training's identities and are not
    needed, nor is the number of batches that a batch normalisation has seen. If a file has no head,
    such as one of ImageNet, the head's batch normalisation keeps its initial state, the identity,
    with a warning.

    Raises:
        ValueError: if any other weight of the model is missing or has another shape, or the
            checkpoint has further weights in backbone or neck; the error names them.
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
        warn(
            "the checkpoint has no head, so the batch normalisation of the model's head keeps its "
            'initial state, the identity'
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


def build_trained(cfg: Config, weights: Mapping[str, Tensor]) -> nn.Module:
    """Build the model of a config with the weights of a checkpoint, to compute features.

    Args:
        cfg: its `model` is changed in place: the number of identities becomes the checkpoint's, and
            nothing that only a training needs is loaded.
        weights: from `read_weights`.

    Raises:
        ValueError: if the weights are not those of the model, see `check_weights`.
    """
    adopt_identities(cfg, weights)
    drop_start_weights(cfg)
    model = MODELS.build(cfg.model)
    check_weights(model, weights)
    own = model.state_dict()
    fitting = {
        name: weight
        for name, weight in weights.items()
        if name in own and own[name].shape == weight.shape
    }
    unused = [name for name in weights if name not in own and not re.match(UNTESTED, name)]
    if unused:
        warn(
            f'{len(unused)} weights of the checkpoint have no place in the model of the '
            f'config: {unused[:3]}'
        )
    model.load_state_dict(fitting, strict=False)
    return model.eval()


def tested_pipeline(cfg: Config) -> Any:
    """Return the pipeline of the test set, by which images are read to compute features.

    Raises:
        ValueError: if the config has no test set.
    """
    if not cfg.get('test_dataloader'):
        raise ValueError(
            f'{cfg.filename or "the config"} has no test set (test_dataloader is '
            'None), so it is unknown how to read images. Set test_dataloader, test_cfg '
            'and test_evaluator in the config, or use a config that has them'
        )
    return cfg.test_dataloader.dataset.pipeline


def check_test_sets(configs: Iterable[Config]) -> None:
    """Check that all test sets exist, before hours are spent on the first.

    All processes call this, since a data set may synchronise them.

    Raises:
        FileNotFoundError: if some do not; with the reason for each.
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
    """Evaluate every feature of the head by every distance, from one extraction."""
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
