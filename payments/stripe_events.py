"""What each stored event means: a hint to read the object again, and to move our row forward only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from accounts.audit import audit
from accounts.outbox import due
from kernel.db import action, app_now
from kernel.ids import BadId, TypedIdModel
from kernel.states import move
from labs.models import Mode
from payments import actions, ledger, sending
from payments.gateways import stripe as gateway
from payments.gateways.invoices import retrieve_invoice
from payments.gateways.types import GatewayEvent, Reversal
from payments.models import Funding, Payee, PayoutItem, StripeEvent
from payments.states import (
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
    """Store the events since the last one seen and an hour more; return how many Stripe listed."""
    mode = Mode.LIVE if gateway.is_live() else Mode.TEST
    last = StripeEvent.objects.filter(mode=mode, account="").order_by("-created_at").first()
    since = last.created_at - OVERLAP if last else now - FIRST_LOOK_BACK
    missed = gateway.list_events(since=since, kinds=PLATFORM_KINDS)
    for event in missed:
        store_event(event, endpoint="poll", now=now)
    make_stale_objects_due(now=now)
    return len(missed)


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
    status = gateway.bank_payout_status(event.object_id, account=event.account)
    if status in BANK_STATES:
        note_bank_leg(event.account, BANK_STATES[status])


@action
def note_bank_leg(account: str, bank_state: BankState) -> None:
    """Show on an expert's paid items how far the money is on its way to the bank."""
    open_items = PayoutItem.objects.filter(payee__stripe_id=account, state=ItemState.PAID)
    open_items.exclude(bank_state=BankState.BANK_PAID).update(bank_state=bank_state)


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
