"""Setting up the house does it once, however often it is asked."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import call_command

from accounts.models import User
from kernel.money import usd
from payments.ledger import stripe_available
from payments.models import Entry, RateCard
from payments.queries import balance
from tests.stripe_fixture import StripeAtHand, stripe_at_hand, stripe_server

__all__ = ["stripe_at_hand", "stripe_server"]

pytestmark = pytest.mark.django_db(transaction=True)


def install(**options: object) -> str:
    """Run the command and return what it said."""
    said = StringIO()
    call_command("install", owner="Owner@Guildhall.example", stdout=said, **options)
    return said.getvalue()


def test_it_makes_an_owner_a_card_and_a_float(stripe_at_hand: StripeAtHand) -> None:
    said = install(float_minor=1_000_00)

    assert [(user.email, user.operator_roles) for user in User.objects.filter(is_simulated=False)] == [
        ("owner@guildhall.example", ["owner"])
    ]
    assert RateCard.objects.count() == 1
    assert balance(stripe_available("USD")) == usd(1_000_00)
    assert stripe_at_hand.available() == 1_000_00
    assert "sets a password at http://localhost/accounts/password/reset/" in said


def test_asked_again_it_changes_nothing(stripe_at_hand: StripeAtHand) -> None:
    install()
    before = (User.objects.count(), RateCard.objects.count(), Entry.objects.count(), stripe_at_hand.available())

    install()

    assert (User.objects.count(), RateCard.objects.count(), Entry.objects.count(), stripe_at_hand.available()) == before
