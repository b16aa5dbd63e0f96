"""Send an approved run: three safe steps an item, so that a crash at any point pays nobody twice.

One transaction sets the money aside and stores the key, one call asks Stripe, one transaction writes the answer.
A lost answer is not a failure: the item is UNKNOWN until Stripe is asked, and is never sent anew before that.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse

from accounts.audit import audit
from accounts.mail import post_mail
from accounts.models import User
from accounts.notices import notify
from accounts.outbox import due
from accounts.queries import live_grants
from kernel.db import action, app_now, require_transaction
from kernel.errors import Refused
from kernel.money import Money
from kernel.states import move
from payments import ledger
from payments.gateways import stripe as gateway
from payments.gateways.errors import (
    AuthenticationFailed,
    GatewayError,
    NotExecuted,
    Reason,
    RefusedByStripe,
)
from payments.gateways.types import Transfer, TransferOrder
from payments.models import Entry, PayoutItem, PayoutRun
from payments.queries.runs import counting_approvals
from payments.queries.standstill import is_standing_still, why_standing_still
from payments.rules import needed_approvals
from payments.states import (
    IN_FLIGHT_STATES,
    ITEM_MOVES,
    RUN_MOVES,
    ItemState,
    PayeeState,
    PayLineState,
    RunState,
)

KEY_LIFE = timedelta(hours=23)  # Stripe may forget a key after 24.
SECOND_LOOK = timedelta(minutes=15)
FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(minutes=15)
OPEN_STATES = IN_FLIGHT_STATES | {ItemState.QUEUED}
GATE = 7_365_100  # The advisory lock that spaces calls, over all processes.


@dataclass(frozen=True)
class Step:
    """One item's next call: what to send, and what to do before."""

    item: UUID
    run: UUID
    order: TransferOrder
    must_look: bool = False
    is_key_old: bool = False


# The run


@action
def start_sending(run: PayoutRun, *, now: datetime, by: User | None = None) -> None:
    """Begin or resume a run, and make every open item's sending due; refused while payouts stand still."""
    run = PayoutRun.objects.select_for_update().get(pk=run.pk)
    if reasons := why_standing_still():
        raise Refused(" ".join(reasons))
    if run.state == RunState.APPROVED and counting_approvals(run) < needed_approvals(run.total_minor):
        raise Refused("Somebody who approved this run no longer has the finance role. Cancel it and build another.")
    was = move(run, RunState.SENDING, moves=RUN_MOVES, now=now, sending_at=run.sending_at or now, reason="")
    audit(by, "payout_run.sending", run, at=now, was=was)
    for item in run.items.filter(state__in=OPEN_STATES).values_list("pk", flat=True):
        due("payments.send_payout_item", item=item)
    due("payments.finish_payout_run", run=run.pk)


@action
def pause_sending(run: PayoutRun, *, reason: str, now: datetime, by: User | None = None) -> None:
    """Stop before the next item; what is under way is looked up when the run goes on."""
    _pause(run.pk, reason=reason, now=now, by=by)


@action
def finish_run(run_id: UUID, *, now: datetime) -> None:
    """Close a run of which no item is open: COMPLETED if all were paid or cancelled, else PARTIAL."""
    run = PayoutRun.objects.select_for_update().get(pk=run_id)
    if run.state != RunState.SENDING or run.items.filter(state__in=OPEN_STATES).exists():
        return
    is_partial = run.items.filter(state__in=[ItemState.FAILED, ItemState.BLOCKED]).exists()
    to = RunState.PARTIAL if is_partial else RunState.COMPLETED
    was = move(run, to, moves=RUN_MOVES, now=now, **({} if is_partial else {"completed_at": now}))
    audit(None, "payout_run.finished", run, at=now, was=was)


