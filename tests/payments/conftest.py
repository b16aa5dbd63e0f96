"""What every test of payments may ask for."""

from tests.payments.ledger_check import ledger_holds_at_the_end
from tests.stripe_fixture import stripe_at_hand, stripe_server

__all__ = ["ledger_holds_at_the_end", "stripe_at_hand", "stripe_server"]
