"""Take a lab's payment on a page that Stripe hosts: write the intent, open the invoice, credit what is confirmed."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID, uuid4

from accounts.audit import audit
from accounts.models import User
from accounts.outbox import due
from kernel.db import action, app_now
from kernel.errors import FieldError, Invalid
from kernel.guards import clean_name
from kernel.money import Money
from kernel.states import move
from labs.models import ApiKey, Lab
from payments.actions.funding import check_amount, confirm_funding, customer_of, lock_funding, read_funding
from payments.gateways import invoices as gateway
from payments.gateways.stripe import retrieve_payment_intent
from payments.models import Funding, FundingWay
from payments.states import FUNDING_MOVES, FundingState

HOSTED = (FundingWay.CARD_PAGE, FundingWay.INVOICE)
MOST_PO = 100
PATIENCE = timedelta(minutes=1)  # Whoever asked opens the invoice at once; the job does it if that broke.


@action
def start_hosted_funding(
    lab: Lab, amount: Money, *, way: str, by: User | ApiKey, now: datetime, po_number: str = "", press: str = ""
) -> Funding:
    """Write that a lab means to pay on a hosted page; the same ``press`` of a button is one funding."""
    if amount.currency != "USD":
        raise Invalid([FieldError("amount", "currency", "Pay in US dollars: other currencies have no page yet.")])
    check_amount(lab, amount)
    if way not in HOSTED:
        raise Invalid([FieldError("method", "unknown", "Choose card or invoice.")])
    key = f"funding-{lab.public_id}-{press or uuid4().hex}"
    known = Funding.objects.filter(stripe_key=key).first()
    if known is not None:
        return known
    funding = Funding.objects.create(
        lab=lab,
        currency=amount.currency,
        amount_minor=amount.minor,
        way=way,
        po_number=clean_name(po_number, name="po_number", max_length=MOST_PO) if po_number else "",
        stripe_key=key,
        created_by=by if isinstance(by, User) else None,
        created_at=now,
        state=FundingState.CREATED,
        state_changed_at=now,
    )
    audit(by, "funding.started", funding, at=now, lab=lab.public_id, amount_minor=amount.minor, way=way)
    due("payments.open_invoice", run_after=now + PATIENCE, funding=funding.pk)
    return funding


def open_invoice(funding_id: UUID) -> Funding:
    """Open a funding's invoice once, whatever is repeated or done twice at once, and keep its page.

    Each step is asked under its own stored key, and after a look at what an earlier try left.
    """
    funding = Funding.objects.select_related("lab").get(pk=funding_id)
    if funding.state != FundingState.CREATED:
        return funding
    customer = customer_of(funding.lab)
    invoice = _begin(funding, customer)
    if invoice.is_draft:
        invoice = _finish(funding, invoice, customer)
    if funding.way == FundingWay.INVOICE:
        gateway.send_invoice(invoice, key=f"{funding.public_id}-inv-send")
    return note_opened(funding_id, invoice, now=app_now())


def look_up_funding(funding_id: UUID) -> Funding:
    """Ask Stripe how a funding stands, whichever way it is paid, and move it forward."""
    funding = Funding.objects.get(pk=funding_id)
    if funding.way not in HOSTED or funding.stripe_id:
        return read_funding(funding_id)
    if not funding.hosted_url:
        return open_invoice(funding_id)
    return take_invoice(funding_id, gateway.retrieve_invoice(funding.invoice_id))


def take_invoice(funding_id: UUID, invoice: gateway.Invoice) -> Funding:
    """Move a funding to where its invoice stands: only confirmed money is credited, and never backwards."""
    if invoice.status == "void":
        return cancel_funding(funding_id, now=app_now())
    if invoice.status == "paid" and invoice.payment:
        return confirm_funding(funding_id, retrieve_payment_intent(invoice.payment), now=app_now())
    return Funding.objects.get(pk=funding_id)


@action
def note_begun(funding_id: UUID, stripe_id: str) -> None:
    """Keep the id of a funding's invoice, so that no second one is ever begun."""
    funding = lock_funding(funding_id)
    funding.invoice_id = funding.invoice_id or stripe_id
    funding.save(update_fields=["invoice_id"])


@action
def note_opened(funding_id: UUID, invoice: gateway.Invoice, *, now: datetime) -> Funding:
    """Write that an invoice waits to be paid, and where."""
    funding = lock_funding(funding_id)
    if funding.state == FundingState.CREATED:
        fields = {"hosted_url": invoice.url, "invoice_number": invoice.number}
        was = move(funding, FundingState.AWAITING_TRANSFER, moves=FUNDING_MOVES, now=now, **fields)
        audit(None, "funding.invoiced", funding, at=now, was=was, invoice=invoice.stripe_id)
        if funding.way == FundingWay.INVOICE:
            due("payments.issue_invoice", key=funding.public_id, funding=funding.pk)
    return funding


@action
def cancel_funding(funding_id: UUID, *, now: datetime) -> Funding:
    """Write that an invoice was made void before it was paid."""
    funding = lock_funding(funding_id)
    if funding.state in (FundingState.CREATED, FundingState.AWAITING_TRANSFER):
        was = move(funding, FundingState.CANCELLED, moves=FUNDING_MOVES, now=now)
        audit(None, "funding.cancelled", funding, at=now, was=was)
    return funding


def _begin(funding: Funding, customer: str) -> gateway.Invoice:
    if funding.invoice_id:
        return gateway.retrieve_invoice(funding.invoice_id)
    invoice = gateway.create_invoice(
        customer=customer,
        currency=funding.currency,
        funding=funding.public_id,
        with_transfer=funding.way == FundingWay.INVOICE,
        po=funding.po_number,
        key=f"{funding.public_id}-inv",
    )
    note_begun(funding.pk, invoice.stripe_id)
    return invoice


def _finish(funding: Funding, invoice: gateway.Invoice, customer: str) -> gateway.Invoice:
    if not invoice.amount:
        gateway.add_line(
            invoice,
            customer=customer,
            amount=Money(funding.amount_minor, funding.currency),
            description=f"Prepaid balance, {funding.public_id}",
            key=f"{funding.public_id}-inv-line",
        )
    return gateway.finalize_invoice(invoice, key=f"{funding.public_id}-inv-final")
