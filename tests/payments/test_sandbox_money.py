"""The sandbox moves money only where Stripe would, and says why not in Stripe's words."""

from typing import Any

import pytest
import stripe

from payments.sandbox.world import World
from tests.stripe_fixture import StripeAtHand


def pay(library: stripe.StripeClient, method: str, amount: int = 100_000) -> stripe.PaymentIntent:
    return library.v1.payment_intents.create(
        params={
            "amount": amount,
            "currency": "usd",
            "payment_method": method,
            "confirm": True,
            "expand": ["latest_charge.balance_transaction"],
        }
    )


def send(library: stripe.StripeClient, account: str, amount: int, **more: object) -> stripe.Transfer:
    params: Any = {"amount": amount, "currency": "usd", "destination": account, **more}
    return library.v1.transfers.create(params=params)


def refusal(library: stripe.StripeClient, account: str, amount: int = 400) -> str | None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        send(library, account, amount)
    return refused.value.code


def assert_balances_are_sums(world: World) -> None:
    for account, purses in world.balances.items():
        for currency, purse in purses.items():
            entries = [each for each in world.newest("balance_transaction", account) if each["currency"] == currency]
            for status in ("available", "pending"):
                assert purse[status] == sum(each["net"] for each in entries if each["status"] == status)


def test_a_card_payment_waits_two_days_and_costs_its_fee(stripe_at_hand: StripeAtHand) -> None:
    intent = pay(stripe_at_hand.library(), "pm_card_visa")
    before = (stripe_at_hand.pending(), stripe_at_hand.available())

    stripe_at_hand.order("clock", advance=2 * 24 * 3600 - 60)
    almost = stripe_at_hand.available()
    stripe_at_hand.order("clock", advance=61)

    assert intent.latest_charge.balance_transaction.fee == 2_930  # type: ignore[union-attr]  # expanded above
    assert before == (97_070, 0)
    assert almost == 0
    assert (stripe_at_hand.pending(), stripe_at_hand.available()) == (0, 97_070)


def test_a_bypassing_card_pays_at_once(stripe_at_hand: StripeAtHand) -> None:
    pay(stripe_at_hand.library(), "pm_card_bypassPending")

    assert (stripe_at_hand.pending(), stripe_at_hand.available()) == (0, 97_070)


def test_a_declined_card_moves_nothing(stripe_at_hand: StripeAtHand) -> None:
    with pytest.raises(stripe.CardError) as declined:
        pay(stripe_at_hand.library(), "pm_card_chargeDeclined")

    assert declined.value.code == "card_declined"
    assert stripe_at_hand.library().v1.balance.retrieve().pending[0].amount == 0
    assert [event["type"] for event, _ in stripe_at_hand.waiting] == [
        "payment_intent.created",
        "payment_intent.payment_failed",
    ]


def test_a_payment_that_succeeded_cannot_be_cancelled(stripe_at_hand: StripeAtHand) -> None:
    library = stripe_at_hand.library()
    intent = pay(library, "pm_card_visa")

    with pytest.raises(stripe.InvalidRequestError) as refused:
        library.v1.payment_intents.cancel(intent.id)

    assert refused.value.code == "payment_intent_unexpected_state"


def test_an_intent_is_confirmed_later_and_listed(stripe_at_hand: StripeAtHand) -> None:
    library = stripe_at_hand.library()
    intent = library.v1.payment_intents.create(params={"amount": 500, "currency": "usd"})

    confirmed = library.v1.payment_intents.confirm(intent.id, params={"payment_method": "pm_card_visa"})

    assert confirmed.status == "succeeded"
    assert [each.id for each in library.v1.payment_intents.list().data] == [intent.id]
    assert library.v1.charges.retrieve(str(confirmed.latest_charge)).amount == 500


def test_a_transfer_moves_money_to_the_expert_at_once(stripe_at_hand: StripeAtHand) -> None:
    stripe_at_hand.fund(1_000)
    account, library = stripe_at_hand.payable_account(), stripe_at_hand.library()

    send(library, account, 400)

    assert stripe_at_hand.available() == 600
    assert library.v1.balance.retrieve(options={"stripe_account": account}).available[0].amount == 400


def test_pending_money_pays_nobody(stripe_at_hand: StripeAtHand) -> None:
    account, library = stripe_at_hand.payable_account(), stripe_at_hand.library()
    pay(library, "pm_card_visa")

    assert refusal(library, account) == "balance_insufficient"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"transfers": "inactive"}, "insufficient_capabilities_for_transfer"),
        ({"transfers": "pending"}, "insufficient_capabilities_for_transfer"),
        ({"closed": True}, "account_closed"),
        ({"country": "IN"}, "transfers_not_allowed"),
    ],
)
def test_an_account_that_cannot_be_paid_says_why(
    stripe_at_hand: StripeAtHand, changes: dict[str, object], code: str
) -> None:
    stripe_at_hand.fund(1_000)

    account = stripe_at_hand.payable_account(**changes)

    assert refusal(stripe_at_hand.library(), account) == code
    assert stripe_at_hand.available() == 1_000


