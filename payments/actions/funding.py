"""Take a lab's payment in three safe steps: write the intent, ask Stripe, write the answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from accounts.audit import audit
from accounts.models import User
from accounts.outbox import due
from kernel.db import action, app_now, require_transaction
from kernel.errors import FieldError, Invalid, Refused
from kernel.money import Money, format_money
from kernel.states import move
from labs.events import record_event
from labs.models import Lab, LabState, Mode
from payments import ledger
from payments.gateways import stripe as gateway
from payments.gateways.errors import GatewayError, RefusedByStripe
from payments.gateways.types import PaymentIntent
from payments.models import PLAY_MONEY, Customer, Funding, FundingWay
from payments.states import FUNDING_MOVES, FundingState

LEAST_MINOR, MOST_MINOR = 10_00, 1_000_000_00
WAITING = frozenset({FundingState.CREATED, FundingState.PROCESSING, FundingState.AWAITING_TRANSFER})
CONFIRMED = frozenset({FundingState.SUCCEEDED, FundingState.SETTLED})


@dataclass(frozen=True)
class Charge:
    """What to ask of Stripe for one funding."""

    funding: UUID
    public_id: str
    lab: Lab
    customer: str
    amount: Money
    payment_method: str
    key: str
    must_look: bool  # An earlier try had no clear answer: it may have charged.


@action
def start_funding(
    lab: Lab, amount: Money, *, by: User, now: datetime, payment_method: str = "pm_card_visa", press: str = ""
) -> Funding:
    """Write that a lab means to pay, and make the charge due; the same ``press`` of a button is one funding."""
    check_amount(lab, amount)
    key = f"funding-{lab.public_id}-{press or uuid4().hex}"
    known = Funding.objects.filter(stripe_key=key).first()
    if known is not None:
        return known
    funding = Funding.objects.create(
        lab=lab,
        currency=amount.currency,
        amount_minor=amount.minor,
        payment_method=payment_method,
        stripe_key=key,
        created_by=by,
        created_at=now,
        state=FundingState.CREATED,
        state_changed_at=now,
    )
    audit(by, "funding.started", funding, at=now, lab=lab.public_id, amount_minor=amount.minor)
    due("payments.charge_funding", funding=funding.pk)
    return funding


def carry_funding(funding_id: UUID) -> Funding:
    """Charge a funding once, whatever is repeated; an unclear answer is raised, to be asked again by the same key."""
    charge = _charge_of(funding_id)
    if charge is None:
        return Funding.objects.get(pk=funding_id)
    customer = charge.customer or customer_of(charge.lab)
    if charge.must_look and (made := _find(charge, customer)):
        return confirm_funding(funding_id, made, now=app_now())
    try:
        intent = gateway.create_payment_intent(
            amount=charge.amount,
            customer=customer,
            payment_method=charge.payment_method,
            funding=charge.public_id,
            key=charge.key,
        )
    except RefusedByStripe as refusal:
        return fail_funding(funding_id, code=refusal.code, detail=refusal.detail, now=app_now())
    except GatewayError:
        note_processing(funding_id, now=app_now())
        raise
    return confirm_funding(funding_id, intent, now=app_now())


def read_funding(funding_id: UUID) -> Funding:
    """Ask Stripe how a funding stands, and move it forward."""
    funding = Funding.objects.get(pk=funding_id)
    if not funding.stripe_id:
        return carry_funding(funding_id)
    return confirm_funding(funding_id, gateway.retrieve_payment_intent(funding.stripe_id), now=app_now())


@action
def confirm_funding(funding_id: UUID, intent: PaymentIntent, *, now: datetime) -> Funding:
    """Credit the lab once the money is confirmed, and count it as available once it is settled; never backwards."""
    funding = lock_funding(funding_id)
    if intent.amount != Money(funding.amount_minor, funding.currency) or funding.stripe_id not in (
        "",
        intent.stripe_id,
    ):
        raise Refused(f"Stripe's payment {intent.stripe_id} is not what {funding.public_id} asked for.")
    if not funding.stripe_id:
        funding.stripe_id = intent.stripe_id
        funding.save(update_fields=["stripe_id"])
    if intent.has_succeeded:
        _credit(funding, now)
        _book_fee(funding, intent.fee_minor, now)
        if intent.is_settled:
            _settle(funding, now)
    elif intent.status == "processing":
        _processing(funding, now)
    elif intent.status in ("canceled", "requires_payment_method"):
        _fail(funding, code=intent.status, detail="The payment did not go through.", now=now)
    return funding


@action
def fail_funding(funding_id: UUID, *, code: str, detail: str, now: datetime) -> Funding:
    """Write that a payment was refused for good; nothing was credited."""
    funding = lock_funding(funding_id)
    _fail(funding, code=code, detail=detail, now=now)
    return funding


@action
def note_processing(funding_id: UUID, *, now: datetime) -> None:
    """Write that a charge may be under way."""
    _processing(lock_funding(funding_id), now)


@action
def post_float(minor: int, *, topup_id: str, by: User | None, now: datetime, currency: str = "USD") -> None:
    """Book the platform's operating float, brought to Stripe by a top-up: it bears card fees."""
    bank = [(ledger.bank_operating(currency), minor), (ledger.opening_equity(currency), -minor)]
    ledger.post("float", bank, key=f"float-{topup_id}-equity", at=now)
    moved = [(ledger.stripe_available(currency), minor), (ledger.bank_operating(currency), -minor)]
    ledger.post("float", moved, key=f"float-{topup_id}", at=now, memo={"topup": topup_id})