@action
def make_stalled_items_due(*, now: datetime) -> int:
    """Take up items of running runs that nothing has touched for a while; return how many."""
    stalled = PayoutItem.objects.filter(
        run__state=RunState.SENDING, state__in=OPEN_STATES, state_changed_at__lt=now - 2 * LONGEST_RETRY
    )
    for item in stalled:
        key = f"stalled-{item.pk}-{int(now.timestamp()) // int(LONGEST_RETRY.total_seconds())}"
        due("payments.send_payout_item", key=key, item=item.pk)
    for run in PayoutRun.objects.filter(state=RunState.SENDING):
        due("payments.finish_payout_run", run=run.pk)
    return len(stalled)


def pause_all(reason: str, *, now: datetime, by: User | None = None) -> None:
    """Pause every run that is being sent, as a step of the action that makes payouts stand still."""
    for run in PayoutRun.objects.filter(state=RunState.SENDING):
        _pause(run.pk, reason=reason, now=now, by=by)


def _pause(run_id: UUID, *, reason: str, now: datetime, by: User | None = None) -> None:
    require_transaction()
    run = PayoutRun.objects.select_for_update().get(pk=run_id)
    if run.state != RunState.SENDING:
        return
    was = move(run, RunState.PAUSED, moves=RUN_MOVES, now=now, reason=reason[:500])
    audit(by, "payout_run.paused", run, at=now, was=was)
    tell_finance(f"Payout run {run.number} is paused: {reason}", reverse("payments:run", args=[run.pk]), now)


def tell_finance(text: str, url: str, now: datetime) -> None:
    """Tell everybody of finance."""
    for grant in live_grants().filter(role="finance"):
        notify(grant.user, text[:500], url, now)


# One item


def carry_item(item_id: UUID) -> None:
    """Take an item one call further; safe to run twice, even at once, and after a crash anywhere."""
    step = take_step(item_id, now=app_now())
    if step is not None:
        _carry(step)
        finish_run(step.run, now=app_now())


def _carry(step: Step) -> None:
    """Look if anything may have been sent before, then send if nothing was."""
    if step.must_look:
        try:
            found = _look(step)
        except GatewayError as error:
            return put_off(step, error, now=app_now())
        if found:
            return confirm_item(step, found, now=app_now())
        if step.is_key_old:
            return note_absence(step, now=app_now())
    return _send(step)


def _look(step: Step) -> list[Transfer]:
    group = gateway.find_transfers(step.order.group, destination=step.order.destination)
    return [transfer for transfer in group if transfer.item == step.order.item]


def _send(step: Step) -> None:
    _wait_for_turn()
    try:
        transfer = gateway.create_transfer(step.order)
    except RefusedByStripe as refusal:
        refuse_item(step, refusal, now=app_now())
    except GatewayError as error:
        put_off(step, error, now=app_now())
    else:
        confirm_item(step, [transfer], now=app_now())


