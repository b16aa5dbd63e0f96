"""Posting tasks: lines are checked, sealed and copied to staging as they come, then become tasks all at once."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import connection

from accounts.audit import Actor, audit
from accounts.outbox import due
from kernel.db import action, require_transaction
from kernel.errors import FieldError, LostRace, Refused
from kernel.ids import encode_id, uuid7
from kernel.sealing import seal
from tasks.actions.publishing.batches import mark_staged
from tasks.kinds.lines import Line
from tasks.models import Batch, IngestMode, IngestRun, Project, StagedLine, Task
from tasks.states import BatchState

TAKES_TASKS = (BatchState.DRAFT, BatchState.STAGED, BatchState.RUNNING, BatchState.PAUSED)
ABANDONED_AFTER = timedelta(minutes=15)
MERGE_TIMEOUT = "300s"
COLUMNS = (
    "id",
    "run_id",
    "line",
    "external_id",
    "payload",
    "payload_sha256",
    "tags",
    "metadata",
    "gold",
    "overlap",
    "priority",
)
TYPES = ("uuid", "uuid", "int4", "text", "bytea", "bytea", "varchar[]", "bytea", "bytea", "int2", "int2")
MAX_SHOWN_ERRORS = 10_000

LineError = dict[str, str | int]


class BatchTakesNoTasks(Refused):
    """The batch is past the states in which tasks can be added."""

    code = "batch_takes_no_tasks"


class IngestRefused(Refused):
    """A line was wrong and the lab wants all lines or none; ``errors`` names each line."""

    code = "lines_not_valid"
    status = 422

    def __init__(self, errors: Sequence[LineError], rejected: int) -> None:
        super().__init__(f"Nothing was stored: {rejected:,} of the lines {'is' if rejected == 1 else 'are'} not valid.")
        self.errors = tuple(errors)


@dataclass
class Tally:
    """What became of the lines so far."""

    lines: int = 0
    staged: int = 0
    rejected: int = 0
    errors: list[LineError] = field(default_factory=list)

    def reject(self, line: int, external_id: str, errors: Sequence[FieldError]) -> None:
        """Count a bad line and keep what is wrong with it, up to a bound."""
        self.rejected += 1
        for error in errors:
            if len(self.errors) < MAX_SHOWN_ERRORS:
                self.errors.append(line_error(line, external_id, error.code, error.pointer, error.detail))


def line_error(line: int, external_id: str, code: str, pointer: str, detail: str) -> LineError:
    """Write one error of one line as the API shows it."""
    where = pointer if pointer.startswith("/") else f"/{pointer}"
    return {"line": line, "external_id": external_id, "code": code, "pointer": where, "detail": detail}


class Sealer:
    """Turn lines into rows for staging: sealed under the project's key, with a keyed hash of their content."""

    def __init__(self, project: Project, run: IngestRun) -> None:
        self.data_key = bytes(project.data_key)
        self.run_id = run.pk
        secret = settings.SECRET_KEY.encode()
        self.hash_key = hmac.digest(secret, b"task-content:" + project.pk.bytes, "sha256")

    def row(self, line: Line) -> tuple[Any, ...]:
        """Return what staging stores of a line."""
        task_id = uuid7()
        about = encode_id(Task.PREFIX, task_id)
        return (
            task_id,
            self.run_id,
            line.number,
            line.external_id,
            seal(self.data_key, orjson.dumps(line.payload), about=f"{about}/payload"),
            hashlib.blake2b(line.content, key=self.hash_key, digest_size=32).digest(),
            line.tags,
            self._optional(line.metadata, f"{about}/metadata"),
            self._optional(line.gold, f"{about}/gold"),
            line.overlap,
            line.priority,
        )

    def _optional(self, value: object, about: str) -> bytes | None:
        return None if value is None else seal(self.data_key, orjson.dumps(value), about=about)


@action
def open_ingest(batch: Batch, *, ingest_mode: str, key: str, by: Actor, now: datetime) -> IngestRun:
    """Begin a posting to a batch that takes tasks; nothing of it shows before the merge."""
    return begin(batch, ingest_mode=ingest_mode, key=key, now=now)


def begin(batch: Batch, *, ingest_mode: str, key: str, now: datetime) -> IngestRun:
    """Begin a posting, as a step of the caller's action."""
    require_transaction()
    _require_open(batch)
    return IngestRun.objects.create(
        batch=batch,
        lab_id=batch.lab_id,
        ingest_mode=ingest_mode,
        idempotency_key=key,
        started_at=now,
        touched_at=now,
    )


@action
def stage_lines(run: IngestRun, rows: Sequence[tuple[Any, ...]], tally: Tally, *, now: datetime) -> None:
    """Copy sealed rows to staging, in a short transaction of their own, and note how far the posting is."""
    copy_rows(run, rows, tally, now=now)


def copy_rows(run: IngestRun, rows: Sequence[tuple[Any, ...]], tally: Tally, *, now: datetime) -> None:
    """Copy sealed rows to staging, as a step of the caller's action."""
    require_transaction()
    if rows:
        _copy(rows)
    run.staged, run.lines, run.rejected = run.staged + len(rows), tally.lines, tally.rejected
    IngestRun.objects.filter(pk=run.pk).update(
        staged=run.staged, lines=run.lines, rejected=run.rejected, touched_at=now
    )


def _copy(rows: Sequence[tuple[Any, ...]]) -> None:
    names = ", ".join(COLUMNS)
    statement = f"COPY {StagedLine._meta.db_table} ({names}) FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.set_types(TYPES)
        for row in rows:
            copy.write_row(row)


