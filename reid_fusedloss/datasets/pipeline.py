"""Pipelines whose steps have names."""

from collections.abc import Mapping, Sequence

STEPS = ('load', 'auto_augment', 'resize', 'flip', 'crop', 'jitter', 'extra', 'erase', 'pack')
Pipeline = Sequence[dict] | Mapping[str, dict | None]


def pipeline_steps(pipeline: Pipeline) -> list[dict]:
    """Put the transforms in order; MMEngine loses the order of keys when it dumps a config.

    Args:
        pipeline: transforms in a list, as in MMEngine, or by the names of `STEPS`; None leaves a
            step out.

    Raises:
        TypeError: if it is neither, or a step is not a transform.
        ValueError: if a name is unknown.
    """
    if isinstance(pipeline, Mapping):
        unknown = [name for name in pipeline if name not in STEPS]
        if unknown:
            raise ValueError(
                f'the named steps of a pipeline are {STEPS}, got {unknown}: use one of '
                'them (extra is free), or write the pipeline as a list'
            )
        named = (pipeline.get(name) for name in STEPS)
        pipeline = [step for step in named if step is not None]
    if not isinstance(pipeline, (list, tuple)):
        raise TypeError(f'pipeline is a list or a dict of transforms, got {pipeline!r}')
    for step in pipeline:
        if not callable(step) and not (isinstance(step, Mapping) and 'type' in step):
            raise TypeError(f'a step of a pipeline is a dict with `type`, got {step!r}')
    return list(pipeline)
