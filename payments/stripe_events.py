"""What each stored event means: a hint to read the object again, and to move our row forward only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse

from accounts.audit import audit
from accounts.notices import notify
from accounts.outbox import due
from kernel.db import action, app_now
from kernel.ids import BadId, TypedIdModel
from kernel.states import move
from labs.models import Mode
from payments import actions, ledger, sending
from payments.gateways import stripe as gateway
from payments.gateways.errors import AuthenticationFailed, RefusedByStripe
from payments.gateways.invoices import retrieve_invoice
from payments.gateways.types import GatewayEvent, Reversal
from payments.models import Funding, Payee, PayoutItem, StripeEvent
from payments.states import (
    BANK_MOVES,
    EVENT_MOVES,
    IN_FLIGHT_STATES,
    ITEM_MOVES,
    BankState,
    EventState,
    FundingState,
    ItemState,
    PayeeState,
)

MAX_ATTEMPTS = 5
OVERLAP = timedelta(hours=1)
FIRST_LOOK_BACK = timedelta(days=3)
STALE = timedelta(hours=1)

ACCOUNTS_AN_HOUR = 1_000
ACCOUNT_REST = timedelta(minutes=50)
OPEN_LEGS = (BankState.NONE, BankState.IN_TRANSIT)

R = TypeVar("R", bound=TypedIdModel)

BANK_STATES = {
    "pending": BankState.IN_TRANSIT,
    "in_transit": BankState.IN_TRANSIT,
    "paid": BankState.BANK_PAID,
    "failed": BankState.BANK_FAILED,
    "canceled": BankState.BANK_FAILED,
}


# The inbox


@action
def store_event(event: GatewayEvent, *, endpoint: str, now: datetime) -> None:
    """Keep an event once, whatever is delivered twice, and make its work due once."""
    mode = Mode.LIVE if event.is_live else Mode.TEST
    row = StripeEvent(
        state=EventState.RECEIVED,
        state_changed_at=now,
        mode=mode,
        stripe_id=event.stripe_id,
        endpoint=endpoint,
        kind=event.kind[:120],
        object_id=event.object_id,
        account=event.account,
        payload=event.payload,
        created_at=event.created_at,
        received_at=now,
    )
    StripeEvent.objects.bulk_create([row], ignore_conflicts=True)
    due("payments.process_stripe_event", key=f"{mode}-{event.stripe_id}", mode=mode, event=event.stripe_id)


def process_event(mode: str, stripe_id: str) -> None:
    """Act on a stored event once; a failure is noted and raised, so that it is tried again."""
    event = StripeEvent.objects.get(mode=mode, stripe_id=stripe_id)
    if event.state in (EventState.DONE, EventState.IGNORED):
        return
    handle = HANDLERS.get(event.kind)
    try:
        if handle is not None:
            handle(event)
    except Exception as error:
        _close_event(event, EventState.RETRY, now=app_now(), error=f"{type(error).__name__}"[:500])
        raise
    _close_event(event, EventState.DONE if handle else EventState.IGNORED, now=app_now())


@action
def _close_event(event: StripeEvent, to: EventState, *, now: datetime, error: str = "") -> None:
    attempts = event.attempts + 1
    if to == EventState.RETRY and event.state == EventState.RETRY and attempts >= MAX_ATTEMPTS:
        to = EventState.DEAD
    move(event, to, moves=EVENT_MOVES, now=now, attempts=attempts, last_error=error)


@action
def make_stale_objects_due(*, now: datetime) -> None:
    """Ask again about whatever has waited long for an event that may be lost."""
    for funding in Funding.objects.filter(state__in=WAITING_FUNDINGS, state_changed_at__lt=now - STALE):
        due("payments.read_funding", funding=funding.pk)
    for payee in Payee.objects.filter(state__in=WAITING_PAYEES, state_changed_at__lt=now - STALE):
        due("payments.read_payee", payee=payee.pk)


WAITING_FUNDINGS = [FundingState.PROCESSING, FundingState.AWAITING_TRANSFER, FundingState.SUCCEEDED]
WAITING_PAYEES = [PayeeState.ONBOARDING, PayeeState.PENDING]


def catch_up(*, now: datetime) -> int:
    """Store the events since the last one seen and an hour more, ours and experts'; return how many Stripe listed."""
    mode = Mode.LIVE if gateway.is_live() else Mode.TEST
    last = StripeEvent.objects.filter(mode=mode, account="").order_by("-created_at").first()
    since = last.created_at - OVERLAP if last else now - FIRST_LOOK_BACK
    missed = gateway.list_events(since=since, kinds=PLATFORM_KINDS)
    for event in missed:
        store_event(event, endpoint="poll", now=now)
    count = len(missed) + sum(_catch_up_with(payee, now=now) for payee in accounts_to_read(now))
    make_stale_objects_due(now=now)
    return count


