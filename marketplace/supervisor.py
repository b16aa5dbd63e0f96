"""Keep a handful of processes running, start again what falls over, and stop them all in good order."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from marketplace.guardian import Guardian

STOP_SECONDS = 20
MOST_RESTARTS = 5


class Failed(RuntimeError):
    """A command that had to succeed did not."""


@dataclass
class Part:
    """One process that is kept running."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] = field(init=False)
    restarts: int = 0

    def start(self, guardian: Guardian) -> None:
        """Start the process in a session of its own: Ctrl-C is the supervisor's alone."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        guardian.watch(self.process.pid, signal.SIGTERM)

    def stop(self, guardian: Guardian) -> None:
        """Ask the process to end, and end it and its children when it does not."""
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):  # Children that outlived it are of its session.
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        guardian.forget(self.process.pid)

    def tail(self) -> str:
        """Return the end of the log."""
        return self.log.read_text(errors="replace")[-2000:]


class Supervisor:
    """The parts of one system, in the order in which they were started."""

    def __init__(self, guardian: Guardian, logs: Path, environment: dict[str, str], say: Callable[[str], None]) -> None:
        """Supervise parts that share an environment and a folder of logs."""
        self.guardian, self.logs, self.environment, self.say = guardian, logs, environment, say
        self.parts: list[Part] = []
        self.logs.mkdir(parents=True, exist_ok=True)

    def run(self, name: str, *command: str) -> None:
        """Run a command to its end; raise with its last words when it fails."""
        part = self._make(name, command)
        part.start(self.guardian)
        code = part.process.wait()
        self.guardian.forget(part.process.pid)
        if code:
            raise Failed(f"{name} failed ({code}); see {part.log}\n{part.tail()}")

    def keep(self, name: str, *command: str) -> Part:
        """Start a command and keep it running."""
        part = self._make(name, command)
        part.start(self.guardian)
        self.parts.append(part)
        return part

    def once(self, name: str, *command: str) -> Part:
        """Start a command beside the others; it may end when it has done its work."""
        part = self._make(name, command)
        part.restarts = MOST_RESTARTS
        part.start(self.guardian)
        self.parts.append(part)
        return part

    def look(self) -> None:
        """Start again what has fallen over; give up on what falls over again and again."""
        for part in self.parts:
            code = part.process.poll()
            if code is None:
                continue
            if code == 0 or part.restarts >= MOST_RESTARTS:
                self.parts.remove(part)
                if code:
                    self.say(f"{part.name} stopped ({code}); see {part.log}")
                return
            part.restarts += 1
            self.say(f"{part.name} stopped ({code}) and is started again; see {part.log}")
            time.sleep(part.restarts)
            part.start(self.guardian)

    def stop(self) -> None:
        """Stop every part, the last started first."""
        while self.parts:
            self.parts.pop().stop(self.guardian)

    def _make(self, name: str, command: Sequence[str]) -> Part:
        log = self.logs / f"{name}.log"
        log.write_bytes(b"")
        return Part(name, command, self.environment, log)
