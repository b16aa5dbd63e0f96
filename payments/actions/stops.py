"""The emergency stop of payouts: one switch, thrown by one person and lifted by another."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.db.models import Q

from accounts.audit import audit
from accounts.models import User
from accounts.outbox import due
from kernel.db import action, require_transaction
from kernel.errors import Refused
from kernel.guards import clean_text
from payments import sending
from payments.models import PayoutRun, PayoutStop
from payments.rules import can_stop_payouts, why_not_lift
from payments.states import ItemState, RunState

GATE = 7_365_300  # The advisory lock under which the switch is thrown.


class MayNotStop(Refused):
    """This person may not throw or lift the emergency stop."""

    code = "may_not_stop"
    status = 403


@action
def stop_payouts(*, by: User, reason: str, now: datetime) -> PayoutStop:
    """Stop every payout before the next item, until another person lifts the stop."""
    reason = clean_text(reason, name="reason", max_length=400, min_length=3)
    if not can_stop_payouts(by):
        raise MayNotStop("Only people of finance and owners stop payouts.")
    _take_turns()
    if PayoutStop.objects.filter(lifted_at__isnull=True).exists():
        raise Refused("Payouts are stopped already.")
    stop = PayoutStop.objects.create(reason=reason, started_by=by, started_at=now)
    audit(by, "payouts.stopped", stop, at=now, reason=reason)
    sending.pause_all(f"Emergency stop: {reason}", now=now, by=by)
    return stop


@action
def lift_stop(*, by: User, reason: str, now: datetime) -> PayoutStop:
    """Let payouts go on; runs that were paused wait for somebody to resume them."""
    reason = clean_text(reason, name="reason", max_length=400, min_length=3)
    _take_turns()
    stop = PayoutStop.objects.select_for_update().filter(lifted_at__isnull=True).first()
    if stop is None:
        raise Refused("Payouts are not stopped.")
    if why := why_not_lift(by, stop):
        raise MayNotStop(why)
    stop.lifted_by, stop.lifted_at, stop.lift_reason = by, now, reason
    stop.save(update_fields=["lifted_by", "lifted_at", "lift_reason"])
    audit(by, "payouts.go_on", stop, at=now, reason=reason)
    send_what_waited()
    return stop


def send_what_waited() -> None:
    """Let runs go out that were approved and could not: what still stands still stays."""
    require_transaction()
    queued = Q(state=RunState.PARTIAL, items__state=ItemState.QUEUED)
    for run in PayoutRun.objects.filter(Q(state=RunState.APPROVED) | queued).distinct():
        due("payments.send_run", run=run.pk)


def _take_turns() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [GATE])
