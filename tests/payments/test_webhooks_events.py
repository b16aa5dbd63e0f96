"""What stored events lead to: the object is read again, and our row moves forward only."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.models import Mail, OutboxItem
from accounts.outbox import drain
from kernel.db import app_now
from kernel.money import usd
from payments import actions, ledger, sending, stripe_events
from payments.gateways import stripe as gateway
from payments.gateways.errors import Ambiguous
from payments.gateways.types import GatewayEvent
from payments.models import Funding, Payee, PayoutItem, StripeEvent
from payments.rules import why_not_payable
from payments.states import BankState, EventState, FundingState, ItemState, PayeeState
from tests.accounts.factories import make_operator, make_user
from tests.experts.factories import an_expert
from tests.payments.sending_cast import EARNED_AT, a_funded_lab, an_approved_run, items_of, pass_time
from tests.stripe_fixture import StripeAtHand

pytestmark = pytest.mark.django_db(transaction=True)


def a_funding(minor: int = 100_000, method: str = "pm_card_visa") -> Funding:
    lab = a_funded_lab(100)
    return actions.start_funding(lab, usd(minor), by=make_user("Lea"), now=app_now(), payment_method=method)


def prepaid(funding: Funding) -> int:
    return ledger.balance(ledger.lab_prepaid(funding.lab, "USD")).minor


def deliver(stripe: StripeAtHand) -> None:
    """Deliver what waits and do the work that it makes due."""
    assert set(stripe.deliver(Client())) <= {200}
    drain()


def state_of(row: Funding | Payee | PayoutItem) -> str:
    row.refresh_from_db()
    return row.state


def test_a_payment_is_credited_once_by_answer_and_webhook(stripe_at_hand: StripeAtHand) -> None:
    funding = a_funding()

    drain()
    deliver(stripe_at_hand)
    stripe_at_hand.order("settle")
    deliver(stripe_at_hand)

    assert (state_of(funding), prepaid(funding), funding.fee_minor) == (FundingState.SETTLED, 100_000, 2_930)
    assert ledger.balance(ledger.stripe_pending("USD")).minor == stripe_at_hand.pending() == 0
    assert ledger.balance(ledger.stripe_available("USD")).minor == stripe_at_hand.available() + 100


def test_a_payment_whose_answer_was_lost_is_credited_by_its_webhook(stripe_at_hand: StripeAtHand) -> None:
    funding = a_funding()
    stripe_at_hand.order("faults", path="/v1/payment_intents$", action="after_drop")
    with pytest.raises(Ambiguous):
        actions.carry_funding(funding.pk)
    was = state_of(funding)
    OutboxItem.objects.all().delete()

    deliver(stripe_at_hand)

    assert (was, state_of(funding), prepaid(funding)) == (FundingState.PROCESSING, FundingState.SUCCEEDED, 100_000)


def test_events_out_of_order_do_not_move_a_payment_back(stripe_at_hand: StripeAtHand) -> None:
    funding = a_funding()
    drain()
    stripe_at_hand.order("settle")
    stripe_at_hand.waiting.reverse()

    deliver(stripe_at_hand)

    assert (state_of(funding), prepaid(funding)) == (FundingState.SETTLED, 100_000)


def test_a_declined_payment_fails_and_credits_nothing(stripe_at_hand: StripeAtHand) -> None:
    funding = a_funding(method="pm_card_chargeDeclined")

    drain()
    deliver(stripe_at_hand)

    assert (state_of(funding), prepaid(funding)) == (FundingState.FAILED, 0)


def test_an_expert_becomes_payable_by_onboarding(stripe_at_hand: StripeAtHand) -> None:
    payee = actions.start_payee(an_expert(), now=EARNED_AT)
    actions.onboarding_link(payee, now=EARNED_AT)
    was = state_of(payee)

    stripe_at_hand.order(f"account/{payee.stripe_id}", transfers="active", payouts=True, due=[], details=True)
    deliver(stripe_at_hand)

    assert (was, state_of(payee), payee.needs) == (PayeeState.ONBOARDING, PayeeState.ACTIVE, [])


def test_an_account_that_is_closed_is_known_as_closed(stripe_at_hand: StripeAtHand) -> None:
    payee = actions.start_payee(an_expert(), now=EARNED_AT)

    stripe_at_hand.order(f"account/{payee.stripe_id}", closed=True)
    deliver(stripe_at_hand)

    assert state_of(payee) == PayeeState.CLOSED


def test_a_transfer_whose_answer_was_lost_is_found_by_its_webhook(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    sending.start_sending(run, now=app_now())
    (item,) = items_of(run)
    stripe_at_hand.order("faults", path="/v1/transfers$", method="POST", action="after_drop")
    sending.carry_item(item.pk)
    was = state_of(item)

    deliver(stripe_at_hand)

    assert (was, state_of(item), len(stripe_at_hand.transfers())) == (ItemState.UNKNOWN, ItemState.PAID, 1)


def test_a_reversal_credits_the_expert_once(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    drain()
    (item,) = items_of(run)

    gateway.reverse_transfer(item.stripe_id, amount=usd(20_00), reason="Paid twice", key="correction-1-a1")
    deliver(stripe_at_hand)
    stripe_at_hand.order("redeliver", event=StripeEvent.objects.get(kind="transfer.reversed").stripe_id)
    gateway.reverse_transfer(item.stripe_id, amount=usd(100_00), reason="All of it", key="correction-2-a1")
    deliver(stripe_at_hand)

    assert (state_of(item), item.reversed_minor) == (ItemState.REVERSED, 120_00)
    assert ledger.balance(ledger.expert_available(item.expert, "USD")).minor == 120_00
    assert ledger.balance(ledger.stripe_available("USD")).minor == stripe_at_hand.available()


def test_a_changed_bank_account_waits_72_hours_and_its_expert_is_told_once(stripe_at_hand: StripeAtHand) -> None:
    payee = actions.start_payee(an_expert(), now=EARNED_AT)
    actions.onboarding_link(payee, now=EARNED_AT)
    stripe_at_hand.order(f"account/{payee.stripe_id}", transfers="active", payouts=True, due=[], details=True)
    deliver(stripe_at_hand)
    payee.refresh_from_db()
    assert payee.ready_at is not None
    changes = [payee.ready_at - timedelta(minutes=1), payee.ready_at + timedelta(minutes=1)]

    for number, changed_at in enumerate([*changes, *changes]):
        told = GatewayEvent(
            stripe_id=f"evt_bank_{number}",
            kind="account.external_account.updated",
            is_live=False,
            object_id="ba_1",
            account=payee.stripe_id,
            payload={},
            created_at=changed_at,
        )
        stripe_events.store_event(told, endpoint="connect", now=app_now())
        drain()

    payee.refresh_from_db()
    late = changes[1] + timedelta(hours=71, minutes=59)
    assert payee.bank_changed_at == changes[1]
    assert why_not_payable(payee, "US", late) == "Changed the bank account less than 72 hours ago."
    assert why_not_payable(payee, "US", late + timedelta(minutes=2)) == ""
    assert Mail.objects.filter(subject="Your bank account was changed").count() == 1


@pytest.mark.parametrize(
    ("status", "shown"),
    [("in_transit", BankState.IN_TRANSIT), ("paid", BankState.BANK_PAID), ("failed", BankState.BANK_FAILED)],
)
def test_the_way_to_the_bank_is_shown_and_moves_no_money(
    stripe_at_hand: StripeAtHand, status: str, shown: BankState
) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    drain()
    (item,) = items_of(run)
    stripe_at_hand.order("autopayout")
    (payout,) = stripe_at_hand.library().v1.payouts.list(options={"stripe_account": item.destination}).data

    stripe_at_hand.order(f"payout/{payout.id}", status=status)
    stripe_at_hand.waiting.reverse()
    deliver(stripe_at_hand)

    assert (state_of(item), item.bank_state) == (ItemState.PAID, shown)
    assert ledger.balance(ledger.stripe_available("USD")).minor == stripe_at_hand.available()


def test_a_kind_that_means_nothing_to_us_is_ignored(stripe_at_hand: StripeAtHand) -> None:
    gateway.create_topup(amount=usd(700), description="Float", key="float-1")

    deliver(stripe_at_hand)

    assert set(StripeEvent.objects.values_list("kind", "state")) == {
        ("topup.created", EventState.IGNORED),
        ("topup.succeeded", EventState.IGNORED),
    }


def test_an_event_about_a_strangers_object_changes_nothing(stripe_at_hand: StripeAtHand) -> None:
    customer = gateway.create_customer(name="X", email="x@example.org", lab="lab_unknown", key="cus-x")
    gateway.create_payment_intent(
        amount=usd(500), customer=customer, payment_method="pm_card_visa", funding="fnd_nonsense", key="funding-x-a1"
    )

    deliver(stripe_at_hand)

    assert StripeEvent.objects.get(kind="payment_intent.succeeded").state == EventState.DONE


def test_a_handler_that_fails_is_tried_again(stripe_at_hand: StripeAtHand) -> None:
    funding = a_funding()
    drain()
    stripe_at_hand.order("settle")
    stripe_at_hand.deliver(Client())
    event = StripeEvent.objects.get(kind="balance.available")
    stripe_at_hand.order("faults", path="/v1/payment_intents/", action="503")
    with pytest.raises(Ambiguous):
        stripe_events.process_event("test", event.stripe_id)
    event.refresh_from_db()
    was = (event.state, event.attempts, event.last_error)

    stripe_events.process_event("test", event.stripe_id)

    event.refresh_from_db()
    assert was == (EventState.RETRY, 1, "Ambiguous")
    assert (event.state, event.attempts) == (EventState.DONE, 2)
    assert state_of(funding) == FundingState.SETTLED


def test_events_that_never_arrived_are_caught_up_with(stripe_at_hand: StripeAtHand) -> None:
    funding = a_funding()
    drain()
    stripe_at_hand.order("settle")
    stripe_at_hand.waiting.clear()
    pass_time(datetime.now(UTC) - app_now())

    found = stripe_events.catch_up(now=app_now())
    again = stripe_events.catch_up(now=app_now())
    drain()

    assert found == again > 0
    assert set(StripeEvent.objects.values_list("endpoint", flat=True)) == {"poll"}
    assert state_of(funding) == FundingState.SETTLED


def test_a_payment_that_waits_long_is_asked_about_without_any_event(stripe_at_hand: StripeAtHand) -> None:
    funding = a_funding()
    drain()
    stripe_at_hand.order("settle")

    pass_time(timedelta(hours=2))
    stripe_events.make_stale_objects_due(now=app_now())
    drain()

    assert state_of(funding) == FundingState.SETTLED


def test_a_burst_of_a_thousand_deliveries_has_one_effect(stripe_at_hand: StripeAtHand) -> None:
    funding = a_funding()
    drain()
    stripe_at_hand.waiting[:] = stripe_at_hand.waiting * (1_000 // len(stripe_at_hand.waiting))

    deliver(stripe_at_hand)

    assert prepaid(funding) == 100_000
    assert make_operator("finance", name="Ines").notifications.count() == 0
