"""Format an answer as HTML with escaped text and embedded pictures."""

import base64
import html
from pathlib import Path

import cv2
import numpy as np

from ..printable import printable
from ..search import Hit
from ..visualization.attention import overlay
from ..visualization.canvas import fit, load_image
from .answers import Answer

SIDE = 320  # pixels of the longer side of a picture
QUALITY = 88


def escape(text: str) -> str:
    """Escape untrusted text for HTML."""
    return html.escape(printable(text))


def message(text: str) -> str:
    """Format a message that replaces an answer."""
    return f'<p class="reid-message" role="alert">{escape(text)}</p>'


def answer_page(answer: Answer) -> str:
    """Format the verdict, and the entries with distance, name, identity and camera."""
    hits = '\n'.join(_hit(rank, hit) for rank, hit in enumerate(answer.hits, start=1))
    return (
        f'{_verdict(answer)}\n<ol class="reid-hits" aria-label="Answers, nearest first">\n'
        f'{hits}\n</ol>'
    )


def query_page(answer: Answer) -> str:
    """Format the query as the network saw it, with its attention map if there is one."""
    image = answer.query.image
    seen = _figure(image, 'the query as the network sees it', 'query')
    if 'energy' not in answer.query.maps:
        return f'<div class="reid-query">{seen}</div>'
    drawn = overlay(image, answer.query.maps['energy'])
    looked = _figure(
        drawn, 'the query under its attention map, red where the network looks most', 'attention'
    )
    return f'<div class="reid-query">{seen}{looked}</div>'


def _verdict(answer: Answer) -> str:
    first = answer.nearest_entry
    distance = f'distance {_number(answer.nearest)}'
    if not answer.known:
        return (
            '<p class="reid-verdict reid-unknown" role="status"><strong>No match.</strong> '
            f'The nearest is at {distance}, not below {answer.threshold:.2f}.</p>'
        )
    who = f'identity {first.pid}'
    if first.pid is None:
        who = f'{Path(first.name).name}, identity unknown'
    return (
        f'<p class="reid-verdict" role="status">Nearest of the gallery: <strong>'
        f'{escape(who)}</strong>, {distance}.</p>'
    )


def _hit(rank: int, hit: Hit) -> str:
    name = Path(hit.entry.name).name
    facts = 'identity unknown' if hit.entry.pid is None else f'identity {hit.entry.pid}'
    if hit.entry.camid is not None:
        facts += f', camera\N{NO-BREAK SPACE}{hit.entry.camid}'
    ordered = '' if hit.reranked is None else f' <span>re-ranked {_number(hit.reranked)}</span>'
    return (
        f'<li><figure data-name="{escape(name)}">'
        f'{_picture(load_image(Path(hit.entry.name), SIDE), f"answer {rank}: {facts}, {name}")}'
        f'<figcaption><b>{rank}</b> <span class="reid-distance">{_number(hit.distance)}</span>'
        f'{ordered}<span>{escape(facts)}</span>'
        f'<span class="reid-name" title="{escape(name)}">{escape(name)}</span>'
        '</figcaption></figure></li>'
    )


def _number(distance: float) -> str:
    """Format a distance with three digits; rounding errors below 0 become 0."""
    return f'{max(distance, 0.0):.3f}'


def _figure(image: np.ndarray, alt: str, caption: str) -> str:
    picture = _picture(fit(image, SIDE, SIDE), alt)
    return f'<figure>{picture}<figcaption>{caption}</figcaption></figure>'


def _picture(image: np.ndarray | None, alt: str) -> str:
    """Format an RGB picture as an <img> with embedded data."""
    if image is None:
        return f'<div class="reid-missing" role="img" aria-label="{escape(alt)}">no picture</div>'
    code = cv2.imencode('.jpg', image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    data = base64.b64encode(code.tobytes()).decode('ascii')
    height, width = image.shape[:2]
    return (
        f'<img src="data:image/jpeg;base64,{data}" alt="{escape(alt)}" width="{width}" '
        f'height="{height}">'
    )
