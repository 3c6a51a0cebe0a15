"""Check addresses to listen on, and host names by which requests may address this machine."""

import errno
import ipaddress
import socket
from typing import Any

from ..checks import check_int

LOCALHOST = 'localhost'


def check_address(host: str, port: int) -> None:
    """Check that a page can be served at an address, before anything is computed.

    Args:
        host: name or address of this machine; IPv6 with or without brackets.
        port: 0 to 65535; 0: a free port.

    Raises:
        OSError: if the port is taken.
        TypeError, ValueError: if the port is invalid, or the host not an address of this machine.
    """
    check_int('port', port, 0, 65535)
    _bound_port(host, port)


def free_port(host: str) -> int:
    """Find a free port of an address."""
    return _bound_port(host, 0)


def is_loopback(host: str) -> bool:
    """Whether all addresses of a host are loopback addresses."""
    return all(_is_loopback_address(address[0]) for *_, address in _resolved(host, 0))


def bracketed(host: str) -> str:
    """Format a host for a URL, with IPv6 addresses in brackets."""
    host = _bare(host)
    return f'[{host}]' if ':' in host else host


def is_local_name(header: str, own: str) -> bool:
    """Whether a Host header is a name of this machine that no other site can have.

    Args:
        header: header of the request, with or without a port.
        own: host that the page listens on.
    """
    name = _without_port(header).lower().removesuffix('.')
    return name in (LOCALHOST, _bare(own).lower()) or _is_loopback_address(name)


def _bound_port(host: str, port: int) -> int:
    family, kind, protocol, _, address = _resolved(host, port)[0]
    with socket.socket(family, kind, protocol) as listener:
        if hasattr(socket, 'SO_REUSEADDR'):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise OSError(
                    f'port {port} of {host} is taken: choose another, such as --port '
                    '7861, or 0 for a free one'
                ) from None
            if error.errno == errno.EACCES:
                raise OSError(
                    f'this user may not use port {port} of {host}: choose one above 1023'
                ) from None
            raise ValueError(
                f'host {host!r} is not an address of this machine ({error.strerror}): use one, '
                'such as 127.0.0.1'
            ) from None
        bound: int = listener.getsockname()[1]
        return bound


def _resolved(host: str, port: int) -> list[tuple[Any, ...]]:
    if not isinstance(host, str) or not _bare(host):
        raise ValueError(f'host {host!r} is not an address: use one, such as 127.0.0.1')
    try:
        return socket.getaddrinfo(_bare(host), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ValueError(
            f'host {host!r} cannot be resolved ({error}): use an address of this '
            'machine, such as 127.0.0.1'
        ) from None


def _bare(host: str) -> str:
    return host[1:-1] if host.startswith('[') and host.endswith(']') else host


def _without_port(header: str) -> str:
    if header.startswith('['):
        return header[1:].partition(']')[0]
    return header.partition(':')[0] if header.count(':') == 1 else header


def _is_loopback_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return (getattr(address, 'ipv4_mapped', None) or address).is_loopback
