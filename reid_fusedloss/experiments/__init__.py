"""Ablations: run the rows of the paper's tables one after another, and write the tables."""

from .ablation import Ablation, settle
from .evidence import evidence_page
from .ladder import ladder
from .paper import PaperRow, read_paper
from .results import read_outcome
from .rows import Choices, find_configs, plan
from .tables import csv_text, markdown

__all__ = [
    'Ablation',
    'Choices',
    'PaperRow',
    'csv_text',
    'evidence_page',
    'find_configs',
    'ladder',
    'markdown',
    'plan',
    'read_outcome',
    'read_paper',
    'settle',
]
