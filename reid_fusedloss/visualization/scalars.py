"""Join the scalars that MMEngine writes at every start of a run."""

import json
from pathlib import Path

from .canvas import PathLike


def load_scalars(path: PathLike) -> dict[str, list[dict]]:
    """Read the scalars of a run, including all its resumptions.

    Where the step of a training line falls back (a resumed or restarted run), older lines of that
    step and later belong to an abandoned branch and are dropped: the last value of a step wins.

    Args:
        path: a JSON lines file of MMEngine's `LocalVisBackend`, or a directory that holds such
            files as `<timestamp>/vis_data/scalars.json` (a work_dir), `vis_data/scalars.json`
            or `scalars.json`. They are read in the order of their timestamps, except that one
            that resumes at a step which no earlier one reaches follows the one that reaches it:
            the clock may have been set back between two starts.

    Returns:
        `{'train': [...], 'val': [...]}`, the records of each kind by rising step. The step of a
        'val' record is MMEngine's: the epoch, unless `log_metric_by_epoch=False`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the files hold no record, or a line other than the last is malformed.
    """
    train: dict[int, dict] = {}
    val: dict[int, dict] = {}
    for records in _in_order([_records(file) for file in _find(Path(path))]):
        for record in records:
            step = record['step']
            if not _is_training(record):
                val[step] = {**val.pop(step, {}), **record}
                continue
            if train and step <= max(train):
                epoch = record.get('epoch', step)
                train = {s: r for s, r in train.items() if s < step}
                val = {s: r for s, r in val.items() if s < epoch}
            train[step] = record
    if not train and not val:
        raise ValueError(f'{path} holds no scalars: the run stopped before its first log line')
    return {'train': list(train.values()), 'val': [val[step] for step in sorted(val)]}


def _is_training(record: dict) -> bool:
    return 'loss' in record or 'lr' in record


def _in_order(starts: list[list[dict]]) -> list[list[dict]]:
    """Sort the starts of a run, given by timestamp, so that each follows the one it resumes."""
    steps = [[record['step'] for record in records if _is_training(record)] for records in starts]
    begin = min((part[0] for part in steps if part), default=0)
    gap = max(
        (after - before for part in steps for before, after in zip(part, part[1:])), default=0
    )
    ordered: list[int] = []
    waiting: list[int] = []

    def is_due(number: int) -> bool:
        reached = max((max(steps[other]) for other in ordered if steps[other]), default=begin - gap)
        return not steps[number] or steps[number][0] == begin or steps[number][0] <= reached + gap

    for number in range(len(starts)):
        waiting.append(number)
        due = [other for other in waiting if is_due(other)]
        while due:
            ordered += due
            waiting = [other for other in waiting if other not in due]
            due = [other for other in waiting if is_due(other)]
    ordered += sorted(
        waiting, key=lambda number: steps[number][0]
    )  # the starts they resume are gone
    return [starts[number] for number in ordered]


def _find(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    for pattern in ('scalars.json', 'vis_data/scalars.json', '*/vis_data/scalars.json'):
        files = sorted(path.glob(pattern))
        if files:
            return files
    raise FileNotFoundError(f'no scalars.json at {path} or {path}/*/vis_data: check the path')


def _records(file: Path) -> list[dict]:
    """Read the records of a file; skip a truncated last line, which a killed run leaves."""
    lines = [
        (i, line)
        for i, line in enumerate(file.read_text(encoding='utf-8', errors='replace').splitlines(), 1)
        if line.strip()
    ]
    records = []
    for number, line in lines:
        try:
            record = json.loads(line)
        except ValueError as error:
            if number == lines[-1][0]:
                break
            raise ValueError(f'{file}, line {number} is not valid JSON: {error}') from None
        if not isinstance(record, dict) or not isinstance(record.get('step'), int):
            raise ValueError(f"{file}, line {number} is not a record with an integer 'step'")
        records.append(record)
    return records
