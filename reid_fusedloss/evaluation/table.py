"""Metrics as a table of text."""

from collections.abc import Mapping


def metrics_table(scores: Mapping[str, Mapping[str, float]]) -> str:
    """One row for each data set and ranking, one column for each metric.

    Args:
        scores: by data set, the metrics in percent by prefixed name, such as 'reid/mAP'; the name
            of the data set may be empty.
    """
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for dataset, metrics in scores.items():
        for name, value in metrics.items():
            prefix, _, metric = name.rpartition('/')
            rows.setdefault((dataset, prefix), {})[metric] = value
    columns = list(dict.fromkeys(metric for row in rows.values() for metric in row))
    first = [f'{dataset} {prefix}'.strip() for dataset, prefix in rows]
    width = max(map(len, first), default=0)
    lines = [' ' * width + ''.join(f'  {column:>6}' for column in columns)]
    for label, row in zip(first, rows.values()):
        cells = (f'{row[column]:.2f}' if column in row else '-' for column in columns)
        lines.append(
            f'{label:<{width}}'
            + ''.join(f'  {cell:>{max(6, len(column))}}' for cell, column in zip(cells, columns))
        )
    return '\n'.join(lines)
