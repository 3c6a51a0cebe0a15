"""A frozen teacher for the terms of the fused loss, and the classifier that trains with it."""

from .distilled_classifier import DistilledClassifier
from .several import Teachers
from .teacher import Teacher, load_teacher

__all__ = ['DistilledClassifier', 'Teacher', 'Teachers', 'load_teacher']
