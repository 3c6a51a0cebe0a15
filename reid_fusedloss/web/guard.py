"""What comes before gradio: requests that are refused, and why."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .address import is_local_name
from .uploads import Uploads

UPLOAD = '/upload'  # how the path of an upload ends
MOST_BYTES = 2**30  # of all uploads that are kept
MOST_FILES = 1000
MOST_MESSAGE = 2**20  # bytes of a request that is no upload
READ_ON = 2**26  # bytes of a refused request that are read: cut off, a browser shows no reason
READING = ('GET', 'HEAD', 'OPTIONS')
FOREIGN = ('cross-site', 'same-site')  # what browsers call requests of another page


class Guard:
    """ASGI middleware that answers what gradio is not to see.

    - Requests that call a page of this machine alone by another name (DNS rebinding).
    - Requests that another site's page sends, which a browser names by Origin and Sec-Fetch-Site.
    - Uploads beyond what is kept of all of them, and large messages.

    Args:
        app: what answers the others.
        own: host that the page listens on, if this is of this machine alone; None: any name goes.
        uploads: of the page.
    """

    def __init__(self, app: Any, own: str | None, uploads: Uploads) -> None:
        self._app, self._own, self._uploads = app, own, uploads
        self._bytes = self._files = 0  # of uploads that are on their way

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        if scope['type'] not in ('http', 'websocket'):
            return await self._app(scope, receive, send)
        headers = {
            name.decode('latin-1').lower(): value.decode('latin-1')
            for name, value in scope['headers']
        }
        size = _size(headers)
        refused = self._refused(scope, headers, size)
        if refused is not None:
            if size is not None and size <= READ_ON:
                await _read_on(receive)
            return await _refuse(scope, receive, send, *refused)
        if not _is_upload(scope):
            return await self._app(scope, receive, send)
        self._bytes, self._files = self._bytes + size, self._files + 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._bytes, self._files = self._bytes - size, self._files - 1

    def _refused(
        self, scope: Mapping[str, Any], headers: Mapping[str, str], size: int | None
    ) -> tuple[int, str] | None:
        """Status and reason, or None."""
        host = headers.get('host', '')
        if self._own is not None and not is_local_name(host, self._own):
            return 400, 'Invalid host header: this page answers to names of this machine alone.'
        if _is_foreign(scope, headers, host):
            return 403, 'Refused: another site sent this request.'
        if scope['type'] == 'websocket' or scope['method'] in READING:
            return None
        if size is None:
            return 411, 'A request says how long it is (Content-Length).'
        if _is_upload(scope):
            return self._too_much(size)
        return (413, 'The message is too large.') if size > MOST_MESSAGE else None

    def _too_much(self, size: int) -> tuple[int, str] | None:
        kept, number = self._uploads.usage()
        if kept + self._bytes + size > MOST_BYTES or number + self._files >= MOST_FILES:
            return 507, (
                f'No room: the page keeps uploads of the last hour, up to {MOST_FILES:,} '
                f'files and {MOST_BYTES // 2**20:,} MiB. Try again later, or start the '
                'page again.'
            )
        return None


def _is_upload(scope: Mapping[str, Any]) -> bool:
    return (
        scope['type'] == 'http'
        and scope['method'] == 'POST'
        and scope['path'].rstrip('/').endswith(UPLOAD)
    )


def _is_foreign(scope: Mapping[str, Any], headers: Mapping[str, str], host: str) -> bool:
    """Whether a page of another origin sent a request; to follow a link from there is allowed."""
    origin = headers.get('origin')
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return True
    reading = scope['type'] == 'http' and scope['method'] in READING
    return not reading and headers.get('sec-fetch-site', '').lower() in FOREIGN


def _size(headers: Mapping[str, str]) -> int | None:
    length = headers.get('content-length', '')
    return int(length) if length.isascii() and length.isdigit() else None


async def _read_on(receive: Any) -> None:
    while (await receive()).get('more_body'):
        pass


async def _refuse(
    scope: Mapping[str, Any], receive: Any, send: Any, status: int, reason: str
) -> None:
    if scope['type'] == 'websocket':
        return await send(dict(type='websocket.close', code=1008, reason=reason))
    from starlette.responses import PlainTextResponse  # gradio's own

    await PlainTextResponse(reason, status)(scope, receive, send)
