"""A frozen teacher for the terms of the fused loss, and the classifier that trains with it."""

from .distilled_classifier import DistilledClassifier
from .teacher import Teacher, load_teacher

__all__ = ['DistilledClassifier', 'Teacher', 'load_teacher']
