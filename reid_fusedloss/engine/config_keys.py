"""Refuse config keys that nothing reads, such as misspelt ones."""

import inspect
from difflib import get_close_matches

from mmengine.config import Config
from mmengine.runner import Runner

from ..logs import log

# arguments of MMEngine's Runner, and the other keys that it reads from a config (0.10.7)
RUNNER_KEYS = set(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'} | set(
    'model_wrapper_cfg find_unused_parameters sync_bn custom_imports compile '
    'activation_checkpointing efficient_conv_bn_eval'.split()
)
ENV_KEYS = {'cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'}
PARAMWISE_KEYS = set(
    'custom_keys bias_lr_mult bias_decay_mult norm_decay_mult flat_decay_mult dwconv_decay_mult '
    'dcn_offset_lr_mult bypass_duplicate'.split()
)
SIMILAR = 0.85


def check_keys(cfg: Config) -> None:
    """Refuse keys that nothing would read.

    Below the top level the types refuse unknown arguments, except in two dicts that MMEngine reads
    key by key, `env_cfg` and `optim_wrapper.paramwise_cfg`. An unknown name at the top level may
    be a variable of the config's author: it is refused if it resembles a key of the Runner, and
    logged otherwise.

    Raises:
        ValueError: if a key is unknown; the error names the most similar known key.
    """
    name = str(cfg.filename or 'config')
    unread = sorted(set(cfg.keys()) - RUNNER_KEYS)
    for key in unread:
        nearest = get_close_matches(key, RUNNER_KEYS, n=1, cutoff=SIMILAR)
        if nearest:
            raise ValueError(f'{name}: nothing reads the key {key!r}; did you mean {nearest[0]!r}?')
    if unread:
        log(f'{name}: variables that nothing reads: {unread}')
    wrapper = cfg.get('optim_wrapper') or {}
    places = [('env_cfg', cfg, ENV_KEYS)]
    if 'constructor' not in wrapper:
        places.append(('optim_wrapper.paramwise_cfg', wrapper, PARAMWISE_KEYS))
    for place, owner, known in places:
        unknown = sorted(set(owner.get(place.split('.')[-1]) or ()) - known)
        if unknown:
            raise ValueError(
                f'{name}: {place} has keys that nothing reads: {unknown}; known keys '
                f'are {sorted(known)}'
            )
