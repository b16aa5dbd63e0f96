"""A server on loopback that answers from a script: breaks off, stalls the caller, refuses, or answers in part."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from guildhall import Guildhall, Retries

QUICK = Retries(attempts=4, first_seconds=0.01, most_seconds=0.02)


@dataclass(frozen=True)
class Request:
    """A request as it came, as much of its body as was read."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """Return the address below the API's root."""
        return urlsplit(self.target).path.removeprefix("/api/v1")

    @property
    def query(self) -> dict[str, str]:
        """Return the parameters, each given once."""
        return {name: value for name, (value,) in parse_qs(urlsplit(self.target).query).items()}

    @property
    def key(self) -> str:
        """Return the Idempotency-Key."""
        return self.headers["idempotency-key"]


@dataclass(frozen=True)
class Reply:
    """What is done with one request: ``reads`` bytes of its body are taken, ``sends`` of the answer's sent."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    reads: int | None = None
    sends: int | None = None
    is_silent: bool = False


DROPPED = Reply(is_silent=True)


def says(value: object, status: int = 200, **headers: str) -> Reply:
    """Answer JSON."""
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})


def refuses(status: int, code: str, **more: Any) -> Reply:
    """Answer a problem."""
    headers = more.pop("headers", {})
    value = {"type": "about:blank", "title": "No", "status": status, "code": code, "detail": "Not so.", **more}
    return Reply(status, json.dumps(value).encode(), {"Content-Type": "application/problem+json", **headers})


@dataclass
class Site:
    """What is answered, by turns, the last for ever; and what came."""

    replies: list[Reply]
    requests: list[Request] = field(default_factory=list)
    address: str = ""

    def client(self, **options: Any) -> Guildhall:
        """Return a client of this site that loses no time between attempts."""
        return Guildhall("gh_test_key", self.address, **{"retries": QUICK, **options})

    @property
    def called(self) -> list[str]:
        """Return what was asked, in order."""
        return [f"{request.method} {request.path}" for request in self.requests]


def _handler(site: Site) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            words = self.rfile.readline().decode().split()
            if not words:
                return
            headers = {}
            while line := self.rfile.readline().decode().strip():
                name, _, value = line.partition(": ")
                headers[name.lower()] = value
            reply = site.replies.pop(0) if len(site.replies) > 1 else site.replies[0]
            length = int(headers.get("content-length", 0))
            body = self.rfile.read(length if reply.reads is None else min(reply.reads, length))
            site.requests.append(Request(words[0], words[1], headers, body))
            if not reply.is_silent:
                self._answer(reply)

        def _answer(self, reply: Reply) -> None:
            sent = {"Content-Length": str(len(reply.body)), "Connection": "close", **reply.headers}
            lines = [f"HTTP/1.1 {reply.status} Said", *(f"{name}: {value}" for name, value in sent.items())]
            self.wfile.write("\r\n".join([*lines, "", ""]).encode())
            self.wfile.write(reply.body if reply.sends is None else reply.body[: reply.sends])

    return Handler


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let callers hang up."""


@contextmanager
def serving(*replies: Reply) -> Iterator[Site]:
    """Serve a script until the block is left."""
    site = Site(list(replies))
    with _Server(("127.0.0.1", 0), _handler(site)) as server:
        site.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