def accounts_to_read(now: datetime) -> list[Payee]:
    """Return whose events are fetched next: those with money on its way to a bank, then who waited longest.

    An account's events are in its own list alone, so that each costs a call: an hour reads so many and no more.
    """
    on_its_way = PayoutItem.objects.filter(payee=OuterRef("pk"), state=ItemState.PAID, bank_state__in=OPEN_LEGS)
    payees = Payee.objects.exclude(stripe_id="").exclude(state=PayeeState.CLOSED)
    unread = payees.filter(Q(events_read_at__isnull=True) | Q(events_read_at__lt=now - ACCOUNT_REST))
    ordered = unread.annotate(waits=Exists(on_its_way)).order_by("-waits", F("events_read_at").asc(nulls_first=True))
    return list(ordered[:ACCOUNTS_AN_HOUR])


def _catch_up_with(payee: Payee, *, now: datetime) -> int:
    since = payee.events_read_at - OVERLAP if payee.events_read_at else now - FIRST_LOOK_BACK
    try:
        missed = gateway.list_events(since=since, kinds=SNAPSHOT_KINDS, account=payee.stripe_id)
    except (AuthenticationFailed, RefusedByStripe):
        missed = []  # The account left us: its readiness says so when it is read.
    for event in missed:
        store_event(event, endpoint="poll", now=now)
    _note_events_read(payee, now=now)
    return len(missed)


@action
def _note_events_read(payee: Payee, *, now: datetime) -> None:
    Payee.objects.filter(pk=payee.pk).update(events_read_at=now)


# Fundings


def on_payment_intent(event: StripeEvent) -> None:
    """A lab's payment moved; also one whose charge was made but whose answer was lost."""
    intent = gateway.retrieve_payment_intent(event.object_id)
    funding = Funding.objects.filter(stripe_id=intent.stripe_id).first() or _named(Funding, intent.funding)
    if funding is not None:
        actions.confirm_funding(funding.pk, intent, now=app_now())


def on_invoice(event: StripeEvent) -> None:
    """An invoice of ours was paid or made void; also one whose making was never answered."""
    invoice = retrieve_invoice(event.object_id)
    funding = Funding.objects.filter(invoice_id=invoice.stripe_id).first() or _named(Funding, invoice.funding)
    if funding is not None and funding.invoice_id in ("", invoice.stripe_id):
        actions.take_invoice(funding.pk, invoice)


def on_balance_available(event: StripeEvent) -> None:
    """Money settled: ask about each payment that was waiting for it."""
    for funding in Funding.objects.filter(state=FundingState.SUCCEEDED).exclude(stripe_id=""):
        actions.read_funding(funding.pk)


# Payees


def on_account(event: StripeEvent) -> None:
    """A connected account changed: its id is the object's, or the event's own."""
    payee = Payee.objects.filter(stripe_id__in=[event.object_id, event.account]).exclude(stripe_id="").first()
    if payee is not None:
        actions.read_payee(payee.pk)


def on_bank_account(event: StripeEvent) -> None:
    """The bank account behind a connected account came, changed or went; the event's account says whose it is."""
    payee = Payee.objects.filter(stripe_id=event.account).exclude(stripe_id="").first()
    if payee is not None:
        actions.note_bank_change(payee.pk, changed_at=event.created_at, now=app_now())
        actions.read_payee(payee.pk)


# Transfers


def on_transfer(event: StripeEvent) -> None:
    """A transfer was made or reversed: take up an item that waits for it, or book what came back."""
    transfer = gateway.retrieve_transfer(event.object_id)
    item = _named(PayoutItem, transfer.item)
    if item is None:
        return
    if item.state in IN_FLIGHT_STATES:
        sending.carry_item(item.pk)
    elif transfer.reversed_minor > item.reversed_minor and item.stripe_id == transfer.stripe_id:
        book_reversals(item, gateway.list_reversals(transfer.stripe_id), now=app_now())


