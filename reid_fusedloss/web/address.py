"""Addresses to listen on, and names by which a request may call this machine."""

import errno
import ipaddress
import socket

from ..checks import check_int

LOCALHOST = 'localhost'


def check_address(host: str, port: int) -> None:
    """Find out whether a page can be served at an address, before anything is computed.

    Args:
        host: name or address of this machine; IPv6 with or without brackets.
        port: 0 to 65535; 0: a free one.

    Raises:
        OSError: if the port is taken.
        TypeError, ValueError: if it is no port, or the host no address of this machine.
    """
    check_int('port', port, 0, 65535)
    _bound_port(host, port)


def free_port(host: str) -> int:
    """A port of an address that nobody listens on."""
    return _bound_port(host, 0)


def is_loopback(host: str) -> bool:
    """Whether all addresses of a host reach this machine alone."""
    return all(_is_loopback_address(address[0]) for *_, address in _resolved(host, 0))


def bracketed(host: str) -> str:
    """A host as it stands in an URL: IPv6 addresses in brackets."""
    host = _bare(host)
    return f'[{host}]' if ':' in host else host


def is_local_name(header: str, own: str) -> bool:
    """Whether a Host header calls this machine by a name that no other site can have.

    Args:
        header: of the request, with or without a port.
        own: the host that the page was told to listen on.
    """
    name = _without_port(header).lower().removesuffix('.')
    return name in (LOCALHOST, _bare(own).lower()) or _is_loopback_address(name)


def _bound_port(host: str, port: int) -> int:
    family, kind, protocol, _, address = _resolved(host, port)[0]
    with socket.socket(family, kind, protocol) as found:
        if hasattr(socket, 'SO_REUSEADDR'):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(address)
            found.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise OSError(
                    f'port {port} of {host} is taken: choose another, such as --port '
                    '7861, or 0 for a free one'
                ) from None
            if error.errno == errno.EACCES:
                raise OSError(
                    f'port {port} of {host} may not be used by this user: choose one above 1023'
                ) from None
            raise ValueError(
                f'host {host!r} is no address of this machine ({error.strerror})'
            ) from None
        return found.getsockname()[1]


def _resolved(host: str, port: int) -> list[tuple]:
    if not isinstance(host, str) or not _bare(host):
        raise ValueError(f'host {host!r} is no address: name one, such as 127.0.0.1')
    try:
        return socket.getaddrinfo(_bare(host), port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ValueError(
            f'host {host!r} cannot be resolved ({error}): name an address of this '
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