def test_a_transfer_to_nobody_is_refused_by_its_destination(stripe_at_hand: StripeAtHand) -> None:
    stripe_at_hand.fund(1_000)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        send(stripe_at_hand.library(), "acct_nobody", 400)

    assert (refused.value.code, refused.value.param) == ("resource_missing", "destination")


def test_a_transfer_from_a_charge_may_not_exceed_it(stripe_at_hand: StripeAtHand) -> None:
    account, library = stripe_at_hand.payable_account(), stripe_at_hand.library()
    charge = pay(library, "pm_card_visa", 1_000).latest_charge.id  # type: ignore[union-attr]  # expanded above

    send(library, account, 900, source_transaction=charge)

    with pytest.raises(stripe.InvalidRequestError, match="remaining amount of the source charge"):
        send(library, account, 101, source_transaction=charge)
    assert library.v1.balance.retrieve(options={"stripe_account": account}).pending[0].amount == 900


def test_every_transfer_of_a_group_is_found_over_pages(stripe_at_hand: StripeAtHand) -> None:
    stripe_at_hand.fund(1_000)
    account, library = stripe_at_hand.payable_account(), stripe_at_hand.library()
    for number in range(25):
        send(library, account, 1, transfer_group="run-1", metadata={"payout_item": str(number)})
    send(library, account, 1, transfer_group="run-2")

    found = list(library.v1.transfers.list(params={"transfer_group": "run-1", "limit": 10}).auto_paging_iter())

    assert [each.metadata["payout_item"] for each in found] == [str(number) for number in reversed(range(25))]


def test_a_reversal_takes_back_what_is_still_there(stripe_at_hand: StripeAtHand) -> None:
    stripe_at_hand.fund(1_000)
    account, library = stripe_at_hand.payable_account(), stripe_at_hand.library()
    made = send(library, account, 400)

    library.v1.transfers.reversals.create(made.id, params={"amount": 150})

    assert stripe_at_hand.available() == 750
    assert library.v1.transfers.retrieve(made.id).amount_reversed == 150
    with pytest.raises(stripe.InvalidRequestError, match="greater than the unreversed amount"):
        library.v1.transfers.reversals.create(made.id, params={"amount": 251})


def test_a_reversal_needs_the_experts_balance(stripe_at_hand: StripeAtHand) -> None:
    stripe_at_hand.fund(1_000)
    account, library = stripe_at_hand.payable_account(), stripe_at_hand.library()
    made = send(library, account, 400)
    stripe_at_hand.order("autopayout")

    with pytest.raises(stripe.InvalidRequestError) as refused:
        library.v1.transfers.reversals.create(made.id)

    assert refused.value.code == "balance_insufficient"


def test_a_failed_bank_payout_returns_to_the_experts_balance(stripe_at_hand: StripeAtHand) -> None:
    stripe_at_hand.fund(1_000)
    account, library = stripe_at_hand.payable_account(), stripe_at_hand.library()
    send(library, account, 400)
    stripe_at_hand.order("autopayout")
    (payout,) = library.v1.payouts.list(options={"stripe_account": account}).data

    stripe_at_hand.order(f"payout/{payout.id}", status="failed")

    assert stripe_at_hand.sandbox.world.purse(account, "usd")["available"] == 400
    assert [event["type"] for event, of in stripe_at_hand.waiting if of == account][-2:] == [
        "payout.created",
        "payout.failed",
    ]


def test_a_refund_is_no_more_than_the_charge(stripe_at_hand: StripeAtHand) -> None:
    library = stripe_at_hand.library()
    stripe_at_hand.fund(50)
    intent = pay(library, "pm_card_bypassPending", 1_000)

    library.v1.refunds.create(params={"payment_intent": intent.id, "amount": 400})

    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        library.v1.refunds.create(params={"payment_intent": intent.id, "amount": 601})


def test_balances_are_the_sum_of_their_transactions(stripe_at_hand: StripeAtHand) -> None:
    account, library = stripe_at_hand.payable_account(), stripe_at_hand.library()
    pay(library, "pm_card_visa", 5_000)
    pay(library, "pm_card_bypassPending", 9_000)
    library.v1.topups.create(params={"amount": 700, "currency": "usd"})
    made = send(library, account, 600)
    library.v1.transfers.reversals.create(made.id, params={"amount": 100})
    library.v1.payouts.create(params={"amount": 50, "currency": "usd"})
    stripe_at_hand.order("settle")

    entries = list(library.v1.balance_transactions.list(params={"limit": 3}).auto_paging_iter())

    assert_balances_are_sums(stripe_at_hand.sandbox.world)
    assert [entry.type for entry in entries] == ["payout", "transfer_refund", "transfer", "topup", "charge", "charge"]


def test_manual_payouts_are_kept(stripe_at_hand: StripeAtHand) -> None:
    library = stripe_at_hand.library()

    library.v1.balance_settings.update(params={"payments": {"payouts": {"schedule": {"interval": "manual"}}}})

    assert library.v1.balance_settings.retrieve().payments.payouts.schedule.interval == "manual"  # type: ignore[union-attr]  # always there
