"""Strangers' addresses never lead us to what is not public, nor keep us waiting."""

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address

import pytest
from django.db import transaction

from kernel import outbound
from kernel.outbound import OutboundFailed, OutboundRefused, check_address, fetch, is_public

HIDDEN = [
    "0.0.0.1", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1",
    "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:100.64.0.1", "::ffff:169.254.169.254",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001:0:4136:e378::1",
    "2001:db8::1", "fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
ADDRESSES = [
    "https://127.0.0.1/", "https://127.1/", "https://0/", "https://0x7f.1/", "https://2130706433/",
    "https://017700000001/", "https://0x7f000001/", "https://127.0.0.1.:443/", "https://localhost/",
    "https://LOCALHOST/", "https://localhost./", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[fec0::1]/", "https://[::]/",
    "https://10.0.0.1/", "https://192.168.0.1/", "https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/",
    "https://[fd00::1]/", "https://224.0.0.1/", "https://[ff02::1]/",
]  # fmt: skip
MALFORMED = [
    "", "https://", "https:///path", "http://example.com/", "ftp://example.com/", "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_", "//example.com/", "javascript:alert(1)", "https://example.com:80/",
    "https://example.com:22/", "https://example.com:99999/", "https://example.com:x/", "https://user@example.com/",
    "https://user:pass@example.com/", "https://①②⑦.⓪.⓪.①/", "https://exa mple.com/", "https://example.com/\r\nX: y",
    "https://example.com\\@127.0.0.1/", "https://[::1/", "http://127.0.0.1:80/", "http://localhost:9/",
]  # fmt: skip


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serve one connection on loopback after another; give host:port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    done = threading.Event()

    def serve() -> None:
        while not done.is_set():
            try:
                line, _ = listener.accept()
            except TimeoutError:
                continue
            with line:
                line.settimeout(5)
                try:
                    line.recv(65_536)
                    answer(line)
                except OSError:
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        done.set()
        thread.join()
        listener.close()


def says(text: bytes) -> Callable[[socket.socket], None]:
    """Answer with fixed bytes."""
    return lambda line: line.sendall(text)


@pytest.mark.parametrize("address", HIDDEN)
def test_a_hidden_address_is_not_public(address):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_public(address):
    assert is_public(ip_address(address))


class Connections:
    """Counts every connection that this process begins, as the interpreter itself reports them."""

    def __init__(self) -> None:
        self.is_on = False
        self.begun: list[object] = []
        sys.addaudithook(self._hear)  # For good: a hook cannot be taken off, only told to listen or not.

    def _hear(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.is_on and event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
            self.begun.append(arguments[-1])

    @contextmanager
    def counted(self) -> Iterator[list[object]]:
        """Give the list of what was begun, filled while the block runs."""
        self.begun, self.is_on = [], True
        try:
            yield self.begun
        finally:
            self.is_on = False


@pytest.fixture(scope="module")
def connections() -> Connections:
    return Connections()


def literal(address: str) -> str:
    """Write an address as the host of a URL."""
    return f"https://[{address}]/" if ":" in address else f"https://{address}/"


def test_no_form_of_a_hidden_address_is_ever_connected_to(connections):
    urls = [*(literal(address) for address in HIDDEN), *ADDRESSES, *MALFORMED]
    said = {}
    with connections.counted() as begun:
        for url in urls:
            try:
                said[url] = fetch("GET", url, deadline_seconds=2)
            except OutboundRefused:
                continue
            except OutboundFailed as failure:
                said[url] = str(failure)

    assert len(set(urls)) >= 60
    assert begun == []
    assert set(said.values()) <= {"The host's name was not found."}


@pytest.mark.parametrize("address", HIDDEN)
def test_a_name_that_leads_inside_is_not_connected_to(connections, monkeypatch, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    rows = [(family, socket.SOCK_STREAM, 6, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: rows)

    with connections.counted() as begun, pytest.raises(OutboundRefused):
        fetch("GET", "https://rebound.example/", deadline_seconds=2)

    assert begun == []


def test_of_several_addresses_only_the_public_is_tried_and_the_name_is_asked_once(connections, monkeypatch):
    asked = []

    def rebind(host, port, **kwargs):
        asked.append(host)
        # Public at first, inside ever after: whoever judged one answer and connected by another would be led in.
        inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        public = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1", port))]
        return [*inside, *public] if len(asked) == 1 else inside

    monkeypatch.setattr(socket, "getaddrinfo", rebind)

    with connections.counted() as begun, pytest.raises(OutboundFailed):
        fetch("GET", "https://rebound.example/", deadline_seconds=0.2)

    assert (asked, begun) == (["rebound.example"], [("1.1.1.1", 443)])


@pytest.mark.parametrize("url", MALFORMED)
def test_a_malformed_address_is_refused(url):
    with pytest.raises(OutboundRefused):
        fetch("GET", url)


def test_an_allowed_loopback_pair_answers(settings):
    with server(says(b"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2\r\n\r\nhi")) as pair:
        settings.OUTBOUND_ALLOW = [pair]
        answer = fetch("POST", f"http://{pair}/hook?x=1", body=b"{}", headers={"Content-Type": "application/json"})

    assert (answer.status, answer.headers["X-A"], answer.body, answer.is_cut) == (200, "b", b"hi", False)


def test_only_the_exact_pair_is_allowed(settings):
    with server(says(b"HTTP/1.1 200 OK\r\n\r\n")) as pair:
        settings.OUTBOUND_ALLOW = [pair]

        with pytest.raises(OutboundRefused):
            fetch("GET", f"http://localhost:{pair.rpartition(':')[2]}/")


def test_production_allows_no_loopback(settings):
    with server(says(b"HTTP/1.1 200 OK\r\n\r\n")) as pair:
        settings.OUTBOUND_ALLOW, settings.GUILDHALL_MODE = [pair], "production"

        with pytest.raises(OutboundRefused):
            fetch("GET", f"http://{pair}/")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(settings, connections, status):
    text = f"HTTP/1.1 {status} Elsewhere\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    with server(says(text.encode())) as pair:
        settings.OUTBOUND_ALLOW = [pair]
        with connections.counted() as begun:
            answer = fetch("POST", f"http://{pair}/", body=b"{}")

    assert (answer.status, len(begun)) == (status, 1)


def test_a_broken_handshake_is_a_failure_and_a_silent_one_ends_at_the_deadline(monkeypatch):
    with server(says(b"\x15\x03\x01\x00\x02\x02\x28")) as refuses, server(lambda line: time.sleep(1)) as silent:
        for pair, expected in ((refuses, "SSLError"), (silent, "TimeoutError")):
            port = int(pair.rpartition(":")[2])
            monkeypatch.setattr(
                outbound, "_connect", lambda *a, port=port, **k: socket.create_connection(("127.0.0.1", port), 0.4)
            )
            with pytest.raises(OutboundFailed, match=expected):
                fetch("GET", "https://lab.example/", deadline_seconds=0.4)


def test_an_address_is_judged_by_its_text_before_it_is_kept():
    for url in (*(literal(address) for address in HIDDEN), *MALFORMED):
        with pytest.raises(OutboundRefused):
            check_address(url)
    check_address("https://lab.example.org:8443/hook?x=1")


def test_the_environments_proxy_is_not_asked(settings, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with server(says(b"HTTP/1.1 204 No Content\r\n\r\n")) as pair:
        settings.OUTBOUND_ALLOW = [pair]

        assert fetch("GET", f"http://{pair}/").status == 204


def test_a_huge_answer_is_cut(settings):
    with server(says(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000)) as pair:
        settings.OUTBOUND_ALLOW = [pair]
        answer = fetch("GET", f"http://{pair}/", max_bytes=1_000)

    assert (len(answer.body), answer.is_cut) == (1_000, True)


def _drip(start: bytes) -> Callable[[socket.socket], None]:
    def answer(line: socket.socket) -> None:
        line.sendall(start)
        ends_at = time.monotonic() + 5
        while time.monotonic() < ends_at:
            line.sendall(b"x")
            time.sleep(0.05)

    return answer


@pytest.mark.parametrize(
    "start", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"HT"]
)
def test_a_dripping_answer_ends_at_the_deadline(settings, start):
    with server(_drip(start)) as pair:
        settings.OUTBOUND_ALLOW = [pair]
        began = time.monotonic()

        with pytest.raises(OutboundFailed, match="TimeoutError"):
            fetch("GET", f"http://{pair}/", deadline_seconds=0.5)

        assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("text", [b"", b"not http\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_not_http_is_a_failure(settings, text):
    with server(says(text)) as pair:
        settings.OUTBOUND_ALLOW = [pair]

        with pytest.raises(OutboundFailed):
            fetch("GET", f"http://{pair}/", deadline_seconds=2)


def test_a_name_that_turns_to_loopback_is_judged_where_we_connect(settings, monkeypatch):
    def lie(host, port, **kwargs):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", lie)

    with pytest.raises(OutboundRefused, match="does not lead to a public host"):
        fetch("GET", "https://rebound.example/")


@pytest.mark.django_db(transaction=True)
def test_nobody_is_called_inside_a_transaction():
    with transaction.atomic(), pytest.raises(RuntimeError):
        fetch("GET", "https://example.com/")