def check_amount(lab: Lab, amount: Money) -> None:
    """Refuse a payment of a lab that is not approved, of play money, or of too little or too much."""
    if lab.state != LabState.ACTIVE:
        raise Refused("The lab is not approved yet, so it cannot pay in. An operator looks at each new lab.")
    if amount.currency == PLAY_MONEY:
        raise Invalid([FieldError("amount", "currency", "Play money is not paid in.")])
    if not LEAST_MINOR <= amount.minor <= MOST_MINOR:
        least, most = (format_money(Money(each, amount.currency)) for each in (LEAST_MINOR, MOST_MINOR))
        raise Invalid([FieldError("amount", "range", f"Pay in between {least} and {most} at a time.")])


def _find(charge: Charge, customer: str) -> PaymentIntent | None:
    """Return the payment that an earlier try made, if it did; a declined one is no payment."""
    made = [each for each in gateway.find_payment_intents(customer) if each.funding == charge.public_id]
    return next((each for each in made if each.status in ("succeeded", "processing")), None)


@action
def _charge_of(funding_id: UUID) -> Charge | None:
    funding = lock_funding(funding_id)
    if funding.way != FundingWay.CARD or funding.state not in (FundingState.CREATED, FundingState.PROCESSING):
        return None
    customer = Customer.objects.filter(lab=funding.lab_id).first()
    return Charge(
        funding=funding.pk,
        public_id=funding.public_id,
        lab=funding.lab,
        customer=customer.stripe_id if customer else "",
        amount=Money(funding.amount_minor, funding.currency),
        payment_method=funding.payment_method,
        key=funding.stripe_key,
        must_look=funding.state == FundingState.PROCESSING,
    )


def customer_of(lab: Lab) -> str:
    """Return the id under which Stripe knows a lab, opened if it is not known yet."""
    known = Customer.objects.filter(lab=lab).first()
    if known is not None:
        return known.stripe_id
    stripe_id = gateway.create_customer(
        name=lab.name, email=lab.contact_email, lab=lab.public_id, key=f"cus-{lab.public_id}"
    )
    return _note_customer(lab, stripe_id, now=app_now())


@action
def _note_customer(lab: Lab, stripe_id: str, *, now: datetime) -> str:
    customer, _ = Customer.objects.get_or_create(lab=lab, defaults={"stripe_id": stripe_id, "created_at": now})
    return customer.stripe_id


def lock_funding(funding_id: UUID) -> Funding:
    """Return a funding's row, which nobody else changes until the end of the transaction."""
    require_transaction()
    return Funding.objects.select_for_update(of=("self",)).select_related("lab").get(pk=funding_id)


def _credit(funding: Funding, now: datetime) -> None:
    if funding.state not in WAITING:
        return
    was = move(funding, FundingState.SUCCEEDED, moves=FUNDING_MOVES, now=now, succeeded_at=now)
    legs = [
        (ledger.stripe_pending(funding.currency), funding.amount_minor),
        (ledger.lab_prepaid(funding.lab, funding.currency), -funding.amount_minor),
    ]
    memo = {"funding": funding.public_id, "payment": funding.stripe_id}
    ledger.post("funding", legs, key=f"pi-{funding.stripe_id}-succeeded", at=now, memo=memo)
    audit(None, "funding.succeeded", funding, at=now, was=was, amount_minor=funding.amount_minor)
    record_event(
        funding.lab_id,
        Mode.LIVE,
        "funds.received",
        at=now,
        funding=funding.public_id,
        amount_minor=funding.amount_minor,
    )
    due("tasks.funds_received", key=funding.public_id, lab=funding.lab_id)
    due("payments.issue_receipt", key=funding.public_id, funding=funding.pk)


def _book_fee(funding: Funding, fee: int, now: datetime) -> None:
    if not fee or funding.fee_minor:
        return
    legs = [(ledger.stripe_fees(funding.currency), fee), (ledger.stripe_pending(funding.currency), -fee)]
    memo = {"funding": funding.public_id}
    ledger.post("funding_fee", legs, key=f"pi-{funding.stripe_id}-fee", at=now, memo=memo)
    funding.fee_minor = fee
    funding.save(update_fields=["fee_minor"])


def _settle(funding: Funding, now: datetime) -> None:
    if funding.state != FundingState.SUCCEEDED:
        return
    was = move(funding, FundingState.SETTLED, moves=FUNDING_MOVES, now=now, settled_at=now)
    net = funding.amount_minor - funding.fee_minor
    legs = [(ledger.stripe_available(funding.currency), net), (ledger.stripe_pending(funding.currency), -net)]
    memo = {"funding": funding.public_id}
    ledger.post("funding_settled", legs, key=f"pi-{funding.stripe_id}-settled", at=now, memo=memo)
    audit(None, "funding.settled", funding, at=now, was=was)


def _processing(funding: Funding, now: datetime) -> None:
    if funding.state == FundingState.CREATED:
        was = move(funding, FundingState.PROCESSING, moves=FUNDING_MOVES, now=now)
        audit(None, "funding.processing", funding, at=now, was=was)


def _fail(funding: Funding, *, code: str, detail: str, now: datetime) -> None:
    if funding.state not in (FundingState.CREATED, FundingState.PROCESSING):
        return
    fields = {"failure_code": code[:100], "failure_detail": detail[:500]}
    was = move(funding, FundingState.FAILED, moves=FUNDING_MOVES, now=now, **fields)
    audit(None, "funding.failed", funding, at=now, was=was, code=code)
