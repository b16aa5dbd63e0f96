"""Look at each part once and say how it is."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from celery import current_app
from django.db import connection

from accounts.models import AuditEvent, AuditSeal, Mail, OutboxItem
from accounts.queries import oldest_due_seconds

WORKERS_ANSWER_WITHIN_SECONDS = 1
LATE_SECONDS = 60
SEALS_LATE_ROWS = 10_000


@dataclass(frozen=True)
class Check:
    """One part: its name, its state (settled, wait or stopped), what was seen, and what to do about it."""

    name: str
    tone: str
    said: str
    advice: str = ""


Look = Callable[[], Check]
_others: list[Look] = []


def part(look: Look) -> Look:
    """Register how another app looks at a part of its own; such looks live in its ``health.py``."""
    _others.append(look)
    return look


def checks() -> list[Check]:
    """Look at every part."""
    ours = (_database, _outbox, _dead, _broker, _workers, _mail, _seals)
    return [look() for look in (*ours, *_others)]


def _database() -> Check:
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_user")
        version, role = cursor.fetchone()
    return Check("Database", "settled", f"PostgreSQL {version} as {role}, {_milliseconds(began)} for one question")


def _outbox() -> Check:
    seconds = oldest_due_seconds()
    if seconds < LATE_SECONDS:
        return Check("Outbox", "settled", f"The oldest due job waits {seconds:.0f} s")
    return Check("Outbox", "stopped", f"A job has waited {seconds:.0f} s", "Start a worker, or manage.py sweep.")


def _dead() -> Check:
    count = OutboxItem.objects.filter(dead_at__isnull=False).count()
    if not count:
        return Check("Dead jobs", "settled", "None")
    return Check("Dead jobs", "stopped", f"{count} gave up after five attempts", "See Jobs: find why, then replay.")


def _broker() -> Check:
    return _ask("Broker", lambda: _connect_broker(), "Nothing is lost meanwhile: the sweeper does the work.")


def _workers() -> Check:
    return _ask("Workers", lambda: _ping_workers(), "Nothing is lost meanwhile: the sweeper does the work.")


def _connect_broker() -> str:
    began = time.perf_counter()
    with current_app.connection_for_read() as broker:
        broker.ensure_connection(max_retries=0, timeout=WORKERS_ANSWER_WITHIN_SECONDS)
    return f"Answers in {_milliseconds(began)}"


def _ping_workers() -> str:
    answers = current_app.control.ping(timeout=WORKERS_ANSWER_WITHIN_SECONDS)
    if not answers:
        raise ConnectionError("no worker answered")
    return f"{len(answers)} answered"


def _ask(name: str, question: Callable[[], str], advice: str) -> Check:
    try:
        return Check(name, "settled", question())
    except Exception as error:  # Whatever a broker throws means the same here.
        return Check(name, "wait", f"No answer ({type(error).__name__})", advice)


def _mail() -> Check:
    waiting = Mail.objects.filter(sent_at=None).count()
    return Check("Mail", "settled" if waiting < 100 else "wait", f"{waiting} letters wait to be sent")


def _seals() -> Check:
    seal = AuditSeal.objects.order_by("-number").first()
    unsealed = AuditEvent.objects.filter(xid__gte=seal.upto_xid if seal else 0)[: SEALS_LATE_ROWS + 1].count()
    said = f"Seal {seal.number} is {bytes(seal.hash).hex()[:16]}…, " if seal else "No seal yet, "
    tone = "settled" if unsealed <= SEALS_LATE_ROWS else "wait"
    return Check("Audit chain", tone, f"{said}{unsealed} rows not yet sealed", "manage.py verify_audit checks it.")


def _milliseconds(began: float) -> str:
    return f"{(time.perf_counter() - began) * 1000:.0f} ms"
