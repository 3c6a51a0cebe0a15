"""The gradio page, which makes no request to another machine."""

import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ..optional import EXTRAS, require
from .address import bracketed, check_address, free_port, is_loopback
from .answers import ALWAYS, HINT, Answers
from .guard import Guard
from .markup import answer_page, escape, message, query_page
from .style import STYLE
from .uploads import Uploads

FONTS = ['ui-sans-serif', 'system-ui', 'sans-serif']
MOST = 50  # answers on a page
UPLOAD = '64mb'
CACHE = (600, 3600)  # seconds between deletions of old uploads, and for which uploads are kept
GRADIO = 6  # the major version that is supported, as in setup.cfg


def build_page(answers: Answers) -> Any:
    """Build the page as `gradio.Blocks` without starting it.

    Raises:
        ImportError: if gradio is not installed.
    """
    gr = import_gradio()
    with gr.Blocks(title='Who is this?', analytics_enabled=False, delete_cache=CACHE) as page:
        with gr.Column(elem_classes='reid-page'):
            intro = gr.HTML(introduction(answers))
            with gr.Row():
                with gr.Column(scale=1, min_width=280, elem_classes='reid-left'):
                    file = gr.File(
                        label='Query image', file_types=['image'], height=150, elem_id='reid-file'
                    )
                    _refuse_addresses(file)
                    query = gr.HTML()
                    with gr.Group(elem_classes='reid-settings'):
                        settings = _settings(gr, answers)
                with gr.Column(scale=3, min_width=280, elem_classes='reid-right'):
                    area = gr.HTML(message(HINT), elem_id='reid-answers')
        gr.on(
            [part.change for part in (file, *settings)],
            lambda *values: respond(answers, *values),
            [file, *settings],
            [query, area],
            api_visibility='private',
            concurrency_limit=1,
            trigger_mode='always_last',
        )
        page.load(
            lambda: (introduction(answers), answers.default_threshold),
            None,
            [intro, settings[-1]],
            api_visibility='private',
        )
    return page


def _refuse_addresses(file: Any) -> None:
    """Accept only uploads: gradio would also download a file whose path is a URL."""
    take = file.async_move_resource_to_block_cache

    async def take_upload(path: Any) -> str | None:
        if path is not None and '://' in str(path):
            raise ValueError('the query image must be uploaded: a URL is not accepted')
        return await take(path)

    file.async_move_resource_to_block_cache = take_upload


def introduction(answers: Answers) -> str:
    """Format the introduction, with the current size of the gallery."""
    try:
        size = len(answers.current())
    except (ConnectionError, ValueError) as error:
        return f'<h1>Who is this?</h1><p>{escape(str(error))}</p>'
    return (
        f'<h1>Who is this?</h1><p>Drop an image and see which of the {size} images of the '
        'gallery are most similar. Nothing leaves this machine.</p>'
    )


def _settings(gr: Any, answers: Answers) -> list[Any]:
    """Make the inputs for the number of answers, re-ranking and the threshold."""
    most = MOST if answers.grows else max(2, min(MOST, len(answers.index)))
    return [
        gr.Slider(1, most, min(10, most), step=1, label='Answers', elem_id='reid-k'),
        gr.Checkbox(label='Re-rank', info='by k-reciprocal neighbours', elem_id='reid-rerank'),
        gr.Slider(
            0,
            ALWAYS,
            answers.default_threshold,
            step=0.01,
            label='Match below distance',
            info='if the nearest is farther, there is no match; 2: no limit',
            elem_id='reid-threshold',
        ),
    ]


def respond(
    answers: Answers, path: str | None, k: float, rerank: bool, threshold: float
) -> tuple[str, str]:
    """Return the HTML of the query and of the answers, or a message instead of them."""
    try:
        answer = answers.ask(path, k, rerank, threshold)
    except (FloatingPointError, ValueError) as error:
        return '', message(str(error))
    return query_page(answer), answer_page(answer)


def serve(
    answers: Answers, port: int = 7860, host: str = '127.0.0.1', block: bool = True
) -> tuple[Any, str]:
    """Start the page.

    Args:
        answers: answers the queries.
        port: port to listen on; 0: a free one.
        host: address to listen on; '0.0.0.0' gives access to everyone who can reach the machine.
            On a loopback address, requests by other host names are refused, so that no other site
            can redirect a browser here by its own name (DNS rebinding).
        block: run until Ctrl-C or SIGTERM; False: return at once, `close()` stops the page.

    Returns:
        The page and its address.

    Raises:
        ImportError: if gradio is not installed, or has another major version.
        OSError: if the port is taken.
        TypeError, ValueError: if the port is invalid, or the host not an address of this machine.
    """
    check_address(host, port)
    gr = import_gradio()
    from starlette.middleware import Middleware  # a dependency of gradio

    uploads = Uploads()
    try:
        page = build_page(answers)
        guard = Middleware(Guard, own=host if is_loopback(host) else None, uploads=uploads)
        _, address, _ = page.launch(
            server_name=bracketed(host),
            server_port=port or free_port(host),
            share=False,
            inbrowser=False,
            prevent_thread_lock=True,
            quiet=True,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            enable_monitoring=False,
            footer_links=[],
            max_file_size=UPLOAD,
            css=STYLE,
            theme=_theme(gr),
            app_kwargs=dict(middleware=[guard], lifespan=_lifespan(uploads)),
        )
        if block:
            print(f'open {address} in a browser; Ctrl-C stops the page', flush=True)
            _run_until_stopped(page)
    except BaseException:
        uploads.close()
        raise
    return page, address


def import_gradio() -> Any:
    """Import gradio with its usage statistics disabled.

    Raises:
        ImportError: if it is not installed, or has another major version.
    """
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    gradio = require('gradio', 'the web page')
    if gradio.__version__.partition('.')[0] != str(GRADIO):
        raise ImportError(
            f'the web page needs gradio {GRADIO}, {gradio.__version__} is installed: '
            f"pip install 'gradio>={GRADIO},<{GRADIO + 1}', as "
            f"'reid_fusedloss[{EXTRAS['gradio']}]' does",
            name='gradio',
        )
    return gradio


def _lifespan(uploads: Uploads) -> Callable[[Any], Any]:
    """Make a lifespan handler that removes the uploads when the server stops."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        try:
            yield
        finally:
            uploads.close()

    return lifespan


def _run_until_stopped(page: Any) -> None:
    """Serve until Ctrl-C or SIGTERM, then close the page."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if main else None
    try:
        while page.is_running:
            time.sleep(0.1)
    except KeyboardInterrupt:
        print('stopped: the page is closed and its uploads are removed', flush=True)
    finally:
        page.close(verbose=False)
        if main:
            signal.signal(signal.SIGTERM, before)


def _theme(gr: Any) -> Any:
    return gr.themes.Base(font=FONTS, font_mono=['ui-monospace', 'monospace']).set(
        body_text_color_subdued='*neutral_600',
        block_info_text_color='*neutral_600',
        body_text_color_subdued_dark='*neutral_300',
        block_info_text_color_dark='*neutral_300',
    )
