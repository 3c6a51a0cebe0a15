"""The page itself, by gradio: bound to this machine, without any request to another."""

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
CACHE = (600, 3600)  # seconds: how often uploads are looked through, and how long they are kept
GRADIO = 6  # the release whose arguments are used here; setup.cfg says the same


def build_page(answers: Answers) -> Any:
    """The page as `gradio.Blocks`, not started.

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
    """A file is uploaded: gradio would fetch one whose path is an address of the web."""
    take = file.async_move_resource_to_block_cache

    async def take_upload(path: Any) -> str | None:
        if path is not None and '://' in str(path):
            raise ValueError('a query image is uploaded, not named by its address')
        return await take(path)

    file.async_move_resource_to_block_cache = take_upload


def introduction(answers: Answers) -> str:
    """What the page is, and how large the gallery is by now."""
    try:
        size = len(answers.current())
    except ValueError as error:
        return f'<h1>Who is this?</h1><p>{escape(str(error))}</p>'
    return (
        f'<h1>Who is this?</h1><p>Drop an image and see which of the {size} images of the '
        'gallery are most like it. Nothing leaves this machine.</p>'
    )


def _settings(gr: Any, answers: Answers) -> list[Any]:
    """Number of answers, re-ranking, threshold."""
    most = MOST if answers.grows else max(2, min(MOST, len(answers.index)))
    return [
        gr.Slider(1, most, min(10, most), step=1, label='Answers', elem_id='reid-k'),
        gr.Checkbox(label='Re-rank', info='by k-reciprocal neighbours', elem_id='reid-rerank'),
        gr.Slider(
            0,
            ALWAYS,
            answers.default_threshold,
            step=0.01,
            label='Known below distance',
            info='if the nearest is farther, nobody is known; 2: no limit',
            elem_id='reid-threshold',
        ),
    ]


def respond(
    answers: Answers, path: str | None, k: float, rerank: bool, threshold: float
) -> tuple[str, str]:
    """HTML of the query and of the answers; a message in their place where there is none."""
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
        answers: what it shows.
        port: of the machine; 0: a free one.
        host: address to listen on; '0.0.0.0' lets everybody in who can reach the machine. On an
            address of this machine alone, only requests that name it are answered, so that
            no other site can lead a browser here by a name of its own (DNS rebinding).
        block: stay until Ctrl-C or SIGTERM; False: return at once, and `close()` ends it.

    Returns:
        The page and its address.

    Raises:
        ImportError: if gradio is not installed, or is another release.
        OSError: if the port is taken.
        TypeError, ValueError: if it is no port, or the host no address of this machine.
    """
    check_address(host, port)
    gr = import_gradio()
    uploads = Uploads()
    try:
        page = build_page(answers)
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
            app_kwargs=dict(middleware=_middleware(host, uploads), lifespan=_removing(uploads)),
        )
        if block:
            print(f'open {address} in a browser; Ctrl-C ends it', flush=True)
            _stay(page)
    except BaseException:
        uploads.close()
        raise
    return page, address


def import_gradio() -> Any:
    """Gradio, which tells nobody that it is used.

    Raises:
        ImportError: if it is not installed, or is another release than the page is written for.
    """
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    gradio = require('gradio', 'the web page')
    if gradio.__version__.partition('.')[0] != str(GRADIO):
        raise ImportError(
            f'the web page needs gradio {GRADIO}, {gradio.__version__} is installed: '
            f"pip install 'gradio>={GRADIO},<{GRADIO + 1}', which is that of "
            f"'reid_fusedloss[{EXTRAS['gradio']}]'",
            name='gradio',
        )
    return gradio


def _middleware(host: str, uploads: Uploads) -> list[Any]:
    from starlette.middleware import Middleware  # gradio's own

    return [Middleware(Guard, own=host if is_loopback(host) else None, uploads=uploads)]


def _removing(uploads: Uploads) -> Callable[[Any], Any]:
    """A part of the server's life at whose end the uploads are removed."""

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        try:
            yield
        finally:
            uploads.close()

    return lifespan


def _stay(page: Any) -> None:
    """Serve until Ctrl-C or SIGTERM, both of which close the page."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGTERM, signal.default_int_handler) if main else None
    try:
        while page.is_running:
            time.sleep(0.1)
    except KeyboardInterrupt:
        print('stopped: the page is closed, its uploads are removed', flush=True)
    finally:
        page.close(verbose=False)
        if main:
            signal.signal(signal.SIGTERM, before)


def _theme(gr: Any) -> Any:
    """Fonts of this machine, and texts dark enough to be read."""
    return gr.themes.Base(font=FONTS, font_mono=['ui-monospace', 'monospace']).set(
        body_text_color_subdued='*neutral_600',
        block_info_text_color='*neutral_600',
        body_text_color_subdued_dark='*neutral_300',
        block_info_text_color_dark='*neutral_300',
    )
