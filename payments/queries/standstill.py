"""Whether payouts stand still, and why, in words; and the desk's page of what differs."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.timezone import localtime

from payments.models import Difference, DifferenceKind, PayoutStop, Reconciliation

RESOLVED_SHOWN = 20
DECIDED_BY_PEOPLE = (DifferenceKind.MOVEMENT, DifferenceKind.TRANSFER)  # The others end when both sides agree.
TODO = {
    DifferenceKind.BALANCE: "Look at the differences beside it first. If there are none, ask Stripe's support for the"
    " movement that its list lacks. It closes itself once both sides agree.",
    DifferenceKind.MOVEMENT: "Open it in Stripe's dashboard, find out what it was, and say so here: it is booked then.",
    DifferenceKind.ENTRY: "Look in Stripe's dashboard for what the entry names. If it never happened, have the entry"
    " reversed (docs/runbook.md). It closes itself then.",
    DifferenceKind.TRANSFER: "Find out who made the transfer, or why it is missing. Reverse it at Stripe if it should"
    " not be, then say here what was done.",
    DifferenceKind.COVER: "Add money to the balance at Stripe, then reconcile again. It closes itself.",
    DifferenceKind.LEDGER: "Keep the database as it is, and run manage.py check_ledger (docs/runbook.md). It closes"
    " itself once the sentence holds.",
}


@dataclass(frozen=True)
class OpenRow:
    """A difference that waits, and what to do about it."""

    row: Difference
    todo: str
    is_ours_to_decide: bool


@dataclass(frozen=True)
class ReconcilePage:
    """All that the page of what differs shows."""

    last: Reconciliation | None
    open_ones: list[OpenRow]
    resolved: list[Difference]


def stop_in_force() -> PayoutStop | None:
    """Return the emergency stop, if payouts are stopped."""
    return PayoutStop.objects.filter(lifted_at__isnull=True).select_related("started_by").first()


def stops_so_far() -> list[PayoutStop]:
    """Return the stops that were lifted, newest first."""
    lifted = PayoutStop.objects.filter(lifted_at__isnull=False).select_related("started_by", "lifted_by")
    return list(lifted[:RESOLVED_SHOWN])


def why_standing_still() -> list[str]:
    """Return each reason why nothing is approved or sent now, as a sentence; none means that payouts go on."""
    reasons = []
    stop = stop_in_force()
    if stop is not None:
        since = f"{localtime(stop.started_at):%H:%M on %-d %B}"
        name = stop.started_by.get_full_name()
        reasons.append(f"{name} stopped all payouts at {since}: {stop.reason} Another person lifts the stop.")
    count = Difference.objects.filter(resolved_at__isnull=True).count()
    if count:
        differ, are = ("1 difference", "is") if count == 1 else (f"{count} differences", "are")
        reasons.append(f"{differ} between the ledger and Stripe {are} open. Nothing is approved or sent before.")
    return reasons


def is_standing_still() -> bool:
    """Tell whether nothing may be sent now."""
    return (
        PayoutStop.objects.filter(lifted_at__isnull=True).exists()
        or Difference.objects.filter(resolved_at__isnull=True).exists()
    )


def reconcile_page() -> ReconcilePage:
    """Return what differs, what did, and the last comparison."""
    rows = Difference.objects.select_related("resolved_by", "run", "movement")
    open_ones = [
        OpenRow(row, TODO[DifferenceKind(row.kind)], row.kind in DECIDED_BY_PEOPLE)
        for row in rows.filter(resolved_at__isnull=True)
    ]
    return ReconcilePage(
        last=Reconciliation.objects.select_related("by").first(),
        open_ones=open_ones,
        resolved=list(rows.filter(resolved_at__isnull=False).order_by("-resolved_at")[:RESOLVED_SHOWN]),
    )
