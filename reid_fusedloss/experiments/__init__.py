"""Ablations: run the rows of the paper's tables one after another, and write the tables."""

from .ablation import Ablation, settle
from .evidence import evidence_page
from .order import compare_order
from .paper import PaperRow, read_paper
from .process import run_logged
from .results import Outcome, Result, read_outcome
from .rows import Choices, Row, find_configs, plan
from .tables import csv_text, markdown

__all__ = [
    'Ablation',
    'Choices',
    'Outcome',
    'PaperRow',
    'Result',
    'Row',
    'compare_order',
    'csv_text',
    'evidence_page',
    'find_configs',
    'markdown',
    'plan',
    'read_outcome',
    'read_paper',
    'run_logged',
    'settle',
]