def _wait_for_turn() -> None:
    """Let at most STRIPE_SENDS_PER_SECOND calls through, whatever number of processes send."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [GATE])
        cursor.execute("SELECT pg_sleep(%s)", [1 / settings.STRIPE_SENDS_PER_SECOND])


@action
def take_step(item_id: UUID, *, now: datetime) -> Step | None:
    """Set the money aside and store the key, or find out that an earlier try must be looked up first."""
    item = lock_item(item_id)
    if item.run.state != RunState.SENDING or item.state not in OPEN_STATES:
        return None
    if item.state == ItemState.QUEUED:
        return None if is_standing_still() else _first_step(item, now)
    _note_try(item, now, tries=item.tries + 1)
    assert item.first_sent_at is not None
    return step_of(item, must_look=True, is_key_old=now - item.first_sent_at >= KEY_LIFE)


def _first_step(item: PayoutItem, now: datetime) -> Step | None:
    if item.payee.state != PayeeState.ACTIVE or item.payee.stripe_id != item.destination:
        _block(item, code="payee_not_ready", problem="The expert's payout account is not ready.", now=now)
        return None
    key = f"payout-item-{item.public_id}-a{item.attempt}"
    _note_try(item, now, tries=1, stripe_key=key, first_sent_at=now, absent_at=None, problem_code="", problem="")
    postings = [
        (ledger.expert_available(item.expert, item.currency), item.amount_minor),
        (ledger.payout_in_flight(item.currency), -item.amount_minor),
    ]
    ledger.post("payout_sent", postings, key=f"{key}-out", at=now, memo={"item": item.public_id})
    return step_of(item, must_look=item.attempt > 1, is_key_old=False)


def _note_try(item: PayoutItem, now: datetime, **fields: object) -> None:
    was = move(item, ItemState.SENDING, moves=ITEM_MOVES, now=now, last_sent_at=now, **fields)
    audit(None, "payout_item.sending", item, at=now, was=was, key=item.stripe_key)


def step_of(item: PayoutItem, *, must_look: bool = True, is_key_old: bool = False) -> Step:
    """Return what an item asks of Stripe; it is sent only if ``must_look`` is false, or the look finds nothing."""
    order = TransferOrder(
        amount=Money(item.amount_minor, item.currency),
        destination=item.destination,
        group=item.run.public_id,
        item=item.public_id,
        attempt=item.attempt,
        description=f"Week of {item.run.week_start.isoformat()}",
        key=item.stripe_key,
    )
    return Step(item.pk, item.run_id, order, must_look, is_key_old)


@action
def confirm_item(step: Step, transfers: list[Transfer], *, now: datetime) -> None:
    """Write down that the expert was paid, once; anything but the one expected transfer stops the run."""
    item = lock_item(step.item)
    transfer = transfers[0]
    if len(transfers) > 1 or not _fits(item, transfer):
        ids = ", ".join(each.stripe_id for each in transfers)
        _pause(step.run, reason=f"Stripe has other transfers for {item.public_id} than were ordered: {ids}", now=now)
        return
    if item.state not in IN_FLIGHT_STATES:
        return  # Another worker was quicker; its answer is the same.
    fields = {"stripe_id": transfer.stripe_id, "paid_at": now, "problem_code": "", "problem": ""}
    was = move(item, ItemState.PAID, moves=ITEM_MOVES, now=now, **fields)
    item.lines.filter(state=PayLineState.LOCKED).update(state=PayLineState.PAID, state_changed_at=now)
    postings = [
        (ledger.payout_in_flight(item.currency), item.amount_minor),
        (ledger.stripe_available(item.currency), -item.amount_minor),
    ]
    memo = {"item": item.public_id, "transfer": transfer.stripe_id}
    ledger.post("payout_confirmed", postings, key=f"payout-item-{item.public_id}-paid", at=now, memo=memo)
    audit(None, "payout_item.paid", item, at=now, was=was, transfer=transfer.stripe_id)


def _fits(item: PayoutItem, transfer: Transfer) -> bool:
    is_same = item.stripe_id in ("", transfer.stripe_id)
    expected = (Money(item.amount_minor, item.currency), item.destination, item.public_id)
    return is_same and (transfer.amount, transfer.destination, transfer.item) == expected


@action
def put_off(step: Step, error: GatewayError, *, now: datetime) -> None:
    """Keep the money in flight and try again later under the same key; a refused key stops the run."""
    item = _lock_in_flight(step)
    if item is None:
        return
    is_known = isinstance(error, NotExecuted | AuthenticationFailed) and not step.must_look
    to = ItemState.SENDING if is_known else ItemState.UNKNOWN
    was = move(item, to, moves=ITEM_MOVES, now=now, problem_code=error.code[:100], problem=error.detail[:500])
    audit(None, "payout_item.put_off", item, at=now, was=was, error=type(error).__name__)
    if isinstance(error, AuthenticationFailed):
        _pause(step.run, reason="Stripe refused our key. Nothing was lost; repair the key and resume.", now=now)
    else:
        due("payments.send_payout_item", run_after=now + _delay(item.tries), item=item.pk)


@action
def note_absence(step: Step, *, now: datetime) -> None:
    """Stripe has no transfer and may have forgotten the key: a second look decides, then a new attempt opens."""
    item = _lock_in_flight(step)
    if item is None:
        return
    if item.absent_at is None or now - item.absent_at < SECOND_LOOK:
        fields = {"absent_at": item.absent_at or now, "problem": "Stripe has no such transfer; looking once more."}
        was = move(item, ItemState.UNKNOWN, moves=ITEM_MOVES, now=now, **fields)
        due("payments.send_payout_item", run_after=now + SECOND_LOOK, item=item.pk)
    else:
        was = _open_next_attempt(item, ItemState.QUEUED, now, problem="", problem_code="")
        due("payments.send_payout_item", item=item.pk)
    audit(None, "payout_item.absent", item, at=now, was=was)


@action
def refuse_item(step: Step, refusal: RefusedByStripe, *, now: datetime) -> None:
    """Give the money back after a definite refusal; the reason says whether the item, the payee or the run waits."""
    item = _lock_in_flight(step)
    if item is None:
        return
    problem = {"problem_code": refusal.code[:100], "problem": refusal.detail[:500]}
    to = AFTER_REFUSAL.get(refusal.reason, ItemState.FAILED)
    was = _open_next_attempt(item, to, now, **problem)
    audit(None, "payout_item.refused", item, at=now, was=was, code=refusal.code)
    if refusal.reason == Reason.BALANCE:
        _pause(step.run, reason="The Stripe balance does not cover the next payout. Add money and resume.", now=now)
    elif refusal.reason == Reason.NOT_PAYABLE:
        _tell_expert(item)
        due("payments.read_payee", payee=item.payee_id)
    else:
        url = reverse("payments:run", args=[item.run_id])
        tell_finance(f"Payout {item.public_id} failed: {refusal.detail}", url, now)


AFTER_REFUSAL = {Reason.BALANCE: ItemState.QUEUED, Reason.NOT_PAYABLE: ItemState.BLOCKED}


# Steps


def lock_item(item_id: UUID) -> PayoutItem:
    """Return an item's row, which nobody else changes until the end of the transaction."""
    require_transaction()
    items = PayoutItem.objects.select_for_update(of=("self",)).select_related("run", "payee", "expert__user")
    return items.get(pk=item_id)


