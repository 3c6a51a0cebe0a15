"""A frozen network whose tensors of a batch a student is compared with."""

import copy
import hashlib
import json
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any

import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import CheckpointLoader
from torch import Tensor, nn
from torch.nn import functional as F

from ..checks import check_int
from ..datasets.pipeline import pipeline_steps
from ..engine.budget import read_config
from ..engine.hooks.resume_hook import META_KEY
from ..engine.testing import build_trained, tested_pipeline, weights_of
from ..logs import log
from ..scope import find_config
from ..zoo import find_trained, list_trained
from .normalization import Renormalization, renormalization

KEYS = ('config', 'checkpoint', 'input_size')
OF_CLASSES = frozenset(('logits', 'cosines'))  # tensors that a classifier makes
TESTED = 'embedding'  # beside the tensors of the head
CLASSIFIER = 'head.classifier.'


class Teacher:
    """A frozen network in evaluation mode, beside the model that it teaches.

    It is not a module of that model: so it is not in the model's state dict, optimizer, mode and
    gradient buckets, and a copy of the model, such as an average of weights, shares it.

    Args:
        model: with a head that has named tensors; it is frozen here.
        input_size: (H, W) of the images that it reads.
        renormalize: turns images normalised for the student into the teacher's.
        has_classifier: whether its classifier is trained; otherwise it offers no class tensors.
        name: for messages.
        described: what the model depends on besides its weights.
        trained_on: facts on its training data, if its checkpoint states them.
    """

    def __init__(
        self,
        model: nn.Module,
        input_size: tuple[int, int],
        renormalize: Renormalization,
        has_classifier: bool,
        name: str,
        described: str = '',
        trained_on: Mapping[str, Any] | None = None,
    ) -> None:
        model = model.requires_grad_(False).eval()
        self.model: Any = model.to(memory_format=torch.channels_last)
        self.input_size = input_size
        self.renormalize = renormalize
        self.has_classifier = has_classifier
        self.name = name
        self.described = described
        self.trained_on = dict(trained_on or {})

    def __deepcopy__(self, memo: dict[int, Any]) -> 'Teacher':
        return self

    @torch.no_grad()
    def tensors(self, images: Tensor, names: Collection[str]) -> dict[str, Tensor]:
        """Compute the named tensors of a batch.

        Args:
            images: normalised for the student, shape (B, 3, H, W).
            names: some of those in `sizes`; `embedding` is the feature that its test compares.
        """
        self.model.to(images.device)
        images = self.renormalize(images)
        if images.shape[-2:] != self.input_size:
            images = F.interpolate(images, self.input_size, mode='bilinear', antialias=True)
        head, feats = self.model.head, self.model.extract_feat(images)
        found: dict[str, Tensor] = {}
        if TESTED in names:
            found[TESTED] = head.pre_logits(feats)
        if set(names) - {TESTED}:
            found.update(head.tensors(head.reduced(feats), names))
        return {name: found[name] for name in names}

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Number of values for an image of each tensor; of `logits`, the number of identities."""
        offered = {TESTED, *self.model.head.tensors_offered}
        names = offered if self.has_classifier else offered - OF_CLASSES
        device = next(self.model.parameters()).device
        found = self.tensors(torch.zeros(1, 3, *self.input_size, device=device), sorted(names))
        return {name: value.shape[-1] for name, value in found.items()}

    @cached_property
    def fingerprint(self) -> str:
        """Digest of all that its tensors depend on."""
        digest = hashlib.sha256(self.described.encode())
        for name, weight in sorted(self.model.state_dict().items()):
            digest.update(f'{name} {weight.dtype} {tuple(weight.shape)}'.encode())
            flat = weight.detach().cpu().contiguous().reshape(-1)
            digest.update(flat.view(torch.uint8).numpy())
        return digest.hexdigest()[:16]


class NoLoss(nn.Module):
    """The loss of a head that is not trained."""

    reads: frozenset[str] = frozenset()

    def __init__(self, num_classes: int | None = None, feat_dims: int | None = None) -> None:
        super().__init__()


def load_teacher(teacher: Mapping[str, Any], preprocessor: nn.Module) -> Teacher:
    """Load a teacher.

    Args:
        teacher: dict with `checkpoint`: a path, a URL, or 'reid_fusedloss://NAME' of a trained
            network of this package; weights of other projects are converted; `config`: path or
            name of its config, or the dict of its model; not needed for a trained network of this
            package; `input_size`: (H, W); not needed if the config has a test pipeline with a
            `Resize`.
        preprocessor: data preprocessor of the student.

    Raises:
        TypeError: if it is not a dict, or a value has the wrong type.
        FileNotFoundError: if config or checkpoint do not exist.
        ValueError: if a key is unknown or missing, the weights do not fit the config, or the
            network has no named tensors.
    """
    _check(teacher)
    checkpoint = teacher['checkpoint']
    loaded = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu')
    weights = weights_of(loaded)
    cfg = _read_config(teacher.get('config'), checkpoint)
    if not isinstance(cfg.get('model', {}).get('head'), Mapping):
        raise ValueError(f'model.teacher.config has no model with a head: {cfg.filename or cfg}')
    input_size = _input_size(cfg, teacher.get('input_size'))
    try:
        model = _build(cfg, weights)
    except ValueError as error:
        raise ValueError(f'model.teacher: {error}') from error
    head = model.head
    if not (hasattr(head, 'tensors') and hasattr(head, 'tensors_offered')):
        raise ValueError(
            f'model.teacher: {type(head).__name__} has no named tensors to compare with: use a '
            'config with a head of this package, such as those in configs/published/'
        )
    renormalize = renormalization(preprocessor, model.data_preprocessor)
    built = Teacher(
        model,
        input_size,
        renormalize,
        has_classifier=any(name.startswith(CLASSIFIER) for name in weights),
        name=checkpoint,
        described=_describe(cfg, input_size),
        trained_on=_trained_on(loaded),
    )
    log(
        f'teacher: {checkpoint}, {type(model.backbone).__name__} at '
        f'{input_size[0]}x{input_size[1]}, frozen; its tensors are {built.sizes}'
    )
    return built


def _check(teacher: Any) -> None:
    if not isinstance(teacher, Mapping):
        raise TypeError(
            'model.teacher must be a dict with `checkpoint`, a list of such dicts, or None, got '
            f'{teacher!r}'
        )
    unknown = sorted(set(teacher) - set(KEYS))
    if unknown:
        raise ValueError(f'model.teacher has keys that nothing reads: {unknown}; it has {KEYS}')
    if not isinstance(teacher.get('checkpoint'), str):
        raise TypeError(
            "model.teacher.checkpoint must be a path, a URL or 'reid_fusedloss://NAME', got "
            f'{teacher.get("checkpoint")!r}'
        )
    config = teacher.get('config')
    if not isinstance(config, (str, Mapping, type(None))):
        raise TypeError(
            f'model.teacher.config must be a path or the dict of a model, got {config!r}'
        )


def _read_config(config: Any, checkpoint: str) -> Config:
    if isinstance(config, Mapping):
        return Config(dict(model=copy.deepcopy(config)))
    if config is not None:
        return read_config(str(find_config(config)))
    trained = find_trained(checkpoint)
    if trained is None:
        raise ValueError(
            f'model.teacher.config is missing: name the config of {checkpoint}; only the trained '
            f'networks of this package have their own, {sorted(list_trained())}'
        )
    return read_config(str(trained.config))


def _input_size(cfg: Config, given: Any) -> tuple[int, int]:
    """Return (H, W): the given one, or that of the config's test."""
    if given is None and cfg.get('test_dataloader'):
        for step in reversed(pipeline_steps(tested_pipeline(cfg))):
            scale = step.get('scale')
            if str(step['type']).endswith('Resize') and isinstance(scale, (list, tuple)):
                given = tuple(scale)[::-1]  # Resize takes (W, H)
                break
    if not isinstance(given, (list, tuple)) or len(given) != 2:
        raise ValueError(
            f'model.teacher.input_size must be (H, W), of the images that the teacher reads, got '
            f'{given!r}: its config has no test pipeline with a Resize, so set it'
        )
    for value in given:
        check_int('model.teacher.input_size', value)
    return int(given[0]), int(given[1])


def _build(cfg: Config, weights: Mapping[str, Tensor]) -> Any:
    """Build the model with its weights; the random numbers of the student stay as they are."""
    cfg.model.head.loss = dict(type=NoLoss)
    scope = cfg.get('default_scope', 'mmpretrain')
    with torch.random.fork_rng(devices=[]), DefaultScope.overwrite_default_scope(scope):
        return build_trained(cfg, weights)


def _describe(cfg: Config, input_size: tuple[int, int]) -> str:
    model = cfg.to_dict()['model']
    model['head'] = {key: value for key, value in model['head'].items() if key != 'loss'}
    return json.dumps([model, input_size], sort_keys=True, default=str)


def _trained_on(loaded: Any) -> dict[str, Any]:
    meta = loaded.get('meta') if isinstance(loaded, Mapping) else None
    facts = meta.get(META_KEY) if isinstance(meta, Mapping) else None
    found = facts.get('data') if isinstance(facts, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}
