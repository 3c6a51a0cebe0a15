"""A connection to a collection on a Milvus server."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ...optional import require
from .address import MilvusAddress

CONNECT_TIMEOUT = 5.0  # seconds to find out whether there is a server
LONG = 86400.0  # seconds, to build or load an index; other calls are short
NO_ANSWER = ('UNAVAILABLE', 'DEADLINE_EXCEEDED', 'Fail connecting', 'Retry timeout', 'Retry run')
QUIET = ('pymilvus', 'milvus_lite', 'grpc._server')  # their errors are raised, and need no log
# Milvus Lite takes one writer at a time, also from threads of this process
_WRITING = threading.RLock()


class Connection:
    """A connection to a collection; all errors are one line that names the address.

    Args:
        address: of the collection, which need not exist.
        timeout: seconds after which a call fails.

    Raises:
        ConnectionError: if there is no server, or it refuses the credentials.
        ImportError: if pymilvus, or for a path Milvus Lite, is not installed.
    """

    def __init__(self, address: MilvusAddress, timeout: float) -> None:
        self.address, self.timeout = address, timeout
        self.pymilvus = require('pymilvus', 'a gallery on a Milvus server')
        if address.is_lite:
            require('milvus_lite', f'the gallery {address}')
        for library in QUIET:
            logging.getLogger(library).setLevel(logging.CRITICAL)
        with self._errors('connect'):
            self.client = self.pymilvus.MilvusClient(
                address.uri, token=address.token, timeout=CONNECT_TIMEOUT
            )

    def call(self, method: str, doing: str, *, timeout: float | None = None, **given: Any) -> Any:
        """Call a method of pymilvus's client that reads from the collection.

        Args:
            method: its name.
            doing: what it does, for an error message, such as 'search'.
            timeout: seconds; None: that of the connection.
            given: its arguments.

        Raises:
            ConnectionError: if the server does not answer in time.
            RuntimeError: if it reports another error.
        """
        with self._errors(doing):
            return getattr(self.client, method)(
                collection_name=self.address.collection, timeout=timeout or self.timeout, **given
            )

    def write(self, method: str, doing: str, *, timeout: float | None = None, **given: Any) -> Any:
        """Call a method that changes the collection, see `call`; one at a time in this process."""
        with _WRITING:
            return self.call(method, doing, timeout=timeout, **given)

    def visit(self, fields: Sequence[str], batch: int) -> Iterator[list[dict[str, Any]]]:
        """Yield all rows in batches, each a dict of the given fields.

        Raises:
            ConnectionError, RuntimeError: as `call`.
        """
        rows = self.call(
            'query_iterator', 'list entries', batch_size=batch, output_fields=list(fields)
        )
        try:
            while True:
                with self._errors('list entries'):
                    found = rows.next()
                if not found:
                    return
                yield found
        finally:
            rows.close()

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        grpc = require('grpc', 'a gallery on a Milvus server')
        try:
            yield
        except (self.pymilvus.MilvusException, grpc.RpcError) as error:
            raise self._plain(doing, str(getattr(error, 'message', error))) from error

    def _plain(self, doing: str, text: str) -> Exception:
        address = self.address
        text = address.without_token(' '.join(text.split()))
        if address.is_lite and doing == 'connect':
            return ConnectionError(
                f'{address} cannot be opened: its parent folder must exist, and one process may '
                'use a gallery of Milvus Lite at a time; for several, start a server'
            )
        if any(sign in text for sign in NO_ANSWER):
            seconds = CONNECT_TIMEOUT if doing == 'connect' else self.timeout
            return ConnectionError(
                f'the Milvus server {address} does not answer within {seconds:g} s: check the '
                'address, the credentials and whether it runs'
            )
        if doing == 'connect':
            return ConnectionError(f'{address} is no Milvus server, or refuses to connect: {text}')
        return RuntimeError(f'the Milvus server {address} could not {doing}: {text}')
