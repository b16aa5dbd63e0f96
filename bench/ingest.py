"""Post 100,000 tasks over HTTP, checked and sealed, beside a raw COPY of the same bytes."""

from __future__ import annotations

import argparse
import http.client
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg
from django.conf import settings

from bench.cast import Cast, Stage, task_lines
from bench.report import Figure, Report, median_ratio
from bench.server import Server, gunicorn
from kernel.db import app_now
from tasks.actions import publishing

MUST = 0.35
MOST_MEMORY_MB = 150.0
MEGABYTE = 1_000_000
PRODUCT = "marketplace.wsgi:application"
CHUNK_LINES = 500


@dataclass(frozen=True)
class Posting:
    """One posting over HTTP."""

    per_second: float
    grown_mb: float


def measure(options: argparse.Namespace) -> Report:
    """Return tasks a second against raw COPY, and by how much the server grew."""
    stage, lines = Cast(app_now()).stage(experts=1, tasks=0), task_lines(options.tasks)
    copies, postings = [], []
    for _ in range(options.rounds):
        copies.append(copy_raw(lines))
        with gunicorn(PRODUCT) as server:
            postings.append(post(server, stage, lines))
    rates = [each.per_second for each in postings]
    grown = tuple(each.grown_mb for each in postings)
    figures = (
        Figure(f"raw COPY of {options.tasks:,} tasks", "tasks/s", tuple(copies)),
        Figure(f"posting {options.tasks:,} tasks over HTTP", "tasks/s", tuple(rates)),
        Figure("growth of the web processes", "MB", grown),
    )
    kept = max(grown) <= MOST_MEMORY_MB
    return Report(
        "ingest", median_ratio(rates, copies), MUST, figures, (("growth, MB", max(grown), MOST_MEMORY_MB, kept),)
    )


def copy_raw(lines: Sequence[bytes]) -> float:
    """Copy the same bytes into a logged table with one index, in one transaction; return rows a second."""
    with psycopg.connect(settings.DATABASE_OWNER_URL) as owner, owner.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_copy (id bigint PRIMARY KEY, external_id text, payload bytea)")
        owner.commit()
        begun = time.monotonic()
        with cursor.copy("COPY bench_copy FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "text", "bytea"])
            for number, line in enumerate(lines):
                copy.write_row((number, f"opening-{number:06d}", line))
        owner.commit()
        taken = time.monotonic() - begun
        cursor.execute("DROP TABLE bench_copy")
    return len(lines) / taken


def post(server: Server, stage: Stage, lines: Sequence[bytes]) -> Posting:
    """Post all lines to a new batch, and watch the server's memory meanwhile."""
    batch = publishing.create_batch(stage.project, name="Bench", by=stage.owner, now=app_now())
    ask(server, stage, "GET", f"/api/v1/batches/{batch.public_id}", ())  # Warm, so that growth is the posting's own.
    before = server.memory_bytes()
    watch = MemoryWatch(server)
    begun = time.monotonic()
    answer = ask(server, stage, "POST", f"/api/v1/batches/{batch.public_id}/tasks", lines)
    taken = time.monotonic() - begun
    peak = watch.stop()
    if answer["accepted"] != len(lines):
        raise RuntimeError(f"{answer['accepted']} of {len(lines)} tasks were accepted")
    return Posting(len(lines) / taken, (peak - before) / MEGABYTE)


def ask(server: Server, stage: Stage, method: str, path: str, lines: Sequence[bytes]) -> dict[str, int]:
    """Make one request to the labs' API and return its answer."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    headers = {
        "Host": "localhost",
        "Authorization": f"Bearer {stage.api_key}",
        "Content-Type": "application/x-ndjson",
        "Content-Length": str(sum(len(each) + 1 for each in lines)),
    }
    line.request(method, path, chunks(lines) if lines else None, headers)
    response = line.getresponse()
    body = response.read()
    line.close()
    if response.status != 200:
        raise RuntimeError(f"{response.status} {body[:500]!r}")
    answer: dict[str, int] = json.loads(body)
    return answer


def chunks(lines: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the body piece by piece."""
    for start in range(0, len(lines), CHUNK_LINES):
        yield b"\n".join(lines[start : start + CHUNK_LINES]) + b"\n"


class MemoryWatch:
    """Looks at a server's memory ten times a second."""

    def __init__(self, server: Server) -> None:
        self.server, self.peak, self.done = server, 0, threading.Event()
        self.thread = threading.Thread(target=self._look)
        self.thread.start()

    def stop(self) -> int:
        """Return the most that was seen."""
        self.done.set()
        self.thread.join()
        return self.peak

    def _look(self) -> None:
        while not self.done.wait(0.1):
            self.peak = max(self.peak, self.server.memory_bytes())
