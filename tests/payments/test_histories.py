"""Any legal history of money keeps every law and identity after each step: claims, runs, refusals, reversals."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import count
from typing import TypeVar

import pytest
from django.db import transaction
from django.db.models import Model, QuerySet
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from kernel.errors import LostRace, Refused
from kernel.money import Money, usd
from payments import actions, credits, sending
from payments.checks import breaches
from payments.gateways.errors import Ambiguous, Reason, RefusedByStripe
from payments.gateways.types import Reversal, Transfer
from payments.models import Account, Funding, Hold, PayLine, PayoutItem, PayoutRun
from payments.queries import lab_funds
from payments.rates import week_of
from payments.states import IN_FLIGHT_STATES, FundingState, HoldState, ItemState, PayLineState, RunState
from payments.stripe_events import book_reversals
from tests.payments.factories import (
    NOW,
    a_claim,
    a_funded_lab,
    a_payable_expert,
    a_payment,
    a_project,
    finance,
    hold_for,
    settle,
)

pytestmark = pytest.mark.django_db

# Twenty short histories in CI; HISTORIES=2000 HISTORY_STEPS=60 looks for longer ones by night.
HISTORIES, STEPS = int(os.environ.get("HISTORIES", "20")), int(os.environ.get("HISTORY_STEPS", "30"))
WEEK = timedelta(days=7)
REFUSALS = [Reason.BALANCE, Reason.NOT_PAYABLE, Reason.OTHER]
CENTS, PICKS = st.integers(1, 400_00), st.integers(0, 9)
_numbers = count(1)
Row = TypeVar("Row", bound=Model)


class Histories(RuleBasedStateMachine):
    """A house with one lab, two projects and two experts, in a transaction that is rolled back at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        self.block._from_testcase = True  # Actions may commit inside it, as inside a test's own.
        self.block.__enter__()
        self.now = NOW
        self.lab = a_funded_lab(3_000_00)
        self.owner = self.lab.members.get().user
        self.projects = [a_project(self.lab, 700_00) for _ in range(2)]
        self.experts = [a_payable_expert(name) for name in ("Cyd Marlowe", "Dov Adler")]
        self.people = [finance(name) for name in ("Ada Byron", "Bo Chen", "Ines Costa")]
        for number in range(4):  # So that histories begin where there is something to decide and to send.
            self.claim(number, 90_00, number % 2)
            self.decide(number, 90, is_accepted=True)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    # A lab pays in, and gives budgets

    @rule(minor=st.integers(10_00, 900_00))
    def fund(self, minor: int) -> None:
        actions.start_funding(self.lab, usd(minor), by=self.owner, now=self.now)

    @precondition(lambda self: open_fundings().exists())
    @rule(
        pick=PICKS,
        fee=st.integers(0, 9_00),
        is_settled=st.booleans(),
        status=st.sampled_from(["succeeded", "canceled"]),
    )
    def hear_of_funding(self, pick: int, fee: int, is_settled: bool, status: str) -> None:
        funding = picked(open_fundings(), pick)
        paid = a_payment(funding, status=status, fee=funding.fee_minor or fee, is_settled=is_settled)
        actions.confirm_funding(funding.pk, paid, now=self.now)

    @rule(pick=PICKS, minor=CENTS, is_back=st.booleans())
    def allocate(self, pick: int, minor: int, is_back: bool) -> None:
        move = credits.deallocate if is_back else credits.allocate
        with legally():
            move(lab=self.lab, project=self.project(pick), amount=usd(minor), key=a_key(), at=self.now)

    # Claims

    @rule(pick=PICKS, work=CENTS, parts=st.integers(0, 2))
    def claim(self, pick: int, work: int, parts: int) -> None:
        with legally():
            hold_for(self.lab, self.project(pick), work=work, review=work // 3, parts=parts, at=self.now)

    @precondition(lambda self: open_holds().exists())
    @rule(pick=PICKS, minor=CENTS)
    def raise_cap(self, pick: int, minor: int) -> None:
        with legally():
            credits.raise_hold(picked(open_holds(), pick), by_minor=minor, key=a_key(), at=self.now)

    @precondition(lambda self: open_holds().exists())
    @rule(pick=PICKS)
    def take_review(self, pick: int) -> None:
        with legally():
            credits.take_review_part(picked(open_holds(), pick), subject=a_claim(), at=self.now)

    @precondition(lambda self: open_holds().filter(parent__isnull=False).exists())
    @rule(pick=PICKS)
    def give_review_back(self, pick: int) -> None:
        part = picked(open_holds().filter(parent__isnull=False), pick)
        with legally():
            credits.give_back_review_part(part, at=self.now)

    @precondition(lambda self: open_holds().exists())
    @rule(pick=PICKS, share=st.integers(0, 100), is_accepted=st.booleans())
    def decide(self, pick: int, share: int, is_accepted: bool) -> None:
        hold = picked(open_holds(), pick)
        cents = hold.amount_minor * share // 125  # With the fee it is at most what is held.
        reason = "accepted" if is_accepted else "rejected"
        expert = self.experts[pick % 2]
        with legally():
            settle(
                hold, expert, 3_600 * bool(cents), rate=max(cents, 1), reason=reason, with_fee=is_accepted, at=self.now
            )

    @precondition(lambda self: open_holds().exists())
    @rule(pick=PICKS)
    def release(self, pick: int) -> None:
        with legally():
            credits.release(picked(open_holds(), pick), reason="released", at=self.now)

    # Payouts

    @precondition(lambda self: PayLine.objects.filter(state=PayLineState.AVAILABLE).exists())
    @rule(is_sent=st.booleans())
    def run_the_week(self, is_sent: bool) -> None:
        builder, *others = self.people
        week, self.now = week_of(self.now), self.now + WEEK
        with suppress(Refused):  # Nobody has a dollar yet.
            run = actions.build_run(week, by=builder, now=self.now)
            run = actions.submit_run(run, by=builder, now=self.now)
            if not is_sent:
                actions.reject_run(run, by=others[0], reason="Not this one", now=self.now)
                actions.cancel_run(run, by=builder, reason="Not this one", now=self.now)
                return
            actions.approve_run(run, by=others[0], now=self.now)
            sending.start_sending(PayoutRun.objects.get(pk=run.pk), now=self.now)

    @precondition(lambda self: items_in(ItemState.QUEUED).exists())
    @rule(pick=PICKS)
    def send(self, pick: int) -> None:
        sending.take_step(picked(items_in(ItemState.QUEUED), pick).pk, now=self.now)

    @precondition(lambda self: items_in(*IN_FLIGHT_STATES).exists())
    @rule(pick=PICKS, outcome=st.sampled_from(["paid", "unclear", *REFUSALS]))
    def hear_of_item(self, pick: int, outcome: str) -> None:
        item = picked(items_in(*IN_FLIGHT_STATES), pick)
        step = sending.step_of(item)
        if outcome == "paid":
            sending.confirm_item(step, [transfer_of(item)], now=self.now)
        elif outcome == "unclear":
            sending.put_off(step, Ambiguous("No answer"), now=self.now)
        else:
            sending.refuse_item(step, RefusedByStripe("No", code=outcome, reason=Reason(outcome)), now=self.now)
        sending.finish_run(item.run_id, now=self.now)

    @precondition(lambda self: items_in(ItemState.FAILED, ItemState.BLOCKED).exists())
    @rule(pick=PICKS, is_retried=st.booleans())
    def take_up_again(self, pick: int, is_retried: bool) -> None:
        item = picked(items_in(ItemState.FAILED, ItemState.BLOCKED), pick)
        self.now += timedelta(minutes=1)  # It is after the run was submitted.
        if is_retried:
            actions.retry_item(item, by=self.people[0], now=self.now)
        else:
            actions.cancel_item(item, by=self.people[0], reason="Not this week", now=self.now)
        paused = PayoutRun.objects.filter(pk=item.run_id, state__in=[RunState.PARTIAL, RunState.PAUSED])
        for run in paused:
            sending.start_sending(run, now=self.now)
        sending.finish_run(item.run_id, now=self.now)

    @precondition(lambda self: items_in(ItemState.PAID).exists())
    @rule(pick=PICKS, share=st.integers(1, 4))
    def reverse(self, pick: int, share: int) -> None:
        item = picked(items_in(ItemState.PAID), pick)
        if minor := item.amount_minor * share // 4:
            book_reversals(item, [Reversal(f"trr_{next(_numbers)}", minor)], now=self.now)

    # What holds after each step

    @invariant()
    def every_law_and_identity_holds(self) -> None:
        assert breaches() == []

    @invariant()
    def the_labs_numbers_add_up_to_what_it_paid_in(self) -> None:
        funds = lab_funds(self.lab, "USD")
        confirmed = Funding.objects.filter(lab=self.lab, succeeded_at__isnull=False)
        paid_in = sum(confirmed.values_list("amount_minor", flat=True))
        assert usd(paid_in) == funds.prepaid == funds.allocated + funds.held + funds.spent + funds.available

    @invariant()
    def nothing_is_below_nothing(self) -> None:
        kinds = Account.objects.filter(kind="liability").values_list("code", "balance")
        assert [code for code, balance in kinds if balance > 0] == []

    def project(self, pick: int) -> str:
        return self.projects[pick % 2]


def a_key() -> str:
    """Return a natural key that was never used."""
    return f"history-{next(_numbers)}"


def open_fundings() -> QuerySet[Funding]:
    """List payments that Stripe has not spoken its last word about."""
    return Funding.objects.filter(state__in=[FundingState.CREATED, FundingState.SUCCEEDED])


def open_holds() -> QuerySet[Hold]:
    """List holds that can be settled."""
    return Hold.objects.filter(state=HoldState.OPEN)


def items_in(*states: str) -> QuerySet[PayoutItem]:
    """List payouts in any of these states."""
    return PayoutItem.objects.filter(state__in=states).select_related("run")


def picked(rows: QuerySet[Row], pick: int) -> Row:
    """Return one of the rows, of which there are some."""
    found = list(rows.order_by("pk"))
    return found[pick % len(found)]


def transfer_of(item: PayoutItem) -> Transfer:
    """Return the transfer that Stripe makes for an item."""
    amount = Money(item.amount_minor, item.currency)
    return Transfer(f"tr_{item.public_id}", amount, 0, item.destination, item.run.public_id, item.public_id, NOW)


@contextmanager
def legally() -> Iterator[None]:
    """Try something that may be refused; a refusal leaves no trace."""
    try:
        with transaction.atomic():
            yield
    except (Refused, LostRace):
        return


def test_any_legal_history_keeps_every_law_and_identity() -> None:
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    limits = settings(
        max_examples=HISTORIES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=checks,
        phases=[Phase.generate],  # Looking for a shorter failing history takes minutes; its steps are printed anyhow.
    )

    run_state_machine_as_test(Histories, settings=limits)
