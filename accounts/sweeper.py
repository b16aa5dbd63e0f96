"""Find work that is overdue and get it done, whatever became of the broker and the workers."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from celery import current_app, shared_task
from django.db import connection, connections, transaction

from accounts.nudges import Nudge, nudger, publish
from accounts.outbox import due, registry, run_overdue
from accounts.queries import oldest_due_seconds

log = structlog.get_logger(__name__)

NUDGE_AFTER_SECONDS = 3  # A nudge that came through is acted on well within this.
NUDGE_AGAIN_SECONDS = 30
TAKE_OVER_SECONDS = 20  # Nobody came for the row: the workers are gone, deaf or swamped.
NUDGES_PER_ROUND = 1_000
RUNS_PER_ROUND = 50
FULL_ROUND = 77  # A child's exit code: there may be more to do.

OVERDUE = """
UPDATE accounts_outboxitem SET nudged_at = clock_timestamp() WHERE id IN (
    SELECT id FROM accounts_outboxitem
    WHERE done_at IS NULL AND dead_at IS NULL AND run_after < app_now() - make_interval(secs => %s)
      AND (locked_until IS NULL OR locked_until < clock_timestamp())
      AND (nudged_at IS NULL OR nudged_at < locked_until OR nudged_at < clock_timestamp() - make_interval(secs => %s))
    ORDER BY run_after LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING kind, id
"""


@dataclass(frozen=True)
class Swept:
    """What one round did."""

    nudged: int
    ran: int


Runner = Callable[[float, int], int]


def sweep(run: Runner = run_overdue) -> Swept:
    """Nudge the workers about overdue rows; without a broker, or where nobody came, do the work by ``run``."""
    recur_all()
    nudges = _overdue()
    try:
        publish(nudges)
    except Exception as error:  # Brokers fail in many ways, and each means the same: do it here.
        log.warning("outbox.broker_away", error=type(error).__name__, count=len(nudges))
        return Swept(0, run(0, RUNS_PER_ROUND))
    return Swept(len(nudges), run(TAKE_OVER_SECONDS, RUNS_PER_ROUND))


def run_in_child(seconds: float, limit: int) -> int:
    """Do overdue work in a child of this process: a row that kills whoever does it must not kill the sweeper."""
    if oldest_due_seconds() < max(seconds, 0.001):
        return 0
    connections.close_all()
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return limit if os.waitstatus_to_exitcode(status) == FULL_ROUND else 0
    code = 1
    try:
        nudger.mute()  # The broker's connections belong to the parent.
        code = FULL_ROUND if run_overdue(seconds, limit) == limit else 0
        connections.close_all()
    finally:
        os._exit(code)


def recur_all() -> None:
    """Write the rows of periodic work that is due: beat does so on time, and this when beat is dead."""
    for entry in current_app.conf.beat_schedule.values():
        if entry["task"] == recur.name:
            recur_once(*entry["args"])


@shared_task(name="accounts.recur", ignore_result=True)
def recur(kind: str, seconds: int) -> None:
    """Let beat say that periodic work is due."""
    recur_once(kind, seconds)


def recur_once(kind: str, seconds: int) -> None:
    """Write this period's row, once, however many beats and sweepers there are."""
    bucket = int(time.time()) // seconds
    if _last_bucket.get(kind) == bucket:
        return
    with transaction.atomic():
        due(kind, key=f"every-{seconds}-{bucket}")
    _last_bucket[kind] = bucket


_last_bucket: dict[str, int] = {}


def prune(keep_days: int = 7, keep_keys_days: int = 90, keep_periodic_hours: int = 24) -> int:
    """Forget work done long ago; named keys are kept longer, for they promise that work is not done twice."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM accounts_outboxitem WHERE id IN (SELECT id FROM accounts_outboxitem WHERE done_at IS NOT NULL"
            " AND done_at < app_now() - CASE WHEN key IS NULL THEN make_interval(days => %s)"
            " WHEN key LIKE 'every-%%' THEN make_interval(hours => %s) ELSE make_interval(days => %s) END"
            " ORDER BY done_at LIMIT 20000)",
            [keep_days, keep_periodic_hours, keep_keys_days],
        )
        return int(cursor.rowcount)


def _overdue() -> list[Nudge]:
    """Mark and return the overdue rows that nobody was nudged about lately."""
    with connection.cursor() as cursor:
        cursor.execute(OVERDUE, [NUDGE_AFTER_SECONDS, NUDGE_AGAIN_SECONDS, NUDGES_PER_ROUND])
        rows = cursor.fetchall()
    return [(kind, registry[kind].queue, item) for kind, item in rows if kind in registry]
