"""Real threads on real PostgreSQL: floors hold, nothing deadlocks, one of two approvers wins."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction

from kernel.errors import LostRace, Refused
from payments import actions, credits, ledger
from payments.credits import BudgetReached
from payments.models import Hold, PayLine, PayoutRun, RunApproval
from payments.states import HoldState
from tests.experts.factories import an_expert
from tests.payments.factories import (
    AFTER_WEEK,
    MONDAY,
    NOW,
    a_claim,
    a_funded_lab,
    a_payable_expert,
    a_project,
    a_submitted_run,
    earn,
    finance,
    hold_for,
    settle,
)

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run each work in a thread of its own, all from the same moment; return outcomes or refusals."""
    start = Barrier(len(works))

    def run(work: Callable[[], object]) -> object:
        start.wait()
        try:
            return work()
        except Refused as refused:
            return type(refused)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_of_fifty_claims_on_a_budget_for_ten_exactly_ten_hold() -> None:
    lab = a_funded_lab(1_000_00)
    project = a_project(lab, 100_05)

    outcomes = at_once(*[lambda: hold_for(lab, project, work=10_00)] * 50)

    assert outcomes.count(BudgetReached) == 40
    assert Hold.objects.filter(project=project, state=HoldState.OPEN).count() == 10
    assert ledger.balance(ledger.project_budget(project, "USD")).minor == 5


def test_transfers_in_opposite_order_do_not_deadlock() -> None:
    lab = a_funded_lab(1_000_00)
    first, second = a_project(lab, 100_00), a_project(lab, 100_00)
    places = [ledger.project_budget(each, "USD") for each in (first, second)]

    def shuttle(number: int) -> int:
        source, target = places if number % 2 else places[::-1]
        for turn in range(40):
            with transaction.atomic():
                ledger.post("move", [(source, 1), (target, -1)], key=f"move-{number}-{turn}", at=NOW)
        return number

    outcomes = at_once(*[lambda number=number: shuttle(number) for number in range(8)])

    assert sorted(outcomes) == list(range(8))  # type: ignore[type-var]  # Numbers, or the test failed.
    assert sum(ledger.balance(place).minor for place in places) == 200_00


def test_two_decisions_that_each_pay_the_others_reviewer_do_not_deadlock() -> None:
    lab = a_funded_lab(50_000_00)
    project = a_project(lab, 40_000_00)
    cyd, dov = an_expert("Cyd"), an_expert("Dov")

    def decide(worker: object, reviewer: object) -> int:
        for _ in range(15):
            with transaction.atomic():
                work = hold_for(lab, project, work=120_00, review=60_00, parts=1)
                part = credits.take_review_part(work, subject=a_claim(), at=NOW)
                settle(work, worker, 360)  # type: ignore[arg-type]  # An expert.
                settle(part, reviewer, 60, kind="review", reason="reviewed")  # type: ignore[arg-type]  # An expert.
        return 15

    outcomes = at_once(*[lambda: decide(cyd, dov), lambda: decide(dov, cyd)] * 3)

    assert (outcomes, PayLine.objects.count()) == ([15] * 6, 180)


def test_of_two_settlements_of_one_hold_one_wins() -> None:
    lab, cyd = a_funded_lab(), an_expert()
    hold = hold_for(lab, a_project(lab))

    outcomes = at_once(*[lambda: settle(Hold.objects.get(pk=hold.pk), cyd, 1_800)] * 4)

    assert (outcomes.count(LostRace), PayLine.objects.count()) == (3, 1)


def test_one_key_posted_by_many_at_once_is_one_entry() -> None:
    legs = [(ledger.stripe_available("USD"), 5), (ledger.opening_equity("USD"), -5)]

    def post() -> int:
        with transaction.atomic():
            return ledger.post("float", legs, key="same", at=NOW)

    assert len(set(at_once(*[post] * 8))) == 1


def test_the_last_review_part_is_taken_by_one() -> None:
    lab = a_funded_lab()
    work = hold_for(lab, a_project(lab), review=60_00, parts=1)

    def take() -> Hold:
        with transaction.atomic():
            return credits.take_review_part(work, subject=a_claim(), at=NOW)

    assert at_once(*[take] * 4).count(LostRace) == 3


def test_of_two_builders_of_one_week_one_is_refused() -> None:
    lab = a_funded_lab()
    earn(lab, a_project(lab), a_payable_expert())
    ada, bo = finance("Ada Byron"), finance("Bo Finch")

    outcomes = at_once(*[lambda by=by: actions.build_run(MONDAY, by=by, now=AFTER_WEEK) for by in (ada, bo)])

    assert (outcomes.count(Refused), PayoutRun.objects.count()) == (1, 1)


def test_of_many_presses_of_one_approver_one_counts() -> None:
    run = a_submitted_run(10_000_01)
    bo = finance("Bo Finch")

    at_once(*[lambda: actions.approve_run(run, by=bo, now=AFTER_WEEK)] * 6)

    run.refresh_from_db()
    assert (run.state, RunApproval.objects.count()) == ("PENDING_APPROVAL", 1)
