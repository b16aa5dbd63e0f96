"""Record work to be done as rows, in the transaction that makes it due; lease, run and close them."""

import json
import os
import random
import signal
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import FrameType
from typing import Any, TypeVar
from uuid import UUID, uuid4

import structlog
from celery import shared_task
from django.conf import settings
from django.db import connection, transaction

from accounts.nudges import nudger
from kernel.db import forbid_transaction, require_transaction
from kernel.errors import Refused

log = structlog.get_logger(__name__)

MAX_ATTEMPTS = 5
TRIALS = "simulation"  # The queue of what labs try out: there may be much of it, and it is nobody's emergency.
# Whose work a sweeper does after all other: calls that hang for as long as strangers let them, and trials.
COME_LAST = frozenset({"webhooks", TRIALS})
BACKOFF_FACTOR = 4

F = TypeVar("F", bound=Callable[..., None])


class TookTooLong(Exception):
    """The job ran past its timeout."""


@dataclass(frozen=True)
class Job:
    """One kind of work: what runs, where, and for how long a row of it is leased."""

    kind: str
    run: Callable[..., None]
    queue: str
    timeout: int
    backoff_seconds: float


@dataclass(frozen=True)
class Lease:
    """A row that this process may work on until its timeout."""

    item: int
    kind: str
    payload: dict[str, Any]
    attempts: int
    holder: str


registry: dict[str, Job] = {}


def job(kind: str, *, queue: str = "default", timeout: int = 50, backoff_seconds: float = 5.0) -> Callable[[F], F]:
    """Register the function that does work of this kind, given ids as keywords; it is safe to run twice, even at once.

    A row is leased for ``timeout`` seconds: when its worker dies, another takes it up after that.
    """

    def register(function: F) -> F:
        registry[kind] = Job(kind, function, queue, timeout, backoff_seconds)

        @shared_task(name=kind, time_limit=timeout, ignore_result=True)
        def run(item: int) -> None:
            run_item(item)

        return function

    return register


def due(kind: str, *, key: str | None = None, run_after: datetime | None = None, **ids: UUID | str | int) -> int | None:
    """Write that work of ``kind`` is due, once for ever per ``key``; return its row, or None if the key was known."""
    require_transaction()
    payload = {name: value if isinstance(value, int) else str(value) for name, value in ids.items()}
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_outboxitem"
            " (kind, key, payload, created_at, run_after, attempts, locked_by, last_error)"
            " VALUES (%s, %s, %s, app_now(), COALESCE(%s, app_now()), 0, '', '')"
            " ON CONFLICT (kind, key) DO NOTHING RETURNING id",
            [kind, key, json.dumps(payload), run_after],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    if run_after is None:
        _nudge_after_commit(kind, row[0])
    return int(row[0])


def run_item(item: int) -> bool:
    """Work on one row if it is due and free; return whether it was done."""
    lease = _lease("id = %s", item)
    return lease is not None and _run(lease) is None


def run_due(limit: int = 100) -> int:
    """Work on due rows, oldest first, until none or ``limit`` were taken; return how many were taken."""
    for taken in range(limit):
        lease = _lease("TRUE")
        if lease is None:
            return taken
        _run(lease)
    return limit


def run_overdue(seconds: float, limit: int) -> int:
    """Work on rows that have been due for ``seconds`` and nobody took; return how many were taken."""
    overdue = "run_after < app_now() - make_interval(secs => %s)"
    last = [job.kind for job in registry.values() if job.queue in COME_LAST]
    for taken in range(limit):
        # Our own work first: whoever sweeps does one thing after another.
        lease = _lease(f"{overdue} AND kind <> ALL (%s)", seconds, last) or _lease(overdue, seconds)
        if lease is None:
            return taken
        _run(lease)
    return limit


def drain(max_rounds: int = 10) -> int:
    """Work on all that is due, and on what that makes due, now; raise the first failure. For tests and seeding."""
    done = 0
    for _ in range(max_rounds):
        before = done
        while (lease := _lease("TRUE")) is not None:
            error = _run(lease)
            if error is not None:
                raise error
            done += 1
        if done == before:
            return done
    raise RuntimeError(f"The outbox made new work for {max_rounds} rounds.")


