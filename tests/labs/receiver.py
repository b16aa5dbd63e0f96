"""A lab's side of a webhook: a real HTTP server on loopback that keeps what came and answers as it is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass(frozen=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """Return the event that it carries."""
        value: dict[str, Any] = orjson.loads(self.body)
        return value


@dataclass
class Receiver:
    """What came, in order, and what is answered: by turns, the last for ever."""

    pair: str
    received: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=lambda: [204])
    answer_body: bytes = b""
    answer_headers: dict[str, str] = field(default_factory=dict)
    opened: threading.Event = field(default_factory=threading.Event)  # Paths that begin with /hang wait for it.
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def url(self) -> str:
        """Return an address that answers."""
        return f"http://{self.pair}/hook"

    def next_status(self) -> int:
        """Return the status of the next answer."""
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(Received(self.path, dict(self.headers.items()), body))
            receiver.arrived.release()
            if self.path.startswith("/hang"):
                receiver.opened.wait(60)
            status = receiver.next_status()
            self.send_response(status)
            for name, value in receiver.answer_headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(receiver.answer_body)))
            self.end_headers()
            if status != 204:
                self.wfile.write(receiver.answer_body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let callers hang up."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Serve until the block is left."""
    receiver = Receiver("")
    server = _Server(("127.0.0.1", 0), _handler(receiver))
    receiver.pair = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.opened.set()
        server.shutdown()
        server.server_close()
        thread.join()
