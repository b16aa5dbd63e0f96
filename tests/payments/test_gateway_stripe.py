"""The gateway: our types in and out, and Stripe's errors by what the caller may do next."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import stripe
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from kernel.money import Money, usd
from payments.gateways import stripe as gateway
from payments.gateways.errors import (
    Ambiguous,
    AuthenticationFailed,
    GatewayError,
    NotExecuted,
    Reason,
    RefusedByStripe,
)
from payments.gateways.rail import PayoutRail
from payments.gateways.types import TransferOrder
from tests.stripe_fixture import StripeAtHand, judge_requests

RAIL: PayoutRail = gateway
SINCE = datetime(2020, 1, 1, tzinfo=UTC)


def transfer_order(destination: str, *, minor: int = 400, item: str = "itm_1", attempt: int = 1) -> TransferOrder:
    return TransferOrder(
        amount=usd(minor),
        destination=destination,
        group="run_1",
        item=item,
        attempt=attempt,
        description="Week of 2026-11-16",
        key=f"payout-item-{item}-a{attempt}",
    )


def test_a_payment_brings_its_fee_and_settles_later(stripe_at_hand: StripeAtHand) -> None:
    customer = gateway.create_customer(name="Lab", email="lab@example.org", lab="lab_1", key="cus-lab_1")

    paid = gateway.create_payment_intent(
        amount=usd(100_000), customer=customer, payment_method="pm_card_visa", funding="fnd_1", key="funding-fnd_1-a1"
    )
    stripe_at_hand.order("settle")
    later = gateway.retrieve_payment_intent(paid.stripe_id)

    assert (paid.has_succeeded, paid.amount, paid.funding, paid.fee_minor) == (True, usd(100_000), "fnd_1", 2_930)
    assert (paid.is_settled, later.is_settled) == (False, True)


def test_a_declined_card_is_refused_for_good(stripe_at_hand: StripeAtHand) -> None:
    customer = gateway.create_customer(name="Lab", email="lab@example.org", lab="lab_1", key="cus-lab_1")

    with pytest.raises(RefusedByStripe) as refused:
        gateway.create_payment_intent(
            amount=usd(500), customer=customer, payment_method="pm_card_chargeDeclined", funding="f", key="funding-f-a1"
        )

    assert refused.value.reason == Reason.DECLINED


def test_a_recipient_becomes_ready_by_onboarding(stripe_at_hand: StripeAtHand) -> None:
    opened = RAIL.create_recipient(name="Cyd", email="cyd@example.org", country="US", expert="exp_1", key="acct-exp_1")
    url = RAIL.onboarding_url(opened.stripe_id, refresh_url="http://site/again", return_url="http://site/back")
    stripe_at_hand.order(f"account/{opened.stripe_id}", transfers="active", payouts=True, due=[], details=True)

    ready = gateway.recipient_readiness(opened.stripe_id)

    assert (opened.is_ready, opened.needs) == (False, ("individual.id_number", "external_account"))
    assert (ready.is_ready, ready.needs) == (True, ())
    assert url.startswith(stripe_at_hand.url)
    assert gateway.login_link(opened.stripe_id).startswith(stripe_at_hand.url)


def test_a_transfer_is_made_once_found_and_reversed(stripe_at_hand: StripeAtHand) -> None:
    stripe_at_hand.fund(1_000)
    order = transfer_order(stripe_at_hand.payable_account())

    made, again = gateway.create_transfer(order), gateway.create_transfer(order)
    gateway.reverse_transfer(made.stripe_id, amount=usd(150), reason="Paid twice", key="correction-1-a1")

    (found,) = gateway.find_transfers("run_1")
    assert again == made
    assert (found.stripe_id, found.item, found.amount, found.reversed_minor) == (
        made.stripe_id,
        "itm_1",
        usd(400),
        150,
    )
    assert gateway.find_transfers("run_2") == []


def test_the_truth_is_read_back(stripe_at_hand: StripeAtHand) -> None:
    gateway.set_manual_payouts()
    gateway.create_topup(amount=usd(700), description="Operating float", key="float-1")

    balance = gateway.retrieve_balance()
    (moved,) = gateway.list_balance_transactions(since=SINCE)
    events = gateway.list_events(since=SINCE, kinds=["topup.created", "topup.succeeded"])

    assert balance.total("USD") == usd(700)
    assert balance.total("EUR") == Money.zero("EUR")
    assert (moved.kind, moved.net_minor, moved.is_settled) == ("topup", 700, True)
    assert [event.kind for event in events] == ["topup.created", "topup.succeeded"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("before_timeout", Ambiguous),
        ("before_drop", Ambiguous),
        ("after_timeout", Ambiguous),
        ("after_drop", Ambiguous),
        ("500", Ambiguous),
        ("500_after", Ambiguous),
        ("500_cached", Ambiguous),
        ("503", Ambiguous),
        ("malformed", Ambiguous),
        ("429", NotExecuted),
        ("409", NotExecuted),
        ("401", AuthenticationFailed),
    ],
)
def test_a_fault_says_what_may_be_done_next(
    stripe_at_hand: StripeAtHand, fault: str, expected: type[GatewayError]
) -> None:
    stripe_at_hand.fund(1_000)
    order = transfer_order(stripe_at_hand.payable_account())
    stripe_at_hand.order("faults", path="/v1/transfers$", action=fault)

    with pytest.raises(GatewayError) as failed:
        gateway.create_transfer(order)

    assert type(failed.value) is expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"transfers": "inactive"}, Reason.NOT_PAYABLE),
        ({"closed": True}, Reason.NOT_PAYABLE),
        ({"country": "IN"}, Reason.NOT_PAYABLE),
        ({}, Reason.BALANCE),
    ],
)
def test_a_refusal_carries_its_reason(stripe_at_hand: StripeAtHand, changes: dict[str, object], reason: Reason) -> None:
    order = transfer_order(stripe_at_hand.payable_account(**changes))

    with pytest.raises(RefusedByStripe) as refused:
        gateway.create_transfer(order)

    assert refused.value.reason == reason


def test_nobodys_account_is_an_unknown_destination(stripe_at_hand: StripeAtHand) -> None:
    with pytest.raises(RefusedByStripe) as refused:
        gateway.create_transfer(transfer_order("acct_nobody"))

    assert refused.value.reason == Reason.UNKNOWN_DESTINATION


def test_a_currency_that_stripe_does_not_take_is_unsupported(stripe_at_hand: StripeAtHand) -> None:
    error = stripe.InvalidRequestError(  # type: ignore[no-untyped-call]  # The library does not type it.
        "The currency provided (eur) is invalid for this account.",
        "currency",
        http_status=400,
        json_body={"error": {"code": "parameter_invalid"}},
    )

    refused = gateway.classify(error)

    assert isinstance(refused, RefusedByStripe)
    assert refused.reason == Reason.UNSUPPORTED


def test_our_own_key_with_other_parameters_is_ambiguous(stripe_at_hand: StripeAtHand) -> None:
    stripe_at_hand.fund(1_000)
    account = stripe_at_hand.payable_account()
    gateway.create_transfer(transfer_order(account))

    with pytest.raises(Ambiguous):
        gateway.create_transfer(transfer_order(account, minor=401))


def test_a_key_without_rights_stops_everything(stripe_at_hand: StripeAtHand, settings: Settings) -> None:
    settings.STRIPE_API_KEY = "rk_test_restricted"

    with pytest.raises(AuthenticationFailed):
        gateway.recipient_readiness("acct_x")


def test_a_live_key_is_sent_to_stripe_only(settings: Settings) -> None:
    settings.STRIPE_API_KEY = "sk_live_secret"
    settings.STRIPE_API_BASE = "http://127.0.0.1:9"

    with pytest.raises(ImproperlyConfigured, match="live Stripe key"):
        gateway.retrieve_balance()


def test_the_judge_of_requests_knows_wrong_from_right(tmp_path: Path) -> None:
    recorded = tmp_path / "requests.jsonl"
    recorded.write_text(
        '{"method": "POST", "url": "/v1/transfers", "body": "amount=4&currency=usd&destination=a&bogus=1",'
        ' "headers": {"Idempotency-Key": "payout-item-1-a1"}}\n'
        '{"method": "GET", "url": "/v1/balance", "body": null, "headers": {}}\n'
    )

    assert judge_requests(recorded) == ["POST /v1/transfers: body.bogus: unknown parameter"]
