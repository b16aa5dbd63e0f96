"""Sending a run: three steps an item, and what every answer of Stripe's leads to."""

from datetime import timedelta

import pytest
from pytest_django import Settings

from accounts.models import Mail, OutboxItem
from accounts.outbox import drain
from kernel.db import app_now
from payments import actions, jobs, ledger, sending
from payments.gateways import stripe as gateway
from payments.gateways.types import Recipient
from payments.models import Entry, PayoutItem, PayoutRun
from payments.states import ItemState, PayLineState, RunState
from tests.accounts.factories import make_operator
from tests.payments.sending_cast import an_approved_run, items_of, pass_time
from tests.stripe_fixture import StripeAtHand

pytestmark = pytest.mark.django_db(transaction=True)

AMBIGUOUS = ["before_timeout", "before_drop", "after_timeout", "after_drop", "500", "500_after", "500_cached", "503"]


def started(run: PayoutRun) -> PayoutItem:
    sending.start_sending(run, now=app_now())
    return items_of(run)[0]


def carried(item: PayoutItem, *, after: timedelta = timedelta()) -> PayoutItem:
    """Carry an item one step, as its job does, and return it as it is then."""
    if after:
        pass_time(after)
    sending.carry_item(item.pk)
    return items_of(item.run)[0]


def in_flight() -> int:
    return ledger.balance(ledger.payout_in_flight("USD")).minor


def owed(item: PayoutItem) -> int:
    return ledger.balance(ledger.expert_available(item.expert, "USD")).minor


def state_of(run: PayoutRun) -> str:
    return PayoutRun.objects.values_list("state", flat=True).get(pk=run.pk)


def test_an_approved_run_is_sent_and_completed(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120, 80)

    drain()

    items = items_of(run)
    run.refresh_from_db()
    assert [(item.state, item.problem) for item in items] == [(ItemState.PAID, "")] * 2
    assert (run.state, run.completed_at is not None) == (RunState.COMPLETED, True)
    assert {each["metadata"]["payout_item"]: each["amount"] for each in stripe_at_hand.transfers(run.public_id)} == {
        items[0].public_id: 120_00,
        items[1].public_id: 80_00,
    }
    assert {line.state for item in items for line in item.lines.all()} == {PayLineState.PAID}
    assert ledger.balance(ledger.stripe_available("USD")).minor == stripe_at_hand.available()
    assert (in_flight(), owed(items[0])) == (0, 0)


def test_the_key_is_stored_and_the_money_set_aside_before_the_call(stripe_at_hand: StripeAtHand) -> None:
    item = started(an_approved_run(stripe_at_hand, 120))

    step = sending.take_step(item.pk, now=app_now())

    item.refresh_from_db()
    assert step is not None
    assert (item.state, item.stripe_key) == (ItemState.SENDING, f"payout-item-{item.public_id}-a1")
    assert (step.order.key, step.must_look) == (item.stripe_key, False)
    assert (in_flight(), owed(item)) == (120_00, 0)
    assert stripe_at_hand.transfers() == []


@pytest.mark.parametrize("fault", AMBIGUOUS)
def test_an_unclear_answer_leaves_the_item_unknown_and_is_looked_up(stripe_at_hand: StripeAtHand, fault: str) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    item = started(run)
    stripe_at_hand.order("faults", path="/v1/transfers$", method="POST", action=fault)

    item = carried(item)
    was, held = item.state, in_flight()
    stripe_at_hand.order("expire_keys")  # Only looking prevents a second transfer now.
    item = carried(item, after=timedelta(minutes=1))

    assert (was, held) == (ItemState.UNKNOWN, 120_00)
    assert (item.state, item.attempt) == (ItemState.PAID, 1)
    assert [each["amount"] for each in stripe_at_hand.transfers()] == [120_00]
    assert (in_flight(), state_of(run)) == (0, RunState.COMPLETED)


def test_an_unknown_item_that_was_not_sent_goes_again_under_the_same_key(stripe_at_hand: StripeAtHand) -> None:
    item = started(an_approved_run(stripe_at_hand, 120))
    stripe_at_hand.order("faults", path="/v1/transfers$", method="POST", action="before_drop")
    key = carried(item).stripe_key

    item = carried(item, after=timedelta(hours=22))

    assert (item.state, item.stripe_key) == (ItemState.PAID, key)


