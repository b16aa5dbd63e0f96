"""The web server, as production runs it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from marketplace.embedded import free_port

WORKERS = 4
ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60


@dataclass(frozen=True)
class Server:
    """A running gunicorn."""

    process: subprocess.Popen[bytes]
    port: int

    def memory_bytes(self) -> int:
        """Return the resident memory of its workers that is their own."""
        return sum(_private_bytes(pid) for pid in _children(self.process.pid))


@contextlib.contextmanager
def gunicorn(application: str) -> Iterator[Server]:
    """Serve an application with four workers until the block ends."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--config", "python:marketplace.serving", application]
    environment = os.environ | {"WEB_BIND": f"127.0.0.1:{port}", "WEB_WORKERS": str(WORKERS)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        _await_port(port, process)
        yield Server(process, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(START_SECONDS)


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError("gunicorn did not start")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError("gunicorn did not answer")


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed]


def _private_bytes(pid: int) -> int:
    """Read what a process would free if it ended; pages shared with its siblings do not count."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    wanted = ("Private_Clean:", "Private_Dirty:")
    return 1024 * sum(int(line.split()[1]) for line in rollup if line.startswith(wanted))
