"""What every way of paying experts must offer; Stripe Connect is the first."""

from __future__ import annotations

from typing import Protocol

from kernel.money import Money
from payments.gateways.types import Recipient, Transfer, TransferOrder


class PayoutRail(Protocol):
    """Pay people, at most once per key, and tell what was paid."""

    def create_recipient(self, *, name: str, email: str, country: str, expert: str, key: str) -> Recipient:
        """Open an account that can be paid once its owner has been onboarded."""

    def onboarding_url(self, account: str, *, refresh_url: str, return_url: str) -> str:
        """Return a fresh single-use address where the owner gives what is needed."""

    def recipient_readiness(self, account: str) -> Recipient:
        """Return whether the account can be paid now."""

    def create_transfer(self, order: TransferOrder) -> Transfer:
        """Pay once."""

    def find_transfers(self, group: str, *, destination: str = "") -> list[Transfer]:
        """Return every payment of a group, to one account if given."""

    def reverse_transfer(self, stripe_id: str, *, amount: Money, reason: str, key: str) -> str:
        """Take a payment or a part of it back."""
