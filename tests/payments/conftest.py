"""What every test of payments may ask for."""

from tests.stripe_fixture import stripe_at_hand, stripe_server

__all__ = ["stripe_at_hand", "stripe_server"]
