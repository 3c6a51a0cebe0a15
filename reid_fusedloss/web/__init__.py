"""A local web page that finds the person in an image in a gallery. Needs gradio and faiss."""

from .answers import Answer, Answers, QuestionError
from .page import serve

__all__ = ['Answer', 'Answers', 'QuestionError', 'serve']
