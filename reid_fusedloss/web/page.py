"""The page itself, by gradio: bound to this machine, without any request to another."""
import os
import socket
from typing import Any, Optional

from ..checks import check_int
from ..optional import require
from .answers import ALWAYS, HINT, Answers
from .markup import answer_page, message, query_page
from .style import STYLE

FONTS = ['ui-sans-serif', 'system-ui', 'sans-serif']
MOST = 50  # answers on a page
UPLOAD = '64mb'
LOCAL = ['127.0.0.1', 'localhost', '::1', '[::1]']
CACHE = (600, 3600)  # seconds: how often uploads are looked through, and how long they are kept


def build_page(answers: Answers) -> Any:
    """The page as `gradio.Blocks`, not started.

    Raises:
        ImportError: if gradio is not installed.
    """
    gr = import_gradio()
    with gr.Blocks(title='Who is this?', analytics_enabled=False, delete_cache=CACHE) as page:
        with gr.Column(elem_classes='reid-page'):
            gr.HTML('<h1>Who is this?</h1><p>Drop an image and see which of the '
                    f'{len(answers.index)} images of the gallery are most like it. Nothing leaves '
                    'this machine.</p>')
            with gr.Row():
                with gr.Column(scale=1, min_width=280, elem_classes='reid-left'):
                    file = gr.File(label='Query image', file_types=['image'], height=150,
                                   elem_id='reid-file')
                    query = gr.HTML()
                    with gr.Group(elem_classes='reid-settings'):
                        settings = _settings(gr, answers)
                with gr.Column(scale=3, min_width=280, elem_classes='reid-right'):
                    area = gr.HTML(message(HINT), elem_id='reid-answers')
        gr.on([part.change for part in (file, *settings)],
              lambda *values: respond(answers, *values), [file, *settings], [query, area],
              api_visibility='private', concurrency_limit=1, trigger_mode='always_last')
    return page


def _settings(gr: Any, answers: Answers) -> list[Any]:
    """Number of answers, re-ranking, threshold."""
    most = max(2, min(MOST, len(answers.index)))
    return [
        gr.Slider(1, most, min(10, most), step=1, label='Answers', elem_id='reid-k'),
        gr.Checkbox(label='Re-rank', info='by k-reciprocal neighbours', elem_id='reid-rerank'),
        gr.Slider(0, ALWAYS, answers.default_threshold, step=.01, label='Known below distance',
                  info='if the nearest is farther, nobody is known; 2: no limit',
                  elem_id='reid-threshold')]


def respond(answers: Answers, path: Optional[str], k: float, rerank: bool,
            threshold: float) -> tuple[str, str]:
    """HTML of the query and of the answers; a message in their place where there is none."""
    try:
        answer = answers.ask(path, k, rerank, threshold)
    except (FloatingPointError, ValueError) as error:
        return '', message(str(error))
    return query_page(answer), answer_page(answer)


def serve(answers: Answers, port: int = 7860, host: str = '127.0.0.1',
          block: bool = True) -> tuple[Any, str]:
    """Start the page.

    Args:
        answers: what it shows.
        port: of the machine; 0: a free one.
        host: address to listen on; '0.0.0.0' lets everybody in who can reach the machine. On an
            address of this machine alone, only requests that name it are answered, so that
            no other site can lead a browser here by a name of its own (DNS rebinding).
        block: stay until Ctrl-C; False: return at once, and `close()` ends it.

    Returns:
        The page and its address.

    Raises:
        ImportError: if gradio is not installed.
        OSError: if the port is taken.
        TypeError, ValueError: if it is no port.
    """
    check_int('port', port, 0, 65535)
    gr = import_gradio()
    page = build_page(answers)
    _, address, _ = page.launch(
        server_name=host, server_port=port or _free_port(host), share=False, inbrowser=False,
        prevent_thread_lock=True, quiet=True, ssr_mode=False, pwa=False, mcp_server=False,
        enable_monitoring=False, footer_links=[], max_file_size=UPLOAD, css=STYLE,
        theme=_theme(gr), app_kwargs=dict(middleware=_guard(host)))
    print(f'open {address} in a browser; Ctrl-C ends it', flush=True)
    if block:
        page.block_thread()
    return page, address


def import_gradio() -> Any:
    """Gradio, which tells nobody that it is used.

    Raises:
        ImportError: if it is not installed.
    """
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    return require('gradio', 'the web page')


def _guard(host: str) -> list[Any]:
    """What refuses requests to this machine alone that call it by another name."""
    from starlette.middleware import Middleware  # gradio's own
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    return [Middleware(TrustedHostMiddleware, allowed_hosts=LOCAL)] if host in LOCAL else []


def _theme(gr: Any) -> Any:
    """Fonts of this machine, and texts dark enough to be read."""
    return gr.themes.Base(font=FONTS, font_mono=['ui-monospace', 'monospace']).set(
        body_text_color_subdued='*neutral_600', block_info_text_color='*neutral_600',
        body_text_color_subdued_dark='*neutral_300', block_info_text_color_dark='*neutral_300')


def _free_port(host: str) -> int:
    with socket.socket() as found:
        found.bind((host, 0))
        return found.getsockname()[1]
