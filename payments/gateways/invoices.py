"""Stripe's invoices: a page that Stripe hosts, on which a lab pays by card or by bank transfer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kernel.money import Money
from payments.gateways.stripe import _client, _plain, gateway_call  # The one door to the library, kept in one file.

DUE_DAYS = 30
TRANSFER = {"customer_balance": {"funding_type": "bank_transfer", "bank_transfer": {"type": "us_bank_transfer"}}}


@dataclass(frozen=True)
class Invoice:
    """An invoice of ours: how far it is, where it is paid, and what paid it."""

    stripe_id: str
    status: str
    amount: Money  # What its lines add up to.
    funding: str
    url: str = ""
    number: str = ""
    payment: str = ""

    @property
    def is_draft(self) -> bool:
        """Say whether it is still being written."""
        return self.status == "draft"


@gateway_call
def create_invoice(*, customer: str, currency: str, funding: str, with_transfer: bool, po: str, key: str) -> Invoice:
    """Begin an invoice without lines, once per key; ``with_transfer`` takes bank transfers beside cards."""
    methods: list[Any] = ["customer_balance", "us_bank_account", "card"] if with_transfer else ["card"]
    payment: dict[str, Any] = {"payment_method_types": methods}
    if with_transfer:
        payment["payment_method_options"] = TRANSFER
    params: Any = {
        "customer": customer,
        "collection_method": "send_invoice",
        "days_until_due": DUE_DAYS,
        "auto_advance": False,
        "currency": currency.lower(),
        "pending_invoice_items_behavior": "exclude",
        "payment_settings": payment,
        "metadata": {"funding_id": funding},
    }
    if po:
        params["custom_fields"] = [{"name": "PO", "value": po}]
    invoice = _client().v1.invoices.create(params=params, options=_by(key))
    return read_invoice(_plain(invoice))


@gateway_call
def add_line(invoice: Invoice, *, customer: str, amount: Money, description: str, key: str) -> None:
    """Put the one line on a draft, once per key."""
    _client().v1.invoice_items.create(
        params={
            "customer": customer,
            "invoice": invoice.stripe_id,
            "amount": amount.minor,
            "currency": amount.currency.lower(),
            "description": description,
        },
        options={"idempotency_key": key},
    )


@gateway_call
def finalize_invoice(invoice: Invoice, *, key: str) -> Invoice:
    """Open a draft for payment and return it with its page."""
    return read_invoice(_plain(_client().v1.invoices.finalize_invoice(invoice.stripe_id, options=_by(key))))


@gateway_call
def send_invoice(invoice: Invoice, *, key: str) -> None:
    """Let Stripe mail an open invoice to the lab's contact, once per key."""
    _client().v1.invoices.send_invoice(invoice.stripe_id, options=_by(key))


@gateway_call
def retrieve_invoice(stripe_id: str) -> Invoice:
    """Return the present truth about an invoice."""
    return read_invoice(_plain(_client().v1.invoices.retrieve(stripe_id, params={"expand": ["payments"]})))


def read_invoice(invoice: dict[str, Any]) -> Invoice:
    """Return an invoice; the payment is known once it is paid and ``payments`` is expanded."""
    payments = (invoice.get("payments") or {}).get("data") or []
    paid = [each["payment"].get("payment_intent") or "" for each in payments if each.get("status") == "paid"]
    return Invoice(
        stripe_id=invoice["id"],
        status=invoice.get("status") or "draft",
        amount=Money(invoice.get("total") or 0, invoice["currency"].upper()),
        funding=str((invoice.get("metadata") or {}).get("funding_id", "")),
        url=invoice.get("hosted_invoice_url") or "",
        number=invoice.get("number") or "",
        payment=next(iter(paid), ""),
    )


def _by(key: str) -> Any:
    return {"idempotency_key": key}
