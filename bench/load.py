"""The load client: a process of its own, one thread and one kept-alive connection for each simulated person.

Reads one JSON plan from its input, and writes one JSON outcome.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Plan:
    """Who asks, where, and for how long; ``answer`` is the form that hands work in. Without people, a bare GET."""

    port: int
    clients: int
    seconds: float
    cookies: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    answer: str = ""
    opens_bench: bool = False


@dataclass
class Outcome:
    """What was done, and how long each kind of request took, in seconds."""

    loops: int = 0
    seconds: float = 0.0
    times: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Return the rate of whole loops."""
        return self.loops / self.seconds

    def p95_ms(self, kind: str) -> float:
        """Return the time in milliseconds that 95 of 100 requests of a kind stayed below."""
        taken = sorted(self.times[kind])
        return 1000 * taken[int(len(taken) * 0.95)]


class Person:
    """One connection that asks and waits."""

    def __init__(self, port: int, cookie: str = "", token: str = "") -> None:
        self.line = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers = self.line.makefile("rb")
        self.cookie, self.token = cookie, token

    def ask(self, method: str, path: str, form: str = "") -> tuple[int, str, bytes]:
        """Send a request and return the status, the location and the body."""
        body = form.encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {self.cookie}\r\nX-CSRFToken: {self.token}\r\n"
            "Accept: text/html\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self.line.sendall(head.encode() + body)
        return self._read()

    def _read(self) -> tuple[int, str, bytes]:
        status = int(self.answers.readline().split(b" ", 2)[1])
        length, location = 0, ""
        while (line := self.answers.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            match name.lower():
                case b"content-length":
                    length = int(value)
                case b"location":
                    location = value.strip().decode()
        return status, location, self.answers.read(length) if length else b""


def run(plan: Plan) -> Outcome:
    """Let everybody ask until the time is over."""
    outcomes = [Outcome() for _ in range(plan.clients)]
    end = time.monotonic() + plan.seconds
    threads = [
        threading.Thread(target=_work if plan.cookies else _ping, args=(plan, number, end, outcome))
        for number, outcome in enumerate(outcomes)
    ]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _sum(outcomes, time.monotonic() - begun)


def _ping(plan: Plan, number: int, end: float, outcome: Outcome) -> None:
    person, taken = Person(plan.port), outcome.times.setdefault("bare", [])
    while time.monotonic() < end:
        begun = time.monotonic()
        person.ask("POST", "/", "kind=work")
        taken.append(time.monotonic() - begun)
        outcome.loops += 1


def _work(plan: Plan, number: int, end: float, outcome: Outcome) -> None:
    """Claim and hand in, again and again, as one expert."""
    person = Person(plan.port, plan.cookies[number], plan.tokens[number])
    while time.monotonic() < end and len(outcome.failures) < 3:
        status, location, body = _timed(outcome, "claim", person, "POST", "/work/claim/", "kind=work")
        if status != 302 or not location.startswith("/work/clm_"):
            outcome.failures.append(f"claim {status} {location} {body[:300]!r}")
            continue
        if plan.opens_bench and _timed(outcome, "bench", person, "GET", location, "")[0] != 200:
            outcome.failures.append("the bench did not open")
        status, location, body = _timed(outcome, "submit", person, "POST", f"{location}submit/", plan.answer)
        if status != 302 or location != "/work/":
            outcome.failures.append(f"submit {status} {location} {body[:300]!r}")
            continue
        outcome.loops += 1


def _timed(outcome: Outcome, kind: str, person: Person, method: str, path: str, form: str) -> tuple[int, str, bytes]:
    begun = time.monotonic()
    answer = person.ask(method, path, form)
    outcome.times.setdefault(kind, []).append(time.monotonic() - begun)
    return answer


def _sum(outcomes: Iterable[Outcome], seconds: float) -> Outcome:
    total = Outcome(seconds=seconds)
    for outcome in outcomes:
        total.loops += outcome.loops
        total.failures += outcome.failures
        for kind, taken in outcome.times.items():
            total.times.setdefault(kind, []).extend(taken)
    return total


def in_own_process(plan: Plan) -> Outcome:
    """Run a plan away from the benchmark's own process, and refuse to measure failures."""
    command = [sys.executable, "-m", "bench.load"]
    finished = subprocess.run(command, input=json.dumps(asdict(plan)).encode(), capture_output=True, check=True)
    answer: dict[str, Any] = json.loads(finished.stdout)
    outcome = Outcome(**answer)
    if outcome.failures:
        raise RuntimeError(f"{len(outcome.failures)} requests failed: {outcome.failures[0]}")
    return outcome


if __name__ == "__main__":
    print(json.dumps(asdict(run(Plan(**json.load(sys.stdin))))))
