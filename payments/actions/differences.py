"""Open, keep and resolve what does not agree with Stripe."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse

from accounts.audit import audit
from accounts.models import User
from accounts.outbox import due
from kernel.db import action, require_transaction
from kernel.errors import FieldError, Invalid, Refused
from kernel.guards import clean_text
from kernel.states import move
from payments import ledger, sending
from payments.actions.stops import send_what_waited
from payments.comparing import Found
from payments.matching import UNEXPLAINED
from payments.models import Difference, DifferenceKind, Movement, PayoutItem, PayoutRun
from payments.queries.runs import DONE_STATES
from payments.queries.standstill import DECIDED_BY_PEOPLE
from payments.states import RUN_MOVES, RunState

STANDSTILL = "The ledger and Stripe differ. Payouts stand still until it is resolved."
AGREES = "It agrees again, or was explained since."
# What a movement that nothing explains can turn out to be, and where it is booked then.
BOOKINGS = {
    "fee": ("A fee of Stripe's", ledger.stripe_fees),
    "bank": ("Money to or from our own bank", ledger.bank_operating),
    "loss": ("A loss that nobody will make good", ledger.bad_debt),
}


# Steps of a reconciliation


def suspend(movement: Movement, now: datetime) -> None:
    """Book a movement that nothing explains as suspense, so that the ledger is Stripe's to the cent."""
    if not movement.net_minor:
        return  # It moved nothing.
    currency, minor = movement.currency, movement.net_minor
    legs = [(ledger.stripe_available(currency), minor), (ledger.suspense(currency), -minor)]
    key = f"{movement.stripe_id}-{UNEXPLAINED}"
    movement.entry_id = ledger.post(UNEXPLAINED, legs, key=key, at=now, memo={"source": movement.source})
    movement.save(update_fields=["entry"])


def suspended() -> list[Found]:
    """Return what lies in suspense and nobody has decided about."""
    open_ones = Movement.objects.filter(entry__kind=UNEXPLAINED).exclude(differences__resolved_at__isnull=False)
    return [
        Found(
            DifferenceKind.MOVEMENT,
            f"movement-{each.stripe_id}",
            f"Stripe moved money that no entry explains: {each.kind} {each.source or each.stripe_id}.",
            each.currency,
            0,
            each.net_minor,
            movement=each,
        )
        for each in open_ones
    ]


def keep(found: Sequence[Found], *, now: datetime) -> int:
    """Open a row for each new difference, close those that were not found again, and return how many are open.

    A new one stops the runs that are being sent.
    """
    require_transaction()
    by_key = {each.key: each for each in found if not _is_accepted(each)}
    known = {row.key: row for row in Difference.objects.select_for_update().filter(resolved_at__isnull=True)}
    for key, row in known.items():
        if key not in by_key:
            _close(row, by=None, reason=AGREES, now=now)
        elif (row.ours_minor, row.theirs_minor) != (by_key[key].ours_minor, by_key[key].theirs_minor):
            row.ours_minor, row.theirs_minor = by_key[key].ours_minor, by_key[key].theirs_minor
            row.save(update_fields=["ours_minor", "theirs_minor"])
    fresh = [_open(each, now) for key, each in by_key.items() if key not in known]
    if fresh:
        sending.pause_all(f"The ledger and Stripe differ: {fresh[0].what}", now=now)
        sending.tell_finance(STANDSTILL, reverse("payments:reconcile"), now)
    elif known and not by_key:
        send_what_waited()
    return len(by_key)


def call_reconciled(runs: Sequence[PayoutRun], *, by: User | None, now: datetime) -> None:
    """Call a run reconciled when everyone is paid and each payout is one transfer and one movement at Stripe."""
    require_transaction()
    completed = PayoutRun.objects.filter(pk__in=[each.pk for each in runs], state=RunState.COMPLETED)
    for run in completed.select_for_update():
        paid = PayoutItem.objects.filter(run=run, state__in=DONE_STATES)
        moved = Movement.objects.filter(source__in=paid.values("stripe_id"), entry__kind="payout_confirmed")
        if paid.count() == moved.count() and not run.differences.filter(resolved_at__isnull=True).exists():
            was = move(run, RunState.RECONCILED, moves=RUN_MOVES, now=now)
            audit(by, "payout_run.reconciled", run, at=now, was=was)


def _is_accepted(found: Found) -> bool:
    """Tell whether a person has decided about exactly this transfer: it stays at Stripe for ever."""
    same = Difference.objects.filter(key=found.key, ours_minor=found.ours_minor, theirs_minor=found.theirs_minor)
    return found.kind == DifferenceKind.TRANSFER and same.filter(resolved_by__isnull=False).exists()


def _open(found: Found, now: datetime) -> Difference:
    row = Difference.objects.create(
        kind=found.kind,
        key=found.key,
        what=found.what[:500],
        currency=found.currency,
        ours_minor=found.ours_minor,
        theirs_minor=found.theirs_minor,
        movement=found.movement,
        run=found.run,
        found_at=now,
    )
    audit(None, "difference.found", row, at=now, kind=row.kind, ours=row.ours_minor, theirs=row.theirs_minor)
    return row


def _close(row: Difference, *, by: User | None, reason: str, now: datetime) -> None:
    row.resolved_at, row.resolved_by, row.reason = now, by, reason
    row.save(update_fields=["resolved_at", "resolved_by", "reason"])
    audit(by, "difference.resolved", row, at=now, reason=reason)


# What a person decides


@action
def ask_to_reconcile(*, by: User, now: datetime) -> None:
    """Make a comparison of all money with Stripe's due, now."""
    due("payments.reconcile", by=by.pk)
    audit(by, "reconciliation.asked", by, at=now)


@action
def resolve_difference(
    difference: Difference, *, by: User, reason: str, now: datetime, book_as: str = ""
) -> Difference:
    """Close a difference for a reason; a movement that nothing explains is booked out of suspense as ``book_as``."""
    reason = clean_text(reason, name="reason", max_length=400, min_length=3)
    row = Difference.objects.select_for_update().get(pk=difference.pk)
    if row.resolved_at is not None:
        raise Refused("This difference is resolved already.")
    if row.kind not in DECIDED_BY_PEOPLE:
        raise Refused("This difference ends when both sides agree. Mend its cause, then reconcile again.")
    if row.movement_id is not None:
        reason = f"{_book_out(row, book_as, now)}: {reason}"
    _close(row, by=by, reason=reason, now=now)
    if not Difference.objects.filter(resolved_at__isnull=True).exists():
        send_what_waited()
    return row


def _book_out(row: Difference, book_as: str, now: datetime) -> str:
    if book_as not in BOOKINGS:
        raise Invalid([FieldError("book_as", "unknown", "Say what it was, so that it can be booked.")])
    words, place = BOOKINGS[book_as]
    movement = row.movement
    assert movement is not None
    legs = [(ledger.suspense(movement.currency), movement.net_minor), (place(movement.currency), -movement.net_minor)]
    memo = {"difference": row.public_id}
    ledger.post("explained_by_hand", legs, key=f"{movement.stripe_id}-by-hand", at=now, memo=memo)
    return words
