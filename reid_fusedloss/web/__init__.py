"""A local page: drop an image, see who of a gallery it is. Needs gradio and faiss."""

from .answers import Answer, Answers, QuestionError
from .page import serve

__all__ = ['Answer', 'Answers', 'QuestionError', 'serve']
