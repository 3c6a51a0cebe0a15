"""The page itself, by gradio: bound to this machine, without any request to another."""
import os
from pathlib import Path
from typing import Any, Optional

from ..checks import check_int
from ..optional import require
from .answers import ALWAYS, Answers, QuestionError
from .markup import answer_page, message, query_page

STYLE = Path(__file__).with_name('page.css')
FONTS = ['ui-sans-serif', 'system-ui', 'sans-serif']
MOST = 50  # answers on a page
UPLOAD = '64mb'


def build_page(answers: Answers) -> Any:
    """The page as `gradio.Blocks`, not started.

    Raises:
        ImportError: if gradio is not installed.
    """
    gr = _import_gradio()
    most = min(MOST, len(answers.index))
    with gr.Blocks(title='Who is this?', analytics_enabled=False) as page:
        with gr.Column(elem_classes='reid-page'):
            gr.HTML(f'<h1>Who is this?</h1><p>Drop an image of a person and see who of '
                    f'{len(answers.index)} images it is. Nothing leaves this machine.</p>')
            with gr.Row():
                with gr.Column(scale=1, min_width=280):
                    file = gr.File(label='Query image', file_types=['image'], height=150,
                                   elem_id='reid-file')
                    query = gr.HTML(elem_id='reid-query-area')
                    k = gr.Slider(1, most, min(10, most), step=1, label='Answers') if most > 1 \
                        else gr.Number(1, label='Answers', interactive=False)
                    rerank = gr.Checkbox(label='Re-rank', info='by k-reciprocal neighbours')
                    threshold = gr.Slider(
                        0, ALWAYS, answers.default_threshold, step=.01, label='Known below distance',
                        info='if the nearest is farther, nobody is known; 2: no limit')
                with gr.Column(scale=3, min_width=280):
                    area = gr.HTML(message('Choose an image to search with.'),
                                   elem_id='reid-answers')
        gr.on([file.change, k.release, rerank.change, threshold.release],
              lambda *values: respond(answers, *values), [file, k, rerank, threshold],
              [query, area], api_visibility='private', concurrency_limit=1)
    return page


def respond(answers: Answers, path: Optional[str], k: float, rerank: bool,
            threshold: float) -> tuple[str, str]:
    """HTML of the query and of the answers; a message in their place where there is none."""
    try:
        answer = answers.ask(path, k, rerank, threshold)
    except QuestionError as error:
        return '', message(str(error))
    return query_page(answer), answer_page(answer)


def serve(answers: Answers, port: int = 7860, host: str = '127.0.0.1',
          block: bool = True) -> tuple[Any, str]:
    """Start the page.

    Args:
        answers: what it shows.
        port: of the machine; 0: a free one.
        host: address to listen on; '0.0.0.0' lets everybody in who can reach the machine.
        block: stay until Ctrl-C; False: return at once, and `close()` ends it.

    Returns:
        The page and its address.

    Raises:
        ImportError: if gradio is not installed.
        OSError: if the port is taken.
        TypeError, ValueError: if it is no port.
    """
    check_int('port', port, 0, 65535)
    gr = _import_gradio()
    page = build_page(answers)
    _, address, _ = page.launch(
        server_name=host, server_port=port or _free_port(host), share=False, inbrowser=False,
        prevent_thread_lock=True, quiet=True, ssr_mode=False, pwa=False, mcp_server=False,
        enable_monitoring=False, footer_links=[], max_file_size=UPLOAD, css_paths=STYLE,
        theme=gr.themes.Base(font=FONTS, font_mono=['ui-monospace', 'monospace']))
    print(f'open {address} in a browser; Ctrl-C ends it', flush=True)
    if block:
        page.block_thread()
    return page, address


def _import_gradio() -> Any:
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    return require('gradio', 'the web page')


def _free_port(host: str) -> int:
    import socket
    with socket.socket() as found:
        found.bind((host, 0))
        return found.getsockname()[1]
