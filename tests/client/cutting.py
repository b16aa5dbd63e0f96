"""A line that breaks: it passes on what is said between a client and a server, and cuts it as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PIECE = 65_536


@dataclass(frozen=True)
class Cut:
    """Where a connection breaks: after so many bytes to the server, or back from it; None is never."""

    there: int | None = None
    back: int | None = None


@dataclass
class Line:
    """Connections to a server, each cut by its turn, and whole when none is left to cut."""

    server: tuple[str, int]
    cuts: list[Cut]
    address: str = ""
    opened: int = 0
    threads: list[threading.Thread] = field(default_factory=list)

    def carry(self, client: socket.socket) -> None:
        """Pass on both ways, until either side has done or the line breaks."""
        cut = self.cuts.pop(0) if self.cuts else Cut()
        self.opened += 1
        with client, socket.create_connection(self.server) as server:
            back = threading.Thread(target=_pass_on, args=(server, client, cut.back), daemon=True)
            back.start()
            _pass_on(client, server, cut.there)
            back.join()


def _pass_on(source: socket.socket, target: socket.socket, most: int | None) -> None:
    passed = 0
    with suppress(OSError):
        while piece := source.recv(PIECE):
            piece = piece if most is None else piece[: most - passed]
            target.sendall(piece)
            passed += len(piece)
            if most is not None and passed >= most:
                break
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting(address: str, *cuts: Cut) -> Iterator[Line]:
    """Carry connections to ``address`` until the block is left."""
    parts = urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    line = Line((parts.hostname, parts.port), list(cuts))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        line.address = f"http://localhost:{listener.getsockname()[1]}"
        accepting = threading.Thread(target=_accept, args=(listener, line), daemon=True)
        accepting.start()
        yield line
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
    accepting.join()
    for thread in line.threads:
        thread.join()


def _accept(listener: socket.socket, line: Line) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            thread = threading.Thread(target=line.carry, args=(client,), daemon=True)
            thread.start()
            line.threads.append(thread)