def _lock_in_flight(step: Step) -> PayoutItem | None:
    """Return the item if it still waits for the answer to this very attempt."""
    item = lock_item(step.item)
    waits = item.state in IN_FLIGHT_STATES and item.attempt == step.order.attempt
    return item if waits else None


def _open_next_attempt(item: PayoutItem, to: ItemState, now: datetime, **fields: str) -> str:
    """Return the money to the expert's account and leave the spent key behind."""
    spent = item.stripe_key
    out = Entry.objects.get(key=f"{spent}-out")
    ledger.reverse(out, key=f"{spent}-back", at=now, memo={"item": item.public_id})
    fresh = {"attempt": item.attempt + 1, "stripe_key": "", "tries": 0, "first_sent_at": None, "absent_at": None}
    return move(item, to, moves=ITEM_MOVES, now=now, **fresh, **fields)


def _block(item: PayoutItem, *, code: str, problem: str, now: datetime) -> None:
    was = move(item, ItemState.BLOCKED, moves=ITEM_MOVES, now=now, problem_code=code, problem=problem)
    audit(None, "payout_item.blocked", item, at=now, was=was, code=code)
    _tell_expert(item)
    due("payments.read_payee", payee=item.payee_id)


def _tell_expert(item: PayoutItem) -> None:
    body = (
        "Your payout could not be sent because your payout account is not ready.\n\n"
        f"Please complete it here: {settings.PUBLIC_URL}{reverse('payments:payee')}\n\n"
        "Your money is safe and will be paid as soon as the account is ready.\n"
    )
    key = f"payout-blocked-{item.public_id}-a{item.attempt}"
    post_mail(to=item.expert.user.email, subject="Your payout account needs you", body=body, key=key)


def _delay(tries: int) -> timedelta:
    """Return how long to wait before the next try: longer each time, never the same for all."""
    wait: timedelta = min(FIRST_RETRY * 2 ** min(max(tries - 1, 0), 10), LONGEST_RETRY)
    return wait * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
