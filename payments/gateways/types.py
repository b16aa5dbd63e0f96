"""What we know of Stripe's objects: small, frozen, ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kernel.money import Money


@dataclass(frozen=True)
class PaymentIntent:
    """A lab's payment: how far it is and, once charged, what the charge brought."""

    stripe_id: str
    status: str
    amount: Money
    funding: str
    charge_id: str = ""
    balance_transaction_id: str = ""
    fee_minor: int = 0
    is_settled: bool = False

    @property
    def has_succeeded(self) -> bool:
        """Say whether the money is confirmed."""
        return self.status == "succeeded"


@dataclass(frozen=True)
class Recipient:
    """A connected account: may it be paid, and what does Stripe still want of it."""

    stripe_id: str
    status: str
    is_closed: bool = False
    needs: tuple[str, ...] = ()
    number_kinds: tuple[str, ...] = ()  # Which tax numbers Stripe holds: their kinds, which is all that it says.
    was_submitted: bool = False  # Nothing is awaited from the owner; what is awaited, is from Stripe.

    @property
    def is_ready(self) -> bool:
        """Say whether a transfer to this account can succeed."""
        return self.status == "active" and not self.is_closed


@dataclass(frozen=True)
class TransferOrder:
    """A transfer to make, with the key under which it is made at most once."""

    amount: Money
    destination: str
    group: str
    item: str
    attempt: int
    description: str
    key: str


@dataclass(frozen=True)
class Transfer:
    """A transfer that Stripe has made."""

    stripe_id: str
    amount: Money
    reversed_minor: int
    destination: str
    group: str
    item: str
    created_at: datetime


@dataclass(frozen=True)
class Reversal:
    """A transfer, or a part of it, that Stripe took back."""

    stripe_id: str
    minor: int


@dataclass(frozen=True)
class BankPayout:
    """Money on its way from an expert's Stripe balance to their bank, and the transfers that it is made of."""

    status: str
    transfers: tuple[str, ...]


@dataclass(frozen=True)
class Balance:
    """What Stripe holds for us, in minor units by currency."""

    available: dict[str, int]
    pending: dict[str, int]

    def total(self, currency: str) -> Money:
        """Return available and pending money together."""
        return Money(self.available.get(currency, 0) + self.pending.get(currency, 0), currency)


@dataclass(frozen=True)
class BalanceTransaction:
    """One movement of our Stripe balance."""

    stripe_id: str
    kind: str
    source: str
    currency: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    is_settled: bool
    created_at: datetime
    refs: tuple[str, ...] = ()  # Every Stripe object that it is about: the source's id, and what the source names.


@dataclass(frozen=True)
class GatewayEvent:
    """Something that Stripe says has happened: a hint to look at ``object_id``."""

    stripe_id: str
    kind: str
    object_id: str
    account: str
    is_live: bool
    created_at: datetime
    payload: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