def _named(model: type[R], public_id: str) -> R | None:
    """Return the row that a text in Stripe's metadata names, if it names one of ours."""
    try:
        return model._default_manager.filter(pk=model.parse_id(public_id)).first()
    except BadId:
        return None


@action
def book_reversals(item: PayoutItem, reversals: Sequence[Reversal], *, now: datetime) -> None:
    """Book each part of a transfer that came back, once: it is owed to the expert again.

    ``reversals`` are all of the transfer's, oldest first.
    """
    item = PayoutItem.objects.select_for_update(of=("self",)).select_related("expert").get(pk=item.pk)
    booked, total = item.reversed_minor, 0
    for reversal in reversals:
        total += reversal.minor
        if total > booked:
            _book_reversal(item, reversal, now)
    if total <= booked:
        return
    to = ItemState.REVERSED if total == item.amount_minor else ItemState.PART_REVERSED
    was = move(item, to, moves=ITEM_MOVES, now=now, reversed_minor=total)
    audit(None, "payout_item.reversed", item, at=now, was=was, minor=total - booked)


def _book_reversal(item: PayoutItem, reversal: Reversal, now: datetime) -> None:
    postings = [
        (ledger.stripe_available(item.currency), reversal.minor),
        (ledger.expert_available(item.expert, item.currency), -reversal.minor),
    ]
    memo = {"item": item.public_id, "transfer": item.stripe_id, "reversal": reversal.stripe_id}
    ledger.post("transfer_reversed", postings, key=f"{reversal.stripe_id}-reversed", at=now, memo=memo)


def on_bank_payout(event: StripeEvent) -> None:
    """The leg from an expert's Stripe balance to their bank moved; it informs, it moves no money of ours."""
    payout = gateway.bank_payout(event.object_id, account=event.account)
    if payout.status in BANK_STATES:
        note_bank_leg(event.account, payout.transfers, BANK_STATES[payout.status], now=app_now())


@action
def note_bank_leg(account: str, transfers: Collection[str], to: BankState, *, now: datetime) -> None:
    """Show on the items that a bank payout pays how far it is, never backwards; tell the expert if the bank refused."""
    earlier = [state for state, after in BANK_MOVES.items() if to in after]
    items = PayoutItem.objects.select_for_update(of=("self",)).filter(
        payee__stripe_id=account, stripe_id__in=transfers, bank_state__in=earlier
    )
    for item in items.select_related("expert__user"):
        PayoutItem.objects.filter(pk=item.pk).update(bank_state=to)
        audit(None, "payout_item.bank_leg", item, at=now, was=item.bank_state, to=to)
        if to == BankState.BANK_FAILED:
            notify(item.expert.user, BANK_REFUSED, reverse("payments:payee"), now)


BANK_REFUSED = "Your bank refused a payout. The money is in your Stripe balance: check your bank account there."


Handler = Callable[[StripeEvent], None]
PLATFORM_HANDLERS: dict[str, Handler] = {
    "payment_intent.succeeded": on_payment_intent,
    "payment_intent.processing": on_payment_intent,
    "payment_intent.payment_failed": on_payment_intent,
    "payment_intent.canceled": on_payment_intent,
    "invoice.paid": on_invoice,
    "invoice.voided": on_invoice,
    "balance.available": on_balance_available,
    "transfer.created": on_transfer,
    "transfer.reversed": on_transfer,
}
ACCOUNT_HANDLERS: dict[str, Handler] = {
    "account.updated": on_account,
    "account.external_account.created": on_bank_account,
    "account.external_account.updated": on_bank_account,
    "account.external_account.deleted": on_bank_account,
    "account.application.deauthorized": on_account,
    "capability.updated": on_account,
    "payout.created": on_bank_payout,
    "payout.updated": on_bank_payout,
    "payout.paid": on_bank_payout,
    "payout.failed": on_bank_payout,
    "payout.canceled": on_bank_payout,
    "v2.core.account[requirements].updated": on_account,
    "v2.core.account[configuration.recipient].capability_status_updated": on_account,
    "v2.core.account.closed": on_account,
    "v2.core.account_link.returned": on_account,
}
HANDLERS = PLATFORM_HANDLERS | ACCOUNT_HANDLERS
PLATFORM_KINDS = sorted(PLATFORM_HANDLERS)
SNAPSHOT_KINDS = sorted(kind for kind in ACCOUNT_HANDLERS if not kind.startswith("v2."))