@pytest.mark.parametrize("fault", ["429", "409"])
def test_what_was_not_executed_goes_again_later_under_the_same_key(stripe_at_hand: StripeAtHand, fault: str) -> None:
    item = started(an_approved_run(stripe_at_hand, 120))
    stripe_at_hand.order("faults", path="/v1/transfers$", method="POST", action=fault)

    item = carried(item)
    was = (item.state, item.attempt, in_flight())
    waiting = OutboxItem.objects.filter(kind="payments.send_payout_item", done_at=None, run_after__gt=app_now())
    is_put_off = waiting.exists()
    item = carried(item, after=timedelta(minutes=1))

    assert was == (ItemState.SENDING, 1, 120_00)
    assert is_put_off
    assert (item.state, item.attempt) == (ItemState.PAID, 1)


def test_a_refused_key_stops_the_run_and_loses_nothing(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120, 80)
    stripe_at_hand.order("faults", path="/v1/transfers$", method="POST", action="401", times=9)
    finance = make_operator("finance", name="Ines")

    drain()
    was = state_of(run)
    told = finance.notifications.filter(text__contains="Stripe refused our key").exists()
    stripe_at_hand.clear_faults()
    run.refresh_from_db()
    sending.start_sending(run, now=app_now(), by=finance)
    drain()

    assert (was, told) == (RunState.PAUSED, True)
    assert (state_of(run), len(stripe_at_hand.transfers())) == (RunState.COMPLETED, 2)
    assert in_flight() == 0


def test_an_empty_stripe_balance_pauses_the_run_until_it_is_funded(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120, fund=False)

    drain()
    (item,) = items_of(run)
    was = (state_of(run), item.state, item.attempt, item.problem_code, in_flight(), owed(item))
    stripe_at_hand.fund(120_00)
    run.refresh_from_db()
    sending.start_sending(run, now=app_now())
    drain()

    (item,) = items_of(run)
    assert was == (RunState.PAUSED, ItemState.QUEUED, 2, "balance_insufficient", 0, 120_00)
    assert (item.state, item.stripe_key) == (ItemState.PAID, f"payout-item-{item.public_id}-a2")
    assert [each["amount"] for each in stripe_at_hand.transfers()] == [120_00]
    assert state_of(run) == RunState.COMPLETED


@pytest.mark.parametrize("changes", [{"transfers": "inactive"}, {"closed": True}, {"country": "IN"}])
def test_an_expert_who_cannot_be_paid_is_blocked_told_and_keeps_the_money(
    stripe_at_hand: StripeAtHand, changes: dict[str, object]
) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    item = started(run)
    stripe_at_hand.order(f"account/{item.destination}", **changes)

    item = carried(item)

    letter = Mail.objects.get(key=f"payout-blocked-{item.public_id}-a2")
    assert (item.state, item.attempt, in_flight(), owed(item)) == (ItemState.BLOCKED, 2, 0, 120_00)
    assert letter.to == item.expert.user.email
    assert state_of(run) == RunState.PARTIAL


