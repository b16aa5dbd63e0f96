"""What both the sandbox and Stripe's own test mode must do: keeps the sandbox honest."""

import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from kernel.money import usd
from payments.gateways import stripe as gateway
from payments.gateways.errors import Ambiguous, RefusedByStripe
from payments.gateways.types import PaymentIntent, Recipient, TransferOrder
from tests.stripe_fixture import StripeAtHand

KEY = os.environ.get("STRIPE_TEST_KEY", "")


@pytest.fixture(params=["sandbox", "stripe"] if KEY else ["sandbox"])
def side(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> str:
    """Point the gateway at the sandbox, or at Stripe's test mode when a key for it is given."""
    if request.param == "sandbox":
        at_hand: StripeAtHand = request.getfixturevalue("stripe_at_hand")
        return at_hand.url
    settings.STRIPE_API_KEY, settings.STRIPE_API_BASE = KEY, settings.STRIPE_OWN_BASE
    settings.STRIPE_READ_TIMEOUT_SECONDS = 30
    return str(settings.STRIPE_API_BASE)


@pytest.fixture
def nonce() -> str:
    return uuid.uuid4().hex[:12]


def pay(nonce: str, method: str, minor: int = 50_000) -> PaymentIntent:
    customer = gateway.create_customer(name="Lab", email="lab@example.org", lab=nonce, key=f"cus-{nonce}")
    return gateway.create_payment_intent(
        amount=usd(minor), customer=customer, payment_method=method, funding=nonce, key=f"funding-{nonce}-a1"
    )


def open_account(nonce: str) -> Recipient:
    return gateway.create_recipient(
        name="Cyd", email="cyd@example.org", country="US", expert=nonce, key=f"acct-{nonce}"
    )


def order(nonce: str, destination: str, minor: int = 100) -> TransferOrder:
    return TransferOrder(usd(minor), destination, f"run-{nonce}", nonce, 1, "Contract", f"payout-item-{nonce}-a1")


def test_a_card_payment_succeeds_and_knows_its_fee(side: str, nonce: str) -> None:
    paid = pay(nonce, "pm_card_visa")

    assert (paid.has_succeeded, paid.amount, paid.is_settled) == (True, usd(50_000), False)
    assert paid.fee_minor > 0


def test_the_same_key_pays_once(side: str, nonce: str) -> None:
    assert pay(nonce, "pm_card_visa").stripe_id == pay(nonce, "pm_card_visa").stripe_id


def test_the_same_key_with_another_amount_is_an_error(side: str, nonce: str) -> None:
    pay(nonce, "pm_card_visa")

    with pytest.raises(Ambiguous):
        pay(nonce, "pm_card_visa", 50_001)


def test_a_declined_card_is_declined(side: str, nonce: str) -> None:
    with pytest.raises(RefusedByStripe) as refused:
        pay(nonce, "pm_card_chargeDeclined")

    assert refused.value.code == "card_declined"


def test_a_bypassing_card_is_available_at_once(side: str, nonce: str) -> None:
    assert pay(nonce, "pm_card_bypassPending").is_settled


def test_a_new_recipient_is_not_ready_and_has_a_link(side: str, nonce: str) -> None:
    account = open_account(nonce)

    url = gateway.onboarding_url(
        account.stripe_id, refresh_url="https://example.org/again", return_url="https://example.org/back"
    )

    assert not account.is_ready
    assert not gateway.recipient_readiness(account.stripe_id).is_ready
    assert url.startswith("http")


def test_a_transfer_to_a_recipient_who_is_not_ready_is_refused(side: str, nonce: str) -> None:
    pay(nonce, "pm_card_bypassPending")

    with pytest.raises(RefusedByStripe):
        gateway.create_transfer(order(nonce, open_account(nonce).stripe_id))

    assert gateway.find_transfers(f"run-{nonce}") == []


def test_a_transfer_to_nobody_names_the_destination(side: str, nonce: str) -> None:
    with pytest.raises(RefusedByStripe) as refused:
        gateway.create_transfer(order(nonce, "acct_1nobody0000000"))

    assert refused.value.code == "resource_missing"


def test_the_balance_has_both_parts(side: str) -> None:
    balance = gateway.retrieve_balance()

    assert {"USD"} <= balance.available.keys()
    assert {"USD"} <= balance.pending.keys()


def test_a_payment_is_among_the_movements_of_the_balance(side: str, nonce: str) -> None:
    paid = pay(nonce, "pm_card_visa")

    moved = gateway.list_balance_transactions(since=datetime.now(UTC) - timedelta(hours=1))

    assert (paid.balance_transaction_id, paid.charge_id) in {(each.stripe_id, each.source) for each in moved}


def test_stripes_own_test_mode_is_asked_too() -> None:
    if not KEY:
        pytest.skip("STRIPE_TEST_KEY is not set, so this file ran against the sandbox only")

    assert KEY.startswith("sk_test_")
