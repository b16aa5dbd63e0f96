"""The leg from an expert's Stripe balance to their bank, and the events of connected accounts that never arrived."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.outbox import drain
from kernel.db import app_now
from payments import actions, stripe_events
from payments.models import Payee, PayoutItem, PayoutRun, StripeEvent
from payments.states import BANK_MOVES, BankState
from tests.accounts.factories import make_operator
from tests.payments.sending_cast import (
    BUILT_AT,
    MONDAY,
    a_funded_lab,
    a_payee,
    an_approved_run,
    approve,
    earn,
    items_of,
    pass_time,
    stand_at,
)
from tests.stripe_fixture import StripeAtHand

pytestmark = pytest.mark.django_db(transaction=True)

WEEK = timedelta(days=7)


def deliver(stripe: StripeAtHand) -> None:
    assert set(stripe.deliver(Client())) <= {200}
    drain()


def lose_all_events(stripe: StripeAtHand) -> None:
    stripe.waiting.clear()
    pass_time(datetime.now(UTC) - app_now())


def the_payout(stripe: StripeAtHand, item: PayoutItem, number: int = 0) -> str:
    """Return one of the payouts of an item's account to its bank, newest first."""
    made = stripe.library().v1.payouts.list(options={"stripe_account": item.destination}).data
    return made[number].id


def legs() -> list[str]:
    return list(PayoutItem.objects.order_by("run__number", "id").values_list("bank_state", flat=True))


def a_second_week(stripe: StripeAtHand, first: PayoutRun) -> None:
    """Pay the expert of a run again, a week later."""
    (item,) = items_of(first)
    earn(item.expert, a_funded_lab(50_00), 50)
    stripe.fund(50_00)
    stand_at(BUILT_AT + WEEK)
    finn = make_operator("finance", name="Finn")
    run = actions.build_run(MONDAY + WEEK, by=finn, now=app_now())
    approve(actions.submit_run(run, by=finn, now=app_now()))
    drain()


def a_paid_run(stripe: StripeAtHand, *dollars: int) -> PayoutRun:
    run = an_approved_run(stripe, *dollars)
    drain()
    return run


def test_a_bank_payout_moves_the_items_that_it_pays_and_no_other(stripe_at_hand: StripeAtHand) -> None:
    run = a_paid_run(stripe_at_hand, 120)
    (item,) = items_of(run)
    stripe_at_hand.order("autopayout")
    a_second_week(stripe_at_hand, run)

    stripe_at_hand.order(f"payout/{the_payout(stripe_at_hand, item)}", status="paid")
    deliver(stripe_at_hand)

    assert legs() == [BankState.BANK_PAID, BankState.NONE]


def test_a_payout_that_the_expert_asked_for_is_of_no_item_in_particular(stripe_at_hand: StripeAtHand) -> None:
    (item,) = items_of(a_paid_run(stripe_at_hand, 120))
    asked = {"amount": 120_00, "currency": "usd", "metadata": {"asked": "by hand"}}
    stripe_at_hand.library().v1.payouts.create(asked, {"stripe_account": item.destination})  # type: ignore[arg-type]

    deliver(stripe_at_hand)

    assert legs() == [BankState.NONE]


def test_the_bank_leg_never_goes_back(stripe_at_hand: StripeAtHand) -> None:
    (item,) = items_of(a_paid_run(stripe_at_hand, 120))
    stripe_at_hand.order("autopayout")
    payout = the_payout(stripe_at_hand, item)

    found = []
    for status in ("paid", "in_transit", "failed", "paid", "in_transit"):
        stripe_at_hand.order(f"payout/{payout}", status=status)
        deliver(stripe_at_hand)
        found += legs()

    assert found == [BankState.BANK_PAID, BankState.BANK_PAID, *[BankState.BANK_FAILED] * 3]


def test_no_bank_state_leads_back_to_one_before_it() -> None:
    order = [BankState.NONE, BankState.IN_TRANSIT, BankState.BANK_PAID, BankState.BANK_FAILED]

    assert all(
        order.index(BankState(to)) > order.index(BankState(was)) for was, after in BANK_MOVES.items() for to in after
    )


def test_an_expert_whose_bank_refused_is_told_once(stripe_at_hand: StripeAtHand) -> None:
    (item,) = items_of(a_paid_run(stripe_at_hand, 120))
    stripe_at_hand.order("autopayout")
    payout = the_payout(stripe_at_hand, item)

    for _ in range(2):
        stripe_at_hand.order(f"payout/{payout}", status="failed")
        deliver(stripe_at_hand)

    assert item.expert.user.notifications.filter(text__startswith="Your bank refused a payout.").count() == 1


def test_lost_events_of_connected_accounts_are_caught_up_with(stripe_at_hand: StripeAtHand) -> None:
    (item,) = items_of(a_paid_run(stripe_at_hand, 120))
    stripe_at_hand.order("autopayout")
    stripe_at_hand.order(f"payout/{the_payout(stripe_at_hand, item)}", status="paid")
    lose_all_events(stripe_at_hand)

    stripe_events.catch_up(now=app_now())
    drain()

    kept = StripeEvent.objects.filter(account=item.destination, endpoint="poll", kind__startswith="payout.")
    assert (legs(), kept.count()) == ([BankState.BANK_PAID], 2)


def test_an_account_is_read_once_an_hour_and_from_where_it_was_left(stripe_at_hand: StripeAtHand) -> None:
    a_paid_run(stripe_at_hand, 120)
    lose_all_events(stripe_at_hand)

    counts = []
    for minutes in (0, 10, 51):
        pass_time(timedelta(minutes=minutes))
        counts.append(len(stripe_events.accounts_to_read(app_now())))
        stripe_events.catch_up(now=app_now())

    assert counts == [1, 0, 1]


def test_money_on_its_way_to_a_bank_is_asked_about_first(stripe_at_hand: StripeAtHand) -> None:
    (item,) = items_of(a_paid_run(stripe_at_hand, 120))
    idle = a_payee(stripe_at_hand, "Una Idle")
    Payee.objects.filter(pk=item.payee_id).update(events_read_at=app_now() - timedelta(hours=2))

    assert stripe_events.accounts_to_read(app_now()) == [item.payee, idle]


def test_an_account_that_left_does_not_keep_the_others_waiting(stripe_at_hand: StripeAtHand) -> None:
    gone, (item,) = a_payee(stripe_at_hand, "Gone Away"), items_of(a_paid_run(stripe_at_hand, 120))
    del stripe_at_hand.sandbox.world.records[gone.stripe_id]
    stripe_at_hand.order("autopayout")
    lose_all_events(stripe_at_hand)

    stripe_events.catch_up(now=app_now())

    assert StripeEvent.objects.filter(account=item.destination, kind="payout.created").exists()
    assert Payee.objects.filter(events_read_at__isnull=False).count() == 2


def test_a_lost_change_of_the_bank_account_still_holds_the_next_payout(stripe_at_hand: StripeAtHand) -> None:
    (item,) = items_of(a_paid_run(stripe_at_hand, 120))
    lose_all_events(stripe_at_hand)
    world = stripe_at_hand.sandbox.world
    with world.lock:
        world.emit(
            "account.external_account.updated", {"id": "ba_sbx", "object": "bank_account"}, account=item.destination
        )
    stripe_at_hand.waiting.clear()

    stripe_events.catch_up(now=app_now() + timedelta(minutes=1))
    drain()

    assert Payee.objects.get(pk=item.payee_id).bank_changed_at is not None
