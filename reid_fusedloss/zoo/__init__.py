"""Networks trained by this project, with their weights in the package, found by name."""

from .models import SCHEME, TrainedModel, find_trained, list_trained, load_from_package

__all__ = ['SCHEME', 'TrainedModel', 'find_trained', 'list_trained', 'load_from_package']
