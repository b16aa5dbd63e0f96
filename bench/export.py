"""Export 100,000 accepted answers over HTTP, opened and put in shape, beside JSON that the database builds itself."""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import orjson
import psycopg
from django.conf import settings
from psycopg.types.json import Jsonb

from bench.cast import PIECE, Cast, Stage, post_lines, task_lines
from bench.report import Figure, Report, median_ratio
from bench.server import Server, gunicorn
from experts.models import Expert
from kernel.db import app_now
from kernel.ids import encode_id, uuid7
from kernel.sealing import seal
from tasks.models import Submission

MUST = 0.25
MOST_MEMORY_MB, MOST_FIRST_BYTE_SECONDS = 64.0, 1.0
PRODUCT = "marketplace.wsgi:application"
READ_BYTES = 1 << 16
ANSWER = {"piece": PIECE}

# Every open slot of the stage becomes a claim that was accepted after ten minutes' work.
CLAIMS = """
INSERT INTO tasks_claim (id, state, state_changed_at, slot_id, task_id, batch_id, project_id, lab_id, expert_id, kind,
    rate_minor, currency, tier, card_version, fee_bps, cap_seconds, guideline_id, agreement_version_id, lease_until,
    working_since, claimed_at, submitted_at, decided_at, billable_seconds, approved_seconds, accepted_number, decision)
SELECT uuidv7(), 'ACCEPTED', %(now)s, s.id, s.task_id, s.batch_id, s.project_id, p.lab_id, %(expert)s, 'work',
       6000, 'USD', 3, 1, 2000, 1200, (SELECT id FROM tasks_guidelineversion WHERE project_id = p.id),
       (SELECT id FROM agreements_agreementversion WHERE agreement_id = p.agreement_id), %(now)s, %(now)s, %(now)s,
       %(now)s, %(now)s, 600, 600, row_number() OVER (ORDER BY s.id), 'accepted'
  FROM tasks_slot s JOIN tasks_project p ON p.id = s.project_id WHERE s.kind = 'work' AND s.state = 'OPEN'
"""
COUNT = "INSERT INTO tasks_acceptancecount SELECT project_id, max(accepted_number) FROM tasks_claim GROUP BY project_id"
COPY = """
COPY tasks_submission (id, claim_id, version, fence, response, active_seconds, attestations, submitted_at)
FROM STDIN (FORMAT BINARY)
"""
TYPES = ("uuid", "uuid", "int2", "int4", "bytea", "int4", "jsonb", "timestamptz")
# The same content in the clear, for the database to make the same lines of.
PLAIN = "CREATE TABLE bench_plain (task_id uuid PRIMARY KEY, payload jsonb, response jsonb)"
LINES = """
SELECT json_build_object('kind', 'creative', 'payload', x.payload, 'response', x.response, 'original_response', NULL,
    'task_id', t.id, 'submission_id', s.id, 'external_id', t.external_id, 'tags', t.tags, 'metadata', NULL,
    'provenance', json_build_object('expert', c.expert_id, 'tier', c.tier, 'guideline_version', g.number,
        'agreement_version', v.number, 'active_seconds', s.active_seconds, 'shown_order', c.shown_order))::text
  FROM tasks_claim c
  JOIN tasks_task t ON t.id = c.task_id
  JOIN tasks_submission s ON s.claim_id = c.id
  JOIN tasks_guidelineversion g ON g.id = c.guideline_id
  JOIN agreements_agreementversion v ON v.id = c.agreement_version_id
  JOIN bench_plain x ON x.task_id = t.id
 WHERE c.state = 'ACCEPTED' ORDER BY c.accepted_number
"""
# A worker that is there already: it tells when it is ready, waits for a word, does what is due, and tells how it grew.
WORKER = """
import sys, django
django.setup()
from accounts import outbox
from tasks import jobs
def peak(): return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print("ready", flush=True)
sys.stdin.readline()
before = peak()
outbox.run_due()
print(peak() - before, flush=True)
"""


@dataclass(frozen=True)
class Delivery:
    """One export, from asking for it to its last byte."""

    per_second: float
    first_byte_seconds: float
    grown_mb: float


