"""A local page: drop an image, see who of a gallery it is. Needs gradio and faiss."""
from .answers import Answer, Answers, QuestionError
from .gallery import build_gallery
from .page import serve

__all__ = ['Answer', 'Answers', 'QuestionError', 'build_gallery', 'serve']