def replay(item: int) -> bool:
    """Give a dead row five new attempts; return whether it was dead."""
    require_transaction()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_outboxitem SET dead_at = NULL, attempts = 0, run_after = app_now(), locked_by = '',"
            " locked_until = NULL WHERE id = %s AND dead_at IS NOT NULL RETURNING kind",
            [item],
        )
        row = cursor.fetchone()
    if row is not None:
        _nudge_after_commit(row[0], item)
    return row is not None


def _nudge_after_commit(kind: str, item: int) -> None:
    if kind in registry and settings.OUTBOX_NUDGES:
        transaction.on_commit(partial(nudger.nudge, (kind, registry[kind].queue, item)), robust=True)


def _lease(condition: str, *values: float | list[str]) -> Lease | None:
    """Take the oldest due row that nobody holds; rows whose every attempt died are declared dead on the way."""
    forbid_transaction()
    holder = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:12]}"
    timeouts = json.dumps({kind: job.timeout for kind, job in registry.items()})
    while True:
        with connection.cursor() as cursor:
            cursor.execute(LEASE.format(condition=condition), [MAX_ATTEMPTS, MAX_ATTEMPTS, holder, timeouts, *values])
            row = cursor.fetchone()
        if row is None:
            return None
        item, kind, payload, attempts, is_dead = row
        if not is_dead:
            return Lease(item, kind, json.loads(payload), attempts, holder)
        log.error("outbox.dead", kind=kind, item=item, error="its workers died")


# Attempts are counted, and committed, before the work: a row that kills its worker cannot do so for ever.
LEASE = """
UPDATE accounts_outboxitem SET
    dead_at = CASE WHEN attempts >= %s THEN app_now() END,
    last_error = CASE WHEN attempts >= %s THEN 'Every worker that took it up died.' ELSE last_error END,
    attempts = attempts + 1,
    locked_by = %s,
    locked_until = clock_timestamp() + make_interval(secs => COALESCE((%s::jsonb ->> kind)::float, 50))
WHERE id = (
    SELECT id FROM accounts_outboxitem
    WHERE done_at IS NULL AND dead_at IS NULL AND run_after <= app_now()
      AND (locked_until IS NULL OR locked_until < clock_timestamp()) AND {condition}
    ORDER BY run_after, id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, kind, payload::text, attempts, dead_at IS NOT NULL
"""


def _run(lease: Lease) -> Exception | None:
    """Work under the lease, then close it or put it off; return what went wrong."""
    job = registry.get(lease.kind)
    try:
        if job is None:
            raise LookupError(f"No job is registered for {lease.kind}.")
        with _at_most(job.timeout - 2):
            job.run(**lease.payload)
    except Exception as error:
        _put_off(lease, error, job.backoff_seconds if job else 5.0)
        return error
    _close(lease, "done_at = app_now(), last_error = ''")
    return None


def _put_off(lease: Lease, error: Exception, backoff_seconds: float) -> None:
    """Try again later, each time four times as late, with jitter; after the last attempt, never."""
    said = _said(error)
    if lease.attempts >= MAX_ATTEMPTS:
        log.error("outbox.dead", kind=lease.kind, item=lease.item, error=said)
        _close(lease, "dead_at = app_now(), last_error = %s", said)
        return
    log.warning("outbox.put_off", kind=lease.kind, item=lease.item, attempts=lease.attempts, error=said)
    delay = backoff_seconds * BACKOFF_FACTOR ** (lease.attempts - 1) * random.uniform(0.75, 1.25)  # noqa: S311  # jitter
    _close(lease, "run_after = app_now() + make_interval(secs => %s), last_error = %s", delay, said)


def _close(lease: Lease, change: str, *values: str | float) -> None:
    """End the lease if it is still ours: a late worker's outcome is ignored."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE accounts_outboxitem SET {change}, locked_by = '', locked_until = NULL"  # noqa: S608  # own text
            " WHERE id = %s AND locked_by = %s AND attempts = %s AND done_at IS NULL AND dead_at IS NULL",
            [*values, lease.item, lease.holder, lease.attempts],
        )
        if not cursor.rowcount:
            log.warning("outbox.fenced", kind=lease.kind, item=lease.item)


def _said(error: Exception) -> str:
    """Describe an error without its words, which may hold content; our own refusals hold none."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {os.path.relpath(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
    words = f": {error}" if isinstance(error, Refused | LookupError | TookTooLong) else ""
    return f"{type(error).__name__}{words}{place}"[:500]


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Interrupt the work after ``seconds``, where signals reach: in a process's main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise TookTooLong(f"The job ran for more than {seconds:g} seconds.")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
