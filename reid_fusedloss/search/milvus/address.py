"""Addresses of galleries on a Milvus server, and the credentials for it."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ...whole_file import PathLike
from ..manifest import MANIFEST

SCHEMES = ('http', 'https', 'tcp')
LITE = '.db'  # ending of the folder of Milvus Lite, a server inside this process
COLLECTION = 'gallery'
_COLLECTION_NAME = re.compile(r'[A-Za-z_]\w{0,254}', re.ASCII)


@dataclass(frozen=True)
class MilvusAddress:
    """The address of a collection.

    Attributes:
        uri: of the server, without credentials; or the path of Milvus Lite.
        collection: its name.
        token: credentials, 'user:password' or an API key; '': none. Never shown.
    """

    uri: str
    collection: str = COLLECTION
    token: str = field(default='', repr=False)

    def __str__(self) -> str:
        return self.uri if self.collection == COLLECTION else f'{self.uri}#{self.collection}'

    @property
    def is_lite(self) -> bool:
        """Whether it is a path of Milvus Lite."""
        return '://' not in self.uri

    def without_token(self, text: str) -> str:
        """Remove the credentials from a text, such as an error message."""
        secrets = {self.token, self.token.partition(':')[2]} - {''}
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, '***')
        return text


def is_milvus(place: PathLike) -> bool:
    """Whether a place is a Milvus server, or a path of Milvus Lite, and not a folder of faiss."""
    text = os.fspath(place)
    if '://' in text:
        return True
    return text.partition('#')[0].endswith(LITE) and not Path(text, MANIFEST).exists()


def parse_address(place: PathLike, environment: Mapping[str, str] = os.environ) -> MilvusAddress:
    """Parse SERVER[#COLLECTION], where SERVER is http://[USER:PASSWORD@]HOST:PORT[/DATABASE].

    Args:
        place: the address; of Milvus Lite PATH.db[#COLLECTION].
        environment: credentials are taken from MILVUS_TOKEN, or from MILVUS_USER and
            MILVUS_PASSWORD, unless the address has them.

    Raises:
        ValueError: if it is not an address; the message does not contain the credentials.
    """
    server, _, collection = os.fspath(place).partition('#')
    collection = collection or COLLECTION
    if not _COLLECTION_NAME.fullmatch(collection):
        raise ValueError(
            f'a Milvus collection is named by letters, digits and _, not by {collection!r}: give '
            'SERVER#NAME'
        )
    if '://' not in server:
        return MilvusAddress(server, collection)
    scheme, _, rest = server.partition('://')
    login, _, host = rest.rpartition('@')
    uri = f'{scheme}://{host}'
    if scheme not in SCHEMES or not _has_host(uri):
        raise ValueError(
            f'a gallery on Milvus is at http://HOST:PORT, https://HOST:PORT or a path that ends '
            f'in {LITE}, got {uri!r}'
        )
    return MilvusAddress(uri.rstrip('/'), collection, unquote(login) or _token(environment))


def _has_host(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _token(environment: Mapping[str, str]) -> str:
    user, password = (environment.get(f'MILVUS_{name}', '') for name in ('USER', 'PASSWORD'))
    return environment.get('MILVUS_TOKEN') or (f'{user}:{password}' if user and password else '')
