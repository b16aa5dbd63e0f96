"""Stop what a process started when that process is gone, however it went: even kill -9 closes its end of a pipe.

Runs as a process of its own (``python guardian.py``) and reads one order a line: ``watch PID SIGNAL``, ``forget PID``,
``remove FOLDER``. At the end of its input it signals what it still watches and removes what it was told to.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

PATIENCE_SECONDS = 15


class Guardian:
    """The near end: starts the guardian process and gives it orders."""

    def __init__(self) -> None:
        """Start the guardian, in a session of its own so that Ctrl-C does not reach it."""
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )

    def watch(self, pid: int, stop_signal: signal.Signals) -> None:
        """Have ``pid`` stopped with ``stop_signal`` when this process is gone."""
        self._tell(f"watch {pid} {int(stop_signal)}")

    def forget(self, pid: int) -> None:
        """Leave ``pid`` alone from now on."""
        self._tell(f"forget {pid}")

    def remove(self, folder: Path) -> None:
        """Have ``folder`` removed at the end."""
        self._tell(f"remove {folder}")

    def close(self) -> None:
        """End the guardian: it stops what it still watches, removes folders and leaves."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(PATIENCE_SECONDS * 2)

    def _tell(self, order: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()


def guard(orders: Iterable[str]) -> None:
    """Follow orders until they end, then stop and remove what is left."""
    watched: dict[int, int] = {}
    folders: list[Path] = []
    for order in orders:
        verb, _, rest = order.strip().partition(" ")
        if verb == "watch":
            pid, stop_signal = rest.split()
            watched[int(pid)] = int(stop_signal)
        elif verb == "forget":
            watched.pop(int(rest), None)
        elif verb == "remove":
            folders.append(Path(rest))
    stop_all(watched)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def stop_all(watched: dict[int, int]) -> None:
    """Signal every process, last started first, wait, and kill those that stay."""
    for pid, stop_signal in reversed(watched.items()):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, stop_signal)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(is_alive(pid) for pid in watched) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in filter(is_alive, watched):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    """Say whether a process runs; one that has ended and waits for its parent does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    guard(sys.stdin)
