"""Compare all our money with Stripe's, nightly and on demand: ask Stripe, explain what moved, write what differs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Max, Min

from accounts.models import User
from kernel.db import action, app_now
from kernel.errors import Busy
from payments import comparing, sending
from payments.actions import differences
from payments.comparing import Outcome
from payments.gateways import stripe as gateway
from payments.gateways.types import Balance, BalanceTransaction, Transfer
from payments.matching import match, open_movements, unmatched_entries
from payments.models import Entry, Movement, PayoutRun, Reconciliation
from payments.states import IN_FLIGHT_STATES, RunState

OVERLAP = timedelta(hours=1)
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)  # Before any installation: the first import takes everything.
TRIES = 3
COMPARED = (RunState.SENDING, RunState.PAUSED, RunState.PARTIAL, RunState.COMPLETED)


@dataclass(frozen=True)
class Reading:
    """What was read before anything is written."""

    balance: Balance
    moved: list[BalanceTransaction]
    runs: list[PayoutRun]
    last_entry: int  # Whatever was booked later may have moved after Stripe was read.
    imported: int


def reconcile(by: UUID | None = None) -> Reconciliation:
    """Compare, write what was found, and return it; an operator's id says who asked.

    Raises ``GatewayError`` when Stripe does not answer, ``Busy`` when its balance moves while it is read.
    """
    last = Entry.objects.aggregate(last=Max("id"))["last"] or 0
    balance, moved = _read_stripe()
    imported = import_movements(moved, now=app_now())
    outcome = Outcome()
    runs = list(PayoutRun.objects.filter(state__in=COMPARED).order_by("number"))
    for run in runs:
        before = comparing.paid_items(run)
        transfers = gateway.find_transfers(run.public_id)
        take_up_items(run, transfers)
        comparing.compare_run(run, transfers, before, outcome)
    read = Reading(balance, moved, runs, last, imported)
    return write(read, outcome, by=by, now=app_now())


def _read_stripe() -> tuple[Balance, list[BalanceTransaction]]:
    """Read the balance and what made it, both of one moment."""
    for _ in range(TRIES):
        before = gateway.retrieve_balance()
        moved = gateway.list_balance_transactions(since=_since())
        if gateway.retrieve_balance() == before:
            return before, moved
    raise Busy("Stripe's balance moved each time that it was read. Reconcile again when nothing is being sent.")


def _since() -> datetime:
    """Return where to read on: an hour before the last movement known, or before the oldest that nothing explains."""
    known: datetime | None = Movement.objects.aggregate(last=Max("created_at"))["last"]
    if known is None:
        return BEGINNING
    oldest: datetime | None = open_movements().aggregate(oldest=Min("created_at"))["oldest"]
    return min(known, oldest or known) - OVERLAP


@action
def import_movements(moved: list[BalanceTransaction], *, now: datetime) -> int:
    """Keep what moved at Stripe, each once; return how many were new."""
    before = Movement.objects.count()
    rows = (
        Movement(
            stripe_id=each.stripe_id,
            kind=each.kind[:60],
            source=each.source,
            currency=each.currency,
            amount_minor=each.amount_minor,
            fee_minor=each.fee_minor,
            net_minor=each.net_minor,
            created_at=each.created_at,
            seen_at=now,
        )
        for each in moved
    )
    Movement.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1_000)
    return Movement.objects.count() - before


def take_up_items(run: PayoutRun, transfers: list[Transfer]) -> None:
    """Confirm the items whose answer was lost and whose one transfer Stripe has, even while the run stands still."""
    for item in run.items.filter(state__in=IN_FLIGHT_STATES).select_related("run"):
        theirs = [each for each in transfers if each.item == item.public_id]
        if len(theirs) == 1:
            sending.confirm_item(sending.step_of(item), theirs, now=app_now())
    sending.finish_run(run.pk, now=app_now())


@action
def write(read: Reading, outcome: Outcome, *, by: UUID | None, now: datetime) -> Reconciliation:
    """Explain what moved, open what differs, close what agrees again, and call whole runs reconciled."""
    unexplained = match(read.moved, now)
    waiting = [each for each in unexplained if comparing.may_wait(each, now)]
    for movement in unexplained:
        if movement not in waiting:
            differences.suspend(movement, now)
    left = unmatched_entries()
    late = [each for each in left if each.entry > read.last_entry]
    outcome.found += differences.suspended()
    comparing.compare_entries([each for each in left if each not in late], outcome)
    comparing.compare_balance(read.balance, waiting, late, outcome)
    comparing.compare_ledger(outcome)
    person = User.objects.get(pk=by) if by else None
    found = differences.keep(outcome.found, now=now)
    differences.call_reconciled(read.runs, by=person, now=now)
    lines = [each.as_json() for each in outcome.lines]
    return Reconciliation.objects.create(at=now, by=person, movements=read.imported, lines=lines, found=found)
