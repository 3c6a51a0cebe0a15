"""Files, config keys and Python names that the text of the docs names exist."""

import importlib
import inspect
import re
from collections.abc import Mapping

import pytest
from mmengine import registry
from mmengine.runner import Runner

from reid_fusedloss.datasets.pipeline import STEPS
from reid_fusedloss.engine.config import load_config

from .pages import PAGES, ROOT, inline

FOLDERS = ('configs/', 'docs/', 'tests/', 'tools/', 'reid_fusedloss/')
REGISTRIES = [value for value in vars(registry).values() if isinstance(value, registry.Registry)]
PACKAGES = ('reid_fusedloss', 'torch', 'mmengine', 'mmpretrain')
UNWRITTEN = re.compile(r'[A-Z]{2,}|work_dirs/|data/|\.\.\.|[*{<]')  # NAME, globs, the reader's own


@pytest.fixture(scope='module')
def scopes():
    """Where a dotted key may begin: two configs, and parts of them that docs speak of."""
    cfg = load_config('fusedloss_r50')
    dataset = cfg.train_dataloader.dataset
    taught = load_config('student_feature')
    return [
        cfg._cfg_dict,
        taught._cfg_dict,
        cfg.model,
        cfg.model.head,
        dataset,
        dataset.pipeline,
        cfg.default_hooks,
    ]


# what a part of a config is without a type, and keys that a function reads, no class
DEFAULTS = dict(data_preprocessor='ClsDataPreprocessor')
OF_FUNCTIONS = dict(
    optim_wrapper={'paramwise_cfg', 'constructor'},
    randomness=set(inspect.signature(Runner.set_randomness).parameters),
    pipeline=set(STEPS),
)


def component(name: str) -> type | None:
    """What a `type` of a config means."""
    names = (name, f'mmpretrain.{name}') if name else ()
    return next(filter(None, (one.get(name) for name in names for one in REGISTRIES)), None)


def resolves(node: object, parts: list[str], key: str = '') -> bool:
    """Whether a key is in a config, or an argument of the class that reads it."""
    if not parts or node is None:
        return True
    head, *rest = parts
    if isinstance(node, list):
        return head.isdigit() and int(head) < len(node) and resolves(node[int(head)], rest)
    if not isinstance(node, Mapping):
        return False
    if head in node:
        return resolves(node[head], rest, head)
    if head in OF_FUNCTIONS.get(key, ()):
        return True
    found = component(node.get('type') or DEFAULTS.get(key, ''))
    return found is not None and any(
        head in inspect.signature(one.__init__).parameters for one in found.__mro__
    )


def python_name(name: str) -> bool:
    """Whether a dotted name is a module, what is in one, or a registered type."""
    module, _, last = name.rpartition('.')
    if component(name) is not None:
        return True
    try:
        importlib.import_module(name)
    except ImportError:
        return bool(module) and has(module, last)
    return True


def has(module: str, last: str) -> bool:
    try:
        return hasattr(importlib.import_module(module), last)
    except ImportError:
        outer, _, inner = module.rpartition('.')
        return bool(outer) and hasattr(getattr(importlib.import_module(outer), inner, None), last)


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files(page):
    """Paths from the root, from configs/, or beside the page; test files also by name alone."""
    tests = {path.name for path in ROOT.glob('tests/**/test_*.py')}
    text = page.read_text()
    named = set(re.findall(r'(?<![\w/.-])((?:[\w.-]+/)+[\w-]+\.(?:py|sh|md|yml|png))\b', text))
    named |= {code for code in inline(page) if code.startswith(FOLDERS) and ' ' not in code}
    for name in named:
        if UNWRITTEN.search(name):
            continue
        places = (
            ROOT,
            *(ROOT / name for name in ('configs', 'tests', 'reid_fusedloss')),
            page.parent,
        )
        assert any((place / name).exists() for place in places), name
    assert set(re.findall(r'`(test_\w+\.py)`', text)) <= tests


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_keys(page, scopes):
    for code in inline(page):
        found = re.fullmatch(r'([a-z]\w*(?:\.\w+)+)(=.*|\(.*)?', code)
        if not found or re.search(
            r'\.(py|sh|md|pth|npz|json|png|yml|csv|onnx|txt|toml|index)$', found[1]
        ):
            continue
        parts = found[1].split('.')
        if parts[0] in PACKAGES:
            assert python_name(found[1]), code
        elif any(parts[0] in scope for scope in scopes) or '=' in (found[2] or '')[:1]:
            assert any(resolves(scope, parts) for scope in scopes), code
