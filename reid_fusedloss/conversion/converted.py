"""The result of a conversion."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from ..logs import log, warn

Weights = Mapping[str, Tensor]
MOST_NAMES = 3


@dataclass
class Converted:
    """Weights under our names, and a record of the conversion.

    Attributes:
        weights: our name -> tensor.
        left_over: name in the file -> why it was left out.
        notes: what was computed rather than renamed.
        config: the config whose model the weights fit, relative to configs/ and without `.py`;
            None: no config of ours.
        options: keys of that config to set, as in `Config.merge_from_dict`.
        layout: name of the layout.
        exact: whether the features equal those of the original.
    """

    weights: dict[str, Tensor]
    left_over: dict[str, str]
    notes: list[str] = field(default_factory=list)
    config: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    layout: str = ''
    exact: bool = True

    def summary(self) -> str:
        """Summarize the conversion in one line: the layout, what was taken and what was not."""
        by_reason = defaultdict(list)
        for name, reason in self.left_over.items():
            by_reason[reason].append(name)
        parts = [f'{shorten(names)} ({reason})' for reason, names in by_reason.items()]
        text = f'weights of the layout {self.layout}: {len(self.weights)} tensors taken'
        if parts:
            text += f', {len(self.left_over)} left over: ' + '; '.join(parts)
        if self.config is not None:
            text += f'; they are for {self.command()}'
        return '. '.join([text, *self.notes])

    def command(self) -> str:
        """Return the config and its options as command line arguments."""
        options = ' '.join(f'{key}="{value}"' for key, value in self.options.items())
        return f'configs/{self.config}.py' + (f' --cfg-options {options}' if options else '')

    def log(self) -> None:
        """Log the summary; as a warning if the features differ from those of the original."""
        (log if self.exact else warn)(self.summary())


def shorten(names: list[str]) -> str:
    """List the first names, and how many there are in all."""
    text = ', '.join(names[:MOST_NAMES])
    return text if len(names) <= MOST_NAMES else f'{text}, ... {len(names)} in all'


def list_faults(names: Mapping[str, list[str]]) -> str:
    """List faults, each with the number and the first of the names that have it; '' if none has."""
    return '; '.join(f'{len(own)} {fault} ({shorten(own)})' for fault, own in names.items() if own)
