"""Stripe's objects, as plain dicts, read into our own types."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kernel.money import Money
from payments.gateways.types import Balance, BalanceTransaction, PaymentIntent, Recipient, Transfer

Plain = dict[str, Any]


def read_payment_intent(intent: Plain) -> PaymentIntent:
    """Return a payment; what its charge brought is known when ``latest_charge.balance_transaction`` is expanded."""
    charge = _expanded(intent, "latest_charge")
    moved = _expanded(charge, "balance_transaction")
    return PaymentIntent(
        stripe_id=intent["id"],
        status=intent["status"],
        amount=_money(intent),
        funding=_tag(intent, "funding_id"),
        charge_id=charge.get("id", ""),
        balance_transaction_id=moved.get("id", ""),
        fee_minor=moved.get("fee", 0),
        is_settled=moved.get("status") == "available",
    )


def read_recipient(account: Plain) -> Recipient:
    """Return a connected account of v2, in which any part may be null."""
    recipient = _expanded(_expanded(account, "configuration"), "recipient")
    balance = _expanded(_expanded(recipient, "capabilities"), "stripe_balance")
    entries = _expanded(account, "requirements").get("entries") or []
    numbers = _expanded(_expanded(account, "identity"), "individual").get("id_numbers") or []
    return Recipient(
        stripe_id=account["id"],
        status=_expanded(balance, "stripe_transfers").get("status") or "restricted",
        is_closed=bool(account.get("closed")),
        needs=tuple(str(entry.get("description") or "") for entry in entries),
        number_kinds=tuple(str(number["type"]) for number in numbers),
        was_submitted=all(entry.get("awaiting_action_from") != "user" for entry in entries),
    )


def read_transfer(transfer: Plain) -> Transfer:
    """Return a transfer and the payout item that it names."""
    destination = _expanded(transfer, "destination").get("id") or transfer["destination"]
    return Transfer(
        stripe_id=transfer["id"],
        amount=_money(transfer),
        reversed_minor=transfer["amount_reversed"],
        destination=str(destination),
        group=transfer.get("transfer_group") or "",
        item=_tag(transfer, "payout_item"),
        created_at=_at(transfer["created"]),
    )


def read_balance(balance: Plain) -> Balance:
    """Return both parts of the balance by currency."""
    return Balance(
        available={each["currency"].upper(): each["amount"] for each in balance["available"]},
        pending={each["currency"].upper(): each["amount"] for each in balance["pending"]},
    )


def read_balance_transaction(entry: Plain) -> BalanceTransaction:
    """Return one movement of the balance; what it is about is known when ``source`` is expanded."""
    return BalanceTransaction(
        stripe_id=entry["id"],
        kind=entry["type"],
        source=_id_of(entry, "source"),
        currency=entry["currency"].upper(),
        amount_minor=entry["amount"],
        fee_minor=entry["fee"],
        net_minor=entry["net"],
        is_settled=entry["status"] == "available",
        created_at=_at(entry["created"]),
        refs=_refs(entry),
    )


def _refs(entry: Plain) -> tuple[str, ...]:
    source = _expanded(entry, "source")
    named = (_id_of(entry, "source"), *(_id_of(source, name) for name in ABOUT))
    return tuple(ref for ref in named if ref)


ABOUT = ("payment_intent", "charge", "transfer", "source_transfer")


def _id_of(thing: Plain, name: str) -> str:
    """Return the identifier of a part, whether it came as an object or as its name."""
    part = thing.get(name)
    return str(part.get("id") or "") if isinstance(part, dict) else str(part or "")


def _expanded(thing: Plain, name: str) -> Plain:
    """Return a part that is an object; an identifier or null counts as an empty one."""
    part = thing.get(name)
    return part if isinstance(part, dict) else {}


def _money(thing: Plain) -> Money:
    return Money(thing["amount"], thing["currency"].upper())


def _tag(thing: Plain, name: str) -> str:
    return str(_expanded(thing, "metadata").get(name, ""))


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