def measure(options: argparse.Namespace) -> Report:
    """Return rows a second against JSON built in SQL, with the worker's growth and how soon a download begins."""
    stage, lines = Cast(app_now()).stage(experts=1, tasks=0), task_lines(options.tasks)
    accept_all(stage, lines)
    limits, deliveries = [], []
    for _ in range(options.rounds):
        limits.append(build_in_sql(options.tasks))
        with gunicorn(PRODUCT) as server, worker() as (say, hear):
            deliveries.append(deliver(server, stage, say, hear, options.tasks))
    rates = [each.per_second for each in deliveries]
    grown, first = [tuple(getattr(each, name) for each in deliveries) for name in ("grown_mb", "first_byte_seconds")]
    figures = (
        Figure(f"JSON built in SQL, {options.tasks:,} rows", "rows/s", tuple(limits)),
        Figure(f"exporting {options.tasks:,} rows over HTTP", "rows/s", tuple(rates)),
        Figure("growth of the worker", "MB", grown),
        Figure("first byte of the download", "s", first),
    )
    musts = (
        ("growth, MB", max(grown), MOST_MEMORY_MB, max(grown) <= MOST_MEMORY_MB),
        ("first byte, s", max(first), MOST_FIRST_BYTE_SECONDS, max(first) < MOST_FIRST_BYTE_SECONDS),
    )
    return Report("export", median_ratio(rates, limits), MUST, figures, musts)


def accept_all(stage: Stage, lines: list[bytes]) -> None:
    """Post the tasks as the API does, and write what became of them by SQL."""
    post_lines(stage.batch, lines, by=stage.owner, now=app_now())
    key, answer, now = bytes(stage.project.data_key), orjson.dumps(ANSWER), app_now()
    with psycopg.connect(settings.DATABASE_OWNER_URL) as owner, owner.cursor() as cursor:
        cursor.execute(CLAIMS, {"now": now, "expert": Expert.objects.get().pk})
        cursor.execute(COUNT)
        claims = cursor.execute("SELECT id FROM tasks_claim").fetchall()
        with cursor.copy(COPY) as copy:
            copy.set_types(TYPES)
            for (claim,) in claims:
                made = uuid7()
                response = seal(key, answer, about=f"{encode_id(Submission.PREFIX, made)}/response")
                copy.write_row((made, claim, 1, 1, response, 600, Jsonb({}), now))
        _keep_plain(cursor, lines)


def _keep_plain(cursor: psycopg.Cursor[Any], lines: list[bytes]) -> None:
    cursor.execute(PLAIN)
    ids = dict(cursor.execute("SELECT external_id, id FROM tasks_task").fetchall())
    with cursor.copy("COPY bench_plain FROM STDIN") as copy:
        for line in map(json.loads, lines):
            copy.write_row((ids[line["external_id"]], json.dumps(line["payload"]), json.dumps(ANSWER)))
    cursor.execute("ANALYZE")


def build_in_sql(rows: int) -> float:
    """Read the same lines as the database puts them together; return rows a second."""
    with psycopg.connect(settings.DATABASE_OWNER_URL) as owner, owner.cursor("lines") as cursor:
        cursor.itersize = 1_000
        begun = time.monotonic()
        found = sum(1 for _ in cursor.execute(LINES))
        taken = time.monotonic() - begun
    if found != rows:
        raise RuntimeError(f"the database built {found} rows")
    return rows / taken


@contextmanager
def worker() -> Iterator[tuple[IO[str], IO[str]]]:
    """Start a worker and yield how to speak to it and to hear it, once it is ready."""
    with subprocess.Popen(
        [sys.executable, "-c", WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None  # Both are pipes.
        assert process.stdout is not None
        process.stdout.readline()
        yield process.stdin, process.stdout


def deliver(server: Server, stage: Stage, say: IO[str], hear: IO[str], rows: int) -> Delivery:
    """Ask for a file, let the worker make it, and download it whole."""
    begun = time.monotonic()
    body = json.dumps({"project": stage.project.public_id, "shape": "canonical"})
    asked: dict[str, str] = json.loads(b"".join(ask(server, stage, "POST", "/api/v1/exports", body)))
    say.write("go\n")
    say.flush()
    grown = int(hear.readline()) * 1024 / 1_000_000
    downloading = time.monotonic()
    pieces = ask(server, stage, "GET", f"/api/v1/exports/{asked['id']}/download", "")
    found = next(pieces).count(b"\n")
    first = time.monotonic() - downloading
    found += sum(piece.count(b"\n") for piece in pieces)
    if found != rows:
        raise RuntimeError(f"the file holds {found} rows")
    return Delivery(rows / (time.monotonic() - begun), first, grown)


def ask(server: Server, stage: Stage, method: str, path: str, body: str) -> Iterator[bytes]:
    """Make one request to the labs' API and yield its answer piece by piece."""
    line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    headers = {"Authorization": f"Bearer {stage.api_key}", "Host": "localhost", "Content-Type": "application/json"}
    line.request(method, path, body or None, headers)
    response = line.getresponse()
    if response.status not in (200, 202):
        raise RuntimeError(f"{response.status} {response.read(500)!r}")
    while piece := response.read(READ_BYTES):
        yield piece
    line.close()
