"""Call addresses that strangers gave us: judged where the socket connects, within a deadline, with a cap."""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from kernel.db import forbid_transaction
from kernel.errors import Refused

PORTS = frozenset({443, 8443})
NOT_PUBLIC = "The address does not lead to a public host."
# Reachable by Python's ``is_global``, and yet ways to what is not public: NAT64, 6to4, Teredo, site-local, relays.
TRAPS = tuple(
    ip_network(block)
    for block in (
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "fec0::/10",
        "192.0.0.0/24",
        "192.88.99.0/24",
    )
)


class OutboundRefused(Refused):
    """The address is not one that we call."""

    code = "address_refused"
    status = 422


class OutboundFailed(Exception):
    """The other side did not answer as it should: unreachable, too slow, or not HTTP."""


@dataclass(frozen=True)
class Answer:
    """What came back; ``body`` is cut at the cap, and ``is_cut`` says so."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """May strangers make us connect to this address?"""
    if isinstance(address, IPv6Address):
        teredo = address.teredo
        inner = address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
        if inner is not None and not is_public(inner):
            return False
        address = address.ipv4_mapped or address
    in_trap = any(address in trap for trap in TRAPS if trap.version == address.version)
    return address.is_global and not address.is_multicast and not in_trap


def fetch(
    method: str,
    url: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    deadline_seconds: float = 15,
    max_bytes: int = 65_536,
) -> Answer:
    """Send one request and return its answer; redirects are answers, proxies of the environment are not asked."""
    forbid_transaction()
    ends_at = time.monotonic() + deadline_seconds
    host, port, path, is_tls = _parts(url)
    sock = _connect(host, port, ends_at, may_be_loopback=not is_tls)
    alarm = threading.Timer(max(ends_at - time.monotonic(), 0), lambda: _cut(sock))
    alarm.daemon = True
    alarm.start()
    try:
        if is_tls:
            context = ssl.create_default_context()
            sock = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
            sock.do_handshake()
        # Named for its port alone: 443 is left out of the Host header.
        connection = (http.client.HTTPSConnection if is_tls else http.client.HTTPConnection)(host, port)
        connection.sock = sock
        connection.request(method, path, body=body or None, headers={**(headers or {}), "Connection": "close"})
        response = connection.getresponse()
        content = response.read(max_bytes + 1)
        if time.monotonic() >= ends_at:  # The alarm's cut looks like an early end, and like others hanging up.
            raise TimeoutError
        return Answer(response.status, dict(response.getheaders()), content[:max_bytes], len(content) > max_bytes)
    except (OSError, http.client.HTTPException) as error:
        is_late = time.monotonic() >= ends_at
        raise OutboundFailed("TimeoutError" if is_late else type(error).__name__) from error
    finally:
        alarm.cancel()
        sock.close()


def check_address(url: str) -> None:
    """Refuse an address that we would never call, as far as its text tells; names are judged where we connect."""
    host, _, _, is_tls = _parts(url)
    try:
        literal = ip_address(host)
    except ValueError:
        return
    if is_tls and not is_public(literal):
        raise OutboundRefused(NOT_PUBLIC)


def _parts(url: str) -> tuple[str, int, str, bool]:
    """Split a URL into host, port, path and whether TLS is spoken, or refuse it."""
    if not url.isascii() or any(ord(letter) <= 32 or letter in '\\"<>' for letter in url):
        raise OutboundRefused("Write the address in plain ASCII, without spaces.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise OutboundRefused("This is not an address of the web.") from None
    host = parts.hostname or ""
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.username is not None or parts.password is not None:
        raise OutboundRefused("Leave user names and passwords out of the address.")
    if parts.scheme == "http" and f"{host}:{port or 80}" in _allowed():
        return host, port or 80, path, False
    if parts.scheme != "https" or not host or (port or 443) not in PORTS:
        raise OutboundRefused("The address must start with https:// and use port 443 or 8443.")
    return host, port or 443, path, True


def _allowed() -> frozenset[str]:
    """Give the exact loopback host:port pairs that demo and tests may call; production has none."""
    return frozenset() if settings.GUILDHALL_MODE == "production" else frozenset(settings.OUTBOUND_ALLOW)


def _connect(host: str, port: int, ends_at: float, *, may_be_loopback: bool) -> socket.socket:
    failure: OSError | None = None
    refused = True
    for family, address in _resolve(host, port, ends_at):
        one = ip_address(str(address[0]))
        if not (one.is_loopback if may_be_loopback else is_public(one)):
            continue
        refused = False
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(max(ends_at - time.monotonic(), 0.001))
        try:
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            failure = error
    if refused:
        raise OutboundRefused(NOT_PUBLIC)
    raise OutboundFailed(type(failure).__name__) from failure


def _resolve(host: str, port: int, ends_at: float) -> list[tuple[socket.AddressFamily, Any]]:
    """Look the name up within the deadline; what is returned is what is judged and connected to."""
    found: list[tuple[socket.AddressFamily, Any]] = []

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        found.extend((row[0], row[4]) for row in rows)

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(max(ends_at - time.monotonic(), 0))
    if not found:
        raise OutboundFailed("The host's name was not found.")
    return found


def _cut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
