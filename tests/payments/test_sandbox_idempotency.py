"""The sandbox keeps v1's rules of idempotency keys, as the real library sees them."""

from typing import Any

import pytest
import stripe

from tests.stripe_fixture import StripeAtHand

pytestmark = pytest.mark.usefixtures("stripe_at_hand")


def transfer(library: stripe.StripeClient, account: str, *, key: str, amount: int = 400) -> stripe.Transfer:
    return library.v1.transfers.create(
        params={"amount": amount, "currency": "usd", "destination": account}, options={"idempotency_key": key}
    )


def test_the_same_key_makes_one_transfer_and_replays_its_answer(stripe_at_hand: StripeAtHand) -> None:
    stripe_at_hand.fund(1_000)
    account, library = stripe_at_hand.payable_account(), stripe_at_hand.library()

    first = transfer(library, account, key="once")
    again = transfer(library, account, key="once")

    assert again.last_response is not None
    assert again.id == first.id
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert stripe_at_hand.available() == 600


def test_a_refusal_after_execution_is_replayed_even_when_money_has_come(stripe_at_hand: StripeAtHand) -> None:
    account, library = stripe_at_hand.payable_account(), stripe_at_hand.library()
    with pytest.raises(stripe.InvalidRequestError):
        transfer(library, account, key="poor")
    stripe_at_hand.fund(1_000)

    with pytest.raises(stripe.InvalidRequestError) as replayed:
        transfer(library, account, key="poor")

    assert replayed.value.code == "balance_insufficient"
    assert transfer(library, account, key="poor-2").amount == 400


def test_a_stored_500_is_answered_for_good_though_the_money_moved(stripe_at_hand: StripeAtHand) -> None:
    stripe_at_hand.fund(1_000)
    account, library = stripe_at_hand.payable_account(), stripe_at_hand.library()
    stripe_at_hand.order("faults", path="/v1/transfers$", action="500_cached")

    for _ in range(2):
        with pytest.raises(stripe.APIError):
            transfer(library, account, key="unlucky")

    assert [each["amount"] for each in stripe_at_hand.transfers()] == [400]


@pytest.mark.parametrize("action", ["429", "409", "503"])
def test_what_was_not_executed_is_not_stored(stripe_at_hand: StripeAtHand, action: str) -> None:
    stripe_at_hand.fund(1_000)
    account, library = stripe_at_hand.payable_account(), stripe_at_hand.library()
    stripe_at_hand.order("faults", path="/v1/transfers$", action=action)

    with pytest.raises(stripe.StripeError):
        transfer(library, account, key="later")

    assert transfer(library, account, key="later").amount == 400
    assert len(stripe_at_hand.transfers()) == 1


def test_a_malformed_request_is_not_stored(stripe_at_hand: StripeAtHand) -> None:
    stripe_at_hand.fund(1_000)
    account, library = stripe_at_hand.payable_account(), stripe_at_hand.library()

    with pytest.raises(stripe.InvalidRequestError) as refused:
        transfer(library, account, key="typo", amount=-4)

    assert refused.value.code == "parameter_invalid_integer"
    assert transfer(library, account, key="typo").amount == 400


def test_a_key_does_not_serve_other_parameters(stripe_at_hand: StripeAtHand) -> None:
    stripe_at_hand.fund(1_000)
    account, library = stripe_at_hand.payable_account(), stripe_at_hand.library()
    transfer(library, account, key="mine")

    with pytest.raises(stripe.IdempotencyError):
        transfer(library, account, key="mine", amount=401)


def test_a_key_has_at_most_255_characters(stripe_at_hand: StripeAtHand) -> None:
    account, library = stripe_at_hand.payable_account(), stripe_at_hand.library()

    with pytest.raises(stripe.InvalidRequestError, match="255"):
        transfer(library, account, key="k" * 256)


def test_expired_keys_are_forgotten(stripe_at_hand: StripeAtHand) -> None:
    stripe_at_hand.fund(1_000)
    account, library = stripe_at_hand.payable_account(), stripe_at_hand.library()
    transfer(library, account, key="old")

    stripe_at_hand.order("expire_keys")
    transfer(library, account, key="old")

    assert len(stripe_at_hand.transfers()) == 2


def test_v2_runs_failed_work_again(stripe_at_hand: StripeAtHand) -> None:
    library = stripe_at_hand.library()
    params: Any = {
        "identity": {"country": "us"},
        "dashboard": "express",
        "defaults": {"responsibilities": {"losses_collector": "application"}},
    }
    stripe_at_hand.order("faults", path="/v2/core/accounts$", action="500")

    with pytest.raises(stripe.APIError):
        library.v2.core.accounts.create(params=params, options={"idempotency_key": "acct"})
    account = library.v2.core.accounts.create(params=params, options={"idempotency_key": "acct"})

    assert "sbx" in account.id
