"""A payout run under random faults and crashes: no item is paid twice and the ledger is Stripe's, to the cent.

The same checker must catch the two mistakes that are easiest to make: a random key on each try, and giving the money
back to queue anew after a timeout. ``bin/drill payouts`` does all this with 1,000 items and ten seeds.
"""

from __future__ import annotations

import os
import random
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from pytest_django import Settings

from bench.payees import an_approved_run, experts_who_earned, people_of_finance
from kernel.db import app_now
from payments import ledger, sending
from payments.gateways import stripe as gateway
from payments.gateways.errors import Ambiguous, GatewayError, Reason, RefusedByStripe
from payments.gateways.types import Transfer, TransferOrder
from payments.models import PayoutItem, PayoutRun
from payments.rates import week_of
from payments.reconciliation import reconcile
from payments.states import ItemState, RunState
from tests.payments.sending_cast import pass_time
from tests.stripe_fixture import StripeAtHand, stripe_at_hand, stripe_server

__all__ = ["stripe_at_hand", "stripe_server"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

ITEMS = int(os.environ.get("DRILL_ITEMS", "12"))
SEEDS = range(1, int(os.environ.get("DRILL_SEEDS", "3")) + 1)
FAULTS = ["after_timeout", "after_drop", "before_drop", "429", "503", "500_after", "409"]
FAULT_SHARE, CRASH_SHARE, PRUNE_SHARE = 0.4, 0.15, 0.1
# Where a worker may die: around the call and the look, before a transaction commits, and after the answer is written.
CRASHES = ["before the call", "after the call", "after the look", "before the commit", "after the answer"]
FIRST = 3
MOST_STEPS = ITEMS * 30

Carry = Callable[[uuid.UUID], None]


class Crash(Exception):
    """The worker died."""


@dataclass
class Books:
    """What must hold at the end, and what was found."""

    paid_twice: list[str]
    overpaid_minor: int
    ledger_minor: int
    stripe_minor: int
    in_flight_minor: int

    @property
    def are_right(self) -> bool:
        return not self.paid_twice and not self.overpaid_minor and self.ledger_minor == self.stripe_minor


def simulate(stripe: StripeAtHand, dice: random.Random, run: PayoutRun, carry: Carry) -> None:
    """Carry random items, under faults, crashes and forgotten keys, until the run is over."""
    for _ in range(MOST_STEPS):
        still_open = run.items.filter(state__in=sending.OPEN_STATES)
        open_items = list(still_open.values_list("pk", flat=True).order_by("pk"))
        if not open_items:
            return
        order_fault(stripe, dice)
        with suppress(Crash):
            carry(dice.choice(open_items))
        stripe.clear_faults()
        if dice.random() < PRUNE_SHARE:
            stripe.order("expire_keys")
        with suppress(Crash):
            resume(run)
        pass_time(timedelta(minutes=dice.choice([1, 20])))


def order_fault(stripe: StripeAtHand, dice: random.Random) -> None:
    if dice.random() < FAULT_SHARE:
        fault, times = dice.choice(FAULTS), dice.choice([1, 1, 2])
        stripe.order("faults", path="/v1/transfers$", method="POST", action=fault, times=times)


def resume(run: PayoutRun) -> None:
    run.refresh_from_db()
    if run.state == RunState.PAUSED:
        sending.start_sending(run, now=app_now())


def audit_books(stripe: StripeAtHand, run: PayoutRun) -> Books:
    """Compare our rows and our ledger with what Stripe did."""
    transfers = stripe.transfers(run.public_id)
    per_item = Counter(each["metadata"]["payout_item"] for each in transfers)
    return Books(
        paid_twice=[item for item, times in per_item.items() if times > 1],
        overpaid_minor=sum(each["amount"] for each in transfers) - run.total_minor,
        ledger_minor=ledger.balance(ledger.stripe_available("USD")).minor,
        stripe_minor=stripe.available(),
        in_flight_minor=ledger.balance(ledger.payout_in_flight("USD")).minor,
    )


class Crashes:
    """Lets the worker die now and then at each step of the sender, or the first three times at one of them."""

    def __init__(self, dice: random.Random, monkeypatch: pytest.MonkeyPatch, only: str = "") -> None:
        self.dice, self.only, self.deaths = dice, only, 0
        create, find, move, finish = gateway.create_transfer, gateway.find_transfers, sending.move, sending.finish_run

        def create_transfer(order: TransferOrder) -> Transfer:
            self.maybe("before the call")
            made = create(order)
            self.maybe("after the call")
            return made

        def find_transfers(group: str, *, destination: str = "") -> list[Transfer]:
            found = find(group, destination=destination)
            self.maybe("after the look")
            return found

        def move_and_die(*args: Any, **kwargs: Any) -> str:
            was = move(*args, **kwargs)
            self.maybe("before the commit")
            return was

        def finish_run(*args: Any, **kwargs: Any) -> None:
            self.maybe("after the answer")
            finish(*args, **kwargs)

        monkeypatch.setattr(gateway, "create_transfer", create_transfer)
        monkeypatch.setattr(gateway, "find_transfers", find_transfers)
        monkeypatch.setattr(sending, "move", move_and_die)
        monkeypatch.setattr(sending, "finish_run", finish_run)

    def maybe(self, place: str) -> None:
        if (place == self.only and self.deaths < FIRST) or (not self.only and self.dice.random() < CRASH_SHARE):
            self.deaths += 1
            raise Crash


@pytest.fixture
def run(stripe_at_hand: StripeAtHand, settings: Settings) -> PayoutRun:
    """Give an approved run that is being sent, with more money at Stripe than mistakes can use up."""
    settings.STRIPE_NETWORK_RETRIES = 0
    settings.STRIPE_SENDS_PER_SECOND = 1_000
    now = app_now()
    week, finance = week_of(now) - timedelta(days=7), people_of_finance(now)
    experts_who_earned(stripe_at_hand.sandbox, ITEMS, week=week, by=finance[0], now=now)
    approved = an_approved_run(week, finance, now=now)
    sending.start_sending(approved, now=app_now())
    return approved


@pytest.mark.parametrize("seed", SEEDS)
def test_under_faults_and_crashes_everybody_is_paid_once(
    stripe_at_hand: StripeAtHand, run: PayoutRun, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    dice = random.Random(seed)
    with monkeypatch.context() as patches:
        Crashes(dice, patches)
        simulate(stripe_at_hand, dice, run, sending.carry_item)

    sending.finish_run(run.pk, now=app_now())
    run.refresh_from_db()
    books = audit_books(stripe_at_hand, run)
    assert books.are_right, books
    assert (run.state, books.in_flight_minor) == (RunState.COMPLETED, 0)
    assert set(run.items.values_list("state", flat=True)) == {ItemState.PAID}
    assert (reconcile().found, PayoutRun.objects.get().state) == (0, RunState.RECONCILED)


@pytest.mark.parametrize("place", CRASHES)
def test_wherever_the_sender_dies_everybody_is_paid_once(
    stripe_at_hand: StripeAtHand, run: PayoutRun, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    dice = random.Random(4)
    with monkeypatch.context() as patches:
        crashes = Crashes(dice, patches, only=place)
        simulate(stripe_at_hand, dice, run, sending.carry_item)

    books = audit_books(stripe_at_hand, run)
    assert (crashes.deaths, books.in_flight_minor) == (FIRST, 0)
    assert books.are_right, books


def carry_with_random_keys(item_id: uuid.UUID) -> None:
    """Make the first mistake: trust a fresh key on each try instead of looking."""
    step = sending.take_step(item_id, now=app_now())
    if step is None:
        return  # The run is paused.
    order = replace(step.order, key=uuid.uuid4().hex)
    try:
        sending.confirm_item(step, [gateway.create_transfer(order)], now=app_now())
    except GatewayError as error:
        sending.put_off(step, error, now=app_now())


def carry_giving_back(item_id: uuid.UUID) -> None:
    """Make the second mistake: take a lost answer for a refusal, give the money back and queue anew."""
    step = sending.take_step(item_id, now=app_now())
    if step is None:
        return  # The run is paused.
    try:
        sending.confirm_item(step, [gateway.create_transfer(step.order)], now=app_now())
    except Ambiguous as lost:
        refusal = RefusedByStripe(lost.detail, code="lost", reason=Reason.BALANCE)
        sending.refuse_item(step, refusal, now=app_now())
    except GatewayError as error:
        sending.put_off(step, error, now=app_now())


@pytest.mark.parametrize("mistake", [carry_with_random_keys, carry_giving_back])
def test_the_two_classic_mistakes_are_caught(
    stripe_at_hand: StripeAtHand, run: PayoutRun, monkeypatch: pytest.MonkeyPatch, mistake: Carry
) -> None:
    stripe_at_hand.fund(run.total_minor * 3)
    dice = random.Random(1)
    Crashes(dice, monkeypatch)

    simulate(stripe_at_hand, dice, run, mistake)

    books = replace(audit_books(stripe_at_hand, run), ledger_minor=0, stripe_minor=0)
    assert books.paid_twice
    assert books.overpaid_minor > 0
    assert PayoutItem.objects.filter(run=run, state=ItemState.PAID).exists()