@action
def merge_ingest(run: IngestRun, tally: Tally, *, by: Actor, now: datetime) -> IngestRun:
    """Make tasks and slots of everything staged, in one transaction; repeats are no-ops, contradictions are errors."""
    return merge(run, tally, by=by, now=now)


def merge(run: IngestRun, tally: Tally, *, by: Actor, now: datetime) -> IngestRun:
    """Merge a posting, as a step of the caller's action."""
    require_transaction()
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [MERGE_TIMEOUT])
    batch = Batch.objects.select_for_update(no_key=True).get(pk=run.batch_id)
    _require_open(batch)
    _require_all_staged(run)
    accepted = _insert_tasks(run, batch, now)
    duplicates = _settle_repeats(run, tally) if accepted < run.staged else 0
    if tally.rejected and run.ingest_mode == IngestMode.ALL_OR_NOTHING:
        raise IngestRefused(tally.errors, tally.rejected)
    _finish(run, tally, accepted=accepted, duplicates=duplicates, now=now)
    audit(by, "tasks.posted", batch, at=now, run=run.public_id, accepted=accepted, rejected=tally.rejected)
    if batch.state == BatchState.DRAFT and accepted and not tally.rejected:
        mark_staged(batch, by=by, now=now)
    if batch.state == BatchState.RUNNING and accepted:
        due("tasks.batch_opened", batch=batch.pk)
    run.batch = batch
    return run


@action
def abandon_ingest(run: IngestRun) -> None:
    """Forget a posting that broke off: its staged lines go, and nothing of it was ever a task."""
    StagedLine.objects.filter(run_id=run.pk).delete()
    IngestRun.objects.filter(pk=run.pk, merged_at__isnull=True).delete()


@action
def sweep_ingest(now: datetime, *, limit: int = 20) -> int:
    """Forget postings that nobody has touched for a quarter of an hour; return how many."""
    stale = IngestRun.objects.filter(merged_at__isnull=True, touched_at__lt=now - ABANDONED_AFTER)
    runs = list(stale.select_for_update(skip_locked=True).order_by("touched_at")[:limit])
    for run in runs:
        StagedLine.objects.filter(run_id=run.pk).delete()
        run.delete()
    return len(runs)


def _require_open(batch: Batch) -> None:
    if batch.state not in TAKES_TASKS:
        raise BatchTakesNoTasks(f"This batch is {batch.state.lower()}: it takes no more tasks. Open a new one.")


def _require_all_staged(run: IngestRun) -> None:
    """Staging is not crash-safe: after a database restart it may be empty, and a part must not pass for the whole."""
    if StagedLine.objects.filter(run_id=run.pk).count() != run.staged:
        raise LostRace("The database was restarted while the lines came in. Nothing was stored; post them again.")


# Tasks, their tags and their slots in one statement: a task without slots is never visible. ON CONFLICT leaves out what
# the batch holds already, or holds twice in this posting; those lines are looked at afterwards.
INSERT_TASKS = """
WITH made AS (
    INSERT INTO tasks_task (id, batch_id, project_id, external_id, payload, payload_sha256, tags, metadata, gold,
                            overlap, priority, created_at)
    SELECT s.id, %(batch)s, %(project)s, s.external_id, s.payload, s.payload_sha256, s.tags, s.metadata, s.gold,
           s.overlap, s.priority, %(now)s
      FROM tasks_stagedline s
     WHERE s.run_id = %(run)s
    ON CONFLICT (batch_id, external_id) DO NOTHING
    RETURNING id, overlap, priority, tags
), tagged AS (
    INSERT INTO tasks_tasktag (batch_id, tag, task_id)
    SELECT %(batch)s, unnest(made.tags), made.id FROM made
    ON CONFLICT DO NOTHING
), slots AS (
    INSERT INTO tasks_slot (kind, project_id, batch_id, task_id, number, layer, round, priority, state,
                            state_changed_at)
    SELECT 'work', %(project)s, %(batch)s, made.id, n, 0, 0, made.priority + %(priority)s, 'OPEN', %(now)s
      FROM made, generate_series(1, made.overlap) AS n
)
SELECT count(*) FROM made
"""

REPEATS = """
SELECT s.line, s.external_id, t.payload_sha256 = s.payload_sha256
  FROM tasks_stagedline s
  JOIN tasks_task t ON t.batch_id = %(batch)s AND t.external_id = s.external_id AND t.id <> s.id
 WHERE s.run_id = %(run)s
 ORDER BY s.line
"""


def _insert_tasks(run: IngestRun, batch: Batch, now: datetime) -> int:
    values: dict[str, Any] = {
        "batch": batch.pk,
        "project": batch.project_id,
        "priority": batch.priority,
        "run": run.pk,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT_TASKS, values)
        (accepted,) = cursor.fetchone()
    return int(accepted)


def _settle_repeats(run: IngestRun, tally: Tally) -> int:
    """Count lines that say again what is known, and reject those that say something else under the same id."""
    same = 0
    with connection.cursor() as cursor:
        cursor.execute(REPEATS, {"batch": run.batch_id, "run": run.pk})
        for line, external_id, is_same in cursor:
            if is_same:
                same += 1
                continue
            detail = "The batch has a task with this external_id and other content."
            tally.reject(line, external_id, [FieldError("/external_id", "conflict", detail)])
    return same


def _finish(run: IngestRun, tally: Tally, *, accepted: int, duplicates: int, now: datetime) -> None:
    StagedLine.objects.filter(run_id=run.pk).delete()
    run.lines, run.accepted, run.duplicates, run.rejected = tally.lines, accepted, duplicates, tally.rejected
    run.merged_at = run.touched_at = now
    run.save(update_fields=["lines", "accepted", "duplicates", "rejected", "merged_at", "touched_at"])