def test_an_account_restricted_since_the_approval_is_never_asked_of(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    item = started(run)
    actions.record_readiness(item.payee_id, Recipient(item.destination, "restricted"), now=app_now())

    item = carried(item)

    assert (item.state, item.attempt, item.problem_code) == (ItemState.BLOCKED, 1, "payee_not_ready")
    assert not Entry.objects.filter(kind="payout_sent").exists()


def test_a_blocked_expert_is_paid_on_retry_once_ready(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    item = started(run)
    stripe_at_hand.order(f"account/{item.destination}", transfers="inactive")
    item = carried(item)

    stripe_at_hand.order(f"account/{item.destination}", transfers="active")
    drain()
    actions.retry_item(item, by=make_operator("finance", name="Ines"), now=app_now())
    drain()

    assert (items_of(run)[0].state, state_of(run)) == (ItemState.PAID, RunState.COMPLETED)


def test_an_unknown_destination_fails_the_item_and_tells_finance(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    item = started(run)
    finance = make_operator("finance", name="Ines")
    del stripe_at_hand.sandbox.world.records[item.destination]

    item = carried(item)

    assert (item.state, item.problem_code, owed(item)) == (ItemState.FAILED, "resource_missing", 120_00)
    assert finance.notifications.filter(text__contains=item.public_id).exists()
    assert state_of(run) == RunState.PARTIAL


def test_a_cancelled_item_frees_its_pay_lines_for_the_next_run(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    item = started(run)
    del stripe_at_hand.sandbox.world.records[item.destination]
    item = carried(item)
    (line,) = item.lines.all()

    actions.cancel_item(item, by=make_operator("finance", name="Ines"), reason="Account is gone", now=app_now())

    line.refresh_from_db()
    assert (line.state, line.item_id) == (PayLineState.AVAILABLE, None)


def test_a_key_that_stripe_may_have_forgotten_is_spent_only_after_two_looks(stripe_at_hand: StripeAtHand) -> None:
    item = started(an_approved_run(stripe_at_hand, 120))
    stripe_at_hand.order("faults", path="/v1/transfers$", method="POST", action="before_drop")
    carried(item)

    first = carried(item, after=timedelta(hours=23))
    too_soon = carried(item, after=timedelta(minutes=14))
    second = carried(item, after=timedelta(minutes=2))
    paid = carried(item)

    looks = [(each.state, each.attempt) for each in (first, too_soon, second)]
    assert looks == [(ItemState.UNKNOWN, 1), (ItemState.UNKNOWN, 1), (ItemState.QUEUED, 2)]
    assert (paid.state, paid.stripe_key) == (ItemState.PAID, f"payout-item-{paid.public_id}-a2")
    assert [each["amount"] for each in stripe_at_hand.transfers()] == [120_00]


def test_a_look_that_fails_changes_nothing(stripe_at_hand: StripeAtHand) -> None:
    item = started(an_approved_run(stripe_at_hand, 120))
    stripe_at_hand.order("faults", path="/v1/transfers$", action="after_drop", method="POST")
    carried(item)
    stripe_at_hand.order("faults", path="/v1/transfers$", action="before_drop", method="GET")

    item = carried(item, after=timedelta(minutes=1))

    assert (item.state, item.attempt, in_flight()) == (ItemState.UNKNOWN, 1, 120_00)


def test_a_second_transfer_for_one_item_stops_the_run(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    item = started(run)
    stripe_at_hand.fund(500_00)
    params = {
        "amount": 120_00,
        "currency": "usd",
        "destination": item.destination,
        "transfer_group": run.public_id,
        "metadata": {"payout_item": item.public_id},
    }
    for _ in range(2):
        stripe_at_hand.library().v1.transfers.create(params=params)  # type: ignore[arg-type]  # By somebody's hand.
    sending.take_step(item.pk, now=app_now())

    item = carried(item)

    run.refresh_from_db()
    assert run.state == RunState.PAUSED
    assert run.reason.startswith(f"Stripe has other transfers for {item.public_id}")


def test_a_paused_run_sends_nothing_more(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    item = started(run)
    sending.pause_sending(run, reason="Stop", now=app_now(), by=make_operator("finance", name="Ines"))

    item = carried(item)

    assert (item.state, stripe_at_hand.transfers()) == (ItemState.QUEUED, [])


def test_the_job_of_an_approval_that_runs_again_leaves_a_paused_run_paused(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    started(run)
    sending.pause_sending(run, reason="Stop", now=app_now(), by=make_operator("finance", name="Ines"))

    jobs.send_run(str(run.pk))

    run.refresh_from_db()
    assert run.state == RunState.PAUSED


@pytest.mark.parametrize("crash_after", ["take_step", "call"])
def test_a_crash_between_the_steps_pays_once(stripe_at_hand: StripeAtHand, crash_after: str) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    item = started(run)
    step = sending.take_step(item.pk, now=app_now())
    assert step is not None
    if crash_after == "call":
        gateway.create_transfer(step.order)
    stripe_at_hand.order("expire_keys")

    item = carried(item, after=timedelta(minutes=2))

    assert item.state == ItemState.PAID
    assert [each["amount"] for each in stripe_at_hand.transfers()] == [120_00]


def test_a_stalled_item_is_taken_up_by_the_sweep(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    item = started(run)
    sending.take_step(item.pk, now=app_now())
    OutboxItem.objects.all().update(done_at=app_now())  # As if every message about it were spent.

    pass_time(timedelta(hours=1))
    found = sending.make_stalled_items_due(now=app_now())
    drain()

    assert (found, items_of(run)[0].state, state_of(run)) == (1, ItemState.PAID, RunState.COMPLETED)


def test_calls_are_spaced_over_all_processes(stripe_at_hand: StripeAtHand, settings: Settings) -> None:
    run = an_approved_run(stripe_at_hand, 10, 20, 30, 40, 50)
    settings.STRIPE_SENDS_PER_SECOND = 10
    sending.start_sending(run, now=app_now())
    begun = app_now()

    for item in items_of(run):
        sending.carry_item(item.pk)

    assert app_now() - begun >= timedelta(seconds=0.5)
    assert state_of(run) == RunState.COMPLETED
