"""Refuse unsafe or oversized requests before they reach gradio."""

from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from .address import is_local_name
from .uploads import Uploads

UPLOAD = '/upload'  # end of the path of an upload
MOST_BYTES = 2**30  # limit for all stored uploads together
MOST_FILES = 1000
MOST_MESSAGE = 2**20  # bytes of a request that is not an upload
MOST_READ = 2**26  # bytes to read of a refused request: if cut off, a browser shows no reason
READING = ('GET', 'HEAD', 'OPTIONS')
FOREIGN = ('cross-site', 'same-site')  # values of Sec-Fetch-Site for requests of another page
Scope = MutableMapping[str, Any]


class Guard:
    """ASGI middleware that refuses three kinds of requests before gradio handles them.

    - Requests to a local page by a foreign host name (DNS rebinding).
    - Requests from another site's page, which browsers mark by Origin and Sec-Fetch-Site.
    - Uploads that exceed the storage, and large messages.

    Args:
        app: handles all other requests.
        own: host that the page listens on if it is a loopback address; None: accept any name.
        uploads: uploads of the page.
    """

    def __init__(self, app: Any, own: str | None, uploads: Uploads) -> None:
        self._app, self._own, self._uploads = app, own, uploads
        self._bytes = self._files = 0  # uploads in progress

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope['type'] not in ('http', 'websocket'):
            return await self._app(scope, receive, send)
        headers = {
            name.decode('latin-1').lower(): value.decode('latin-1')
            for name, value in scope['headers']
        }
        size = _size(headers)
        refused = self._refused(scope, headers, size)
        if refused is not None:
            if size is not None and size <= MOST_READ:
                await _read_all(receive)
            return await _refuse(scope, receive, send, *refused)
        if size is None or not _is_upload(scope):
            return await self._app(scope, receive, send)
        self._bytes, self._files = self._bytes + size, self._files + 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._bytes, self._files = self._bytes - size, self._files - 1

    def _refused(
        self, scope: Scope, headers: Mapping[str, str], size: int | None
    ) -> tuple[int, str] | None:
        """Return status and reason of a refusal, or None."""
        host = headers.get('host', '')
        if self._own is not None and not is_local_name(host, self._own):
            return 400, 'Invalid host header: use a name or address of this machine.'
        if _is_foreign(scope, headers, host):
            return 403, 'Refused: another site sent this request.'
        if scope['type'] == 'websocket' or scope['method'] in READING:
            return None
        if size is None:
            return 411, 'The request must have a Content-Length.'
        if _is_upload(scope):
            return self._too_much(size)
        return (413, 'The message is too large.') if size > MOST_MESSAGE else None

    def _too_much(self, size: int) -> tuple[int, str] | None:
        kept, number = self._uploads.usage()
        if kept + self._bytes + size > MOST_BYTES or number + self._files >= MOST_FILES:
            return 507, (
                f'No room: the page keeps uploads of the last hour, up to {MOST_FILES:,} '
                f'files and {MOST_BYTES // 2**20:,} MiB. Retry later, or restart the page.'
            )
        return None


def _is_upload(scope: Scope) -> bool:
    return (
        scope['type'] == 'http'
        and scope['method'] == 'POST'
        and scope['path'].rstrip('/').endswith(UPLOAD)
    )


def _is_foreign(scope: Scope, headers: Mapping[str, str], host: str) -> bool:
    """Whether a page of another origin sent a request other than by following a link."""
    origin = headers.get('origin')
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return True
    reading = scope['type'] == 'http' and scope['method'] in READING
    return not reading and headers.get('sec-fetch-site', '').lower() in FOREIGN


def _size(headers: Mapping[str, str]) -> int | None:
    length = headers.get('content-length', '')
    return int(length) if length.isascii() and length.isdigit() else None


async def _read_all(receive: Any) -> None:
    while (await receive()).get('more_body'):
        pass


async def _refuse(scope: Scope, receive: Any, send: Any, status: int, reason: str) -> None:
    if scope['type'] == 'websocket':
        return await send(dict(type='websocket.close', code=1008, reason=reason))
    from starlette.responses import PlainTextResponse  # a dependency of gradio

    await PlainTextResponse(reason, status)(scope, receive, send)
