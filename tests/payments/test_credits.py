"""Holds and settlements, to the cent."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from kernel.errors import LostRace, Refused
from kernel.money import usd
from payments import credits, ledger
from payments.credits import BudgetReached, NotEnoughPrepaid
from payments.models import Hold, PayLine
from payments.states import HoldState, PayLineState
from tests.experts.factories import an_expert
from tests.payments.factories import MONDAY, NOW, RATE, a_claim, a_funded_lab, a_project, hold_for, settle

pytestmark = pytest.mark.django_db


def balances(project: str) -> tuple[int, int]:
    """Return a project's free and held money."""
    return (
        ledger.balance(ledger.project_budget(project, "USD")).minor,
        ledger.balance(ledger.project_hold(project, "USD")).minor,
    )


def test_a_budget_comes_out_of_prepaid_and_goes_back() -> None:
    lab = a_funded_lab(1_000_00)
    project = a_project(lab, 600_00)

    credits.deallocate(lab=lab, project=project, amount=usd(100_00), key="back", at=NOW)

    assert (ledger.balance(ledger.lab_prepaid(lab, "USD")), balances(project)) == (usd(500_00), (500_00, 0))


def test_a_budget_beyond_prepaid_is_refused_with_what_is_left() -> None:
    lab = a_funded_lab(1_000_00)

    with pytest.raises(NotEnoughPrepaid, match=r"\$1,000\.00"):
        a_project(lab, 1_000_01)


def test_a_budget_cannot_be_lowered_below_what_is_committed() -> None:
    lab = a_funded_lab()
    project = a_project(lab, 500_00)
    hold_for(lab, project, work=400_00)

    with pytest.raises(BudgetReached, match=r"\$100\.00"):
        credits.deallocate(lab=lab, project=project, amount=usd(100_01), key="back", at=NOW)


@pytest.mark.parametrize("minor", [0, -5])
def test_a_budget_of_nothing_is_refused(minor: int) -> None:
    with pytest.raises(Refused):
        credits.allocate(lab=a_funded_lab(), project="prj_a", amount=usd(minor), key="k", at=NOW)


def test_a_hold_sets_aside_the_work_and_each_review() -> None:
    lab = a_funded_lab()
    project = a_project(lab, 1_000_00)

    hold = hold_for(lab, project, work=312_00, review=90_00, parts=2)

    assert (hold.amount_minor, balances(project)) == (492_00, (508_00, 492_00))


def test_a_hold_takes_the_last_cent_and_not_one_more() -> None:
    lab = a_funded_lab()
    project = a_project(lab, 312_00)
    hold_for(lab, project, work=312_00)

    with pytest.raises(BudgetReached):
        hold_for(lab, project, work=1)

    assert (balances(project), Hold.objects.count()) == ((0, 312_00), 1)


def test_a_hold_costs_two_statements() -> None:
    lab = a_funded_lab()
    project = a_project(lab)

    with CaptureQueriesContext(
        connection,
    ) as asked:
        credits.hold_for_claim(
            lab_id=lab.pk, project=project, subject=a_claim(), work_minor=1_00, review_minor=0, review_parts=0,
            currency="USD", at=NOW,
        )  # fmt: skip

    assert len(asked) == 2


def test_accepted_work_pays_expert_and_fee_and_returns_the_rest() -> None:
    lab, cyd = a_funded_lab(), an_expert()
    project = a_project(lab, 1_000_00)
    hold = hold_for(lab, project, work=312_00)

    line = settle(hold, cyd, 1_800)

    assert line is not None
    assert (line.amount_minor, line.fee_minor, line.state, line.week_start) == (
        130_00,
        26_00,
        PayLineState.AVAILABLE,
        MONDAY,
    )
    assert balances(project) == (844_00, 0)
    assert ledger.balance(ledger.expert_available(cyd, "USD")) == usd(130_00)
    assert ledger.balance(ledger.platform_fee("USD")) == usd(26_00)


def test_rejected_work_is_paid_without_a_fee() -> None:
    lab, cyd = a_funded_lab(), an_expert()
    project = a_project(lab, 1_000_00)

    line = settle(hold_for(lab, project), cyd, 1_800, reason="rejected", with_fee=False)

    assert line is not None
    assert (line.amount_minor, line.fee_minor, balances(project)) == (130_00, 0, (870_00, 0))


def test_the_whole_cap_fits_the_hold_exactly() -> None:
    lab, cyd = a_funded_lab(), an_expert()
    project = a_project(lab, 312_00)

    settle(hold_for(lab, project, work=312_00), cyd, 3_600)

    assert balances(project) == (0, 0)


def test_a_second_over_the_cap_is_a_mistake_that_moves_nothing() -> None:
    lab, cyd = a_funded_lab(), an_expert()
    project = a_project(lab, 312_00)
    hold = hold_for(lab, project, work=312_00)

    with pytest.raises(ValueError, match="does not cover"):
        settle(hold, cyd, 3_601)

    assert (balances(project), PayLine.objects.count()) == ((0, 312_00), 0)


def test_no_time_makes_no_pay_line_and_releases_the_hold() -> None:
    lab, cyd = a_funded_lab(), an_expert()
    project = a_project(lab, 1_000_00)
    hold = hold_for(lab, project)

    line = settle(hold, cyd, 0)

    assert (line, hold.state, balances(project)) == (None, HoldState.RELEASED, (1_000_00, 0))


def test_time_that_rounds_to_nothing_is_still_a_line() -> None:
    lab, cyd = a_funded_lab(), an_expert()
    project = a_project(lab, 1_000_00)

    line = settle(hold_for(lab, project, work=5), cyd, 1, rate=1)

    assert line is not None
    assert (line.seconds, line.amount_minor, balances(project)) == (1, 0, (1_000_00, 0))


def test_a_review_takes_over_its_part_and_settles_it() -> None:
    lab, cyd, bo = a_funded_lab(), an_expert("Cyd"), an_expert("Bo")
    project = a_project(lab, 1_000_00)
    work = hold_for(lab, project, work=312_00, review=120_00, parts=2)

    part = credits.take_review_part(work, subject=a_claim(), at=NOW)
    settle(work, cyd, 3_600)
    settle(part, bo, 600, rate=300_00, kind="review", reason="reviewed")

    assert (part.parent, work.amount_minor, part.state) == (work, 0, HoldState.SETTLED)
    assert ledger.balance(ledger.expert_available(bo, "USD")) == usd(50_00)
    assert balances(project) == (1_000_00 - 312_00 - 60_00, 0)


def test_reviews_beyond_the_parts_are_refused() -> None:
    lab = a_funded_lab()
    work = hold_for(lab, a_project(lab), review=90_00, parts=1)
    credits.take_review_part(work, subject=a_claim(), at=NOW)

    with pytest.raises(LostRace):
        credits.take_review_part(work, subject=a_claim(), at=NOW)


def test_a_part_given_back_can_be_taken_again() -> None:
    lab = a_funded_lab()
    project = a_project(lab, 1_000_00)
    work = hold_for(lab, project, work=312_00, review=90_00, parts=1)
    part = credits.take_review_part(work, subject=a_claim(), at=NOW)

    credits.give_back_review_part(part, at=NOW)
    again = credits.take_review_part(work, subject=a_claim(), at=NOW)

    assert (again.amount_minor, balances(project)) == (90_00, (598_00, 402_00))


def test_a_part_given_back_after_the_work_was_settled_returns_to_the_budget() -> None:
    lab, cyd = a_funded_lab(), an_expert()
    project = a_project(lab, 1_000_00)
    work = hold_for(lab, project, work=312_00, review=90_00, parts=1)
    part = credits.take_review_part(work, subject=a_claim(), at=NOW)
    settle(work, cyd, 3_600)

    credits.give_back_review_part(part, at=NOW)

    assert balances(project) == (688_00, 0)


def test_a_hold_is_raised_once_per_key() -> None:
    lab = a_funded_lab()
    project = a_project(lab, 1_000_00)
    hold = hold_for(lab, project, work=300_00)

    for _ in range(2):
        credits.raise_hold(hold, by_minor=75_00, key="cap-1", at=NOW)

    assert (hold.amount_minor, balances(project)) == (375_00, (625_00, 375_00))


def test_a_hold_is_not_raised_beyond_the_budget() -> None:
    lab = a_funded_lab()
    project = a_project(lab, 310_00)
    hold = hold_for(lab, project, work=300_00)

    with pytest.raises(BudgetReached):
        credits.raise_hold(hold, by_minor=10_01, key="cap-1", at=NOW)

    assert (hold.amount_minor, balances(project)) == (300_00, (10_00, 300_00))


def test_a_hold_is_settled_once() -> None:
    lab, cyd = a_funded_lab(), an_expert()
    project = a_project(lab)
    hold = hold_for(lab, project)
    stale = Hold.objects.get(pk=hold.pk)
    settle(hold, cyd, 1_800)

    with pytest.raises(LostRace), transaction.atomic():
        settle(stale, cyd, 1_800)

    assert PayLine.objects.count() == 1


def test_a_hold_raised_meanwhile_is_not_settled_from_what_was_seen() -> None:
    lab, cyd = a_funded_lab(), an_expert()
    hold = hold_for(lab, a_project(lab))
    stale = Hold.objects.get(pk=hold.pk)
    credits.raise_hold(hold, by_minor=1_00, key="cap-1", at=NOW)

    with pytest.raises(LostRace):
        settle(stale, cyd, 1_800)


def test_a_released_hold_gives_everything_back() -> None:
    lab = a_funded_lab()
    project = a_project(lab, 1_000_00)
    hold = hold_for(lab, project, work=312_00, review=90_00, parts=2)

    credits.release(hold, reason="released", at=NOW)

    assert (hold.state, hold.amount_minor, balances(project)) == (HoldState.RELEASED, 0, (1_000_00, 0))


def test_a_closed_hold_takes_no_part_and_no_raise() -> None:
    lab = a_funded_lab()
    hold = hold_for(lab, a_project(lab), review=90_00, parts=1)
    credits.release(hold, reason="released", at=NOW)

    with pytest.raises(LostRace):
        credits.take_review_part(hold, subject=a_claim(), at=NOW)
    with pytest.raises(LostRace):
        credits.raise_hold(hold, by_minor=1, key="k", at=NOW)


def test_holds_open_when_the_lab_has_no_more_money_are_still_paid() -> None:
    lab, cyd = a_funded_lab(312_00), an_expert()
    project = a_project(lab, 312_00)
    hold = hold_for(lab, project, work=312_00)

    settle(hold, cyd, 3_600)

    assert ledger.balance(ledger.expert_available(cyd, "USD")) == usd(260_00)


@pytest.mark.parametrize(
    ("before_midnight", "week"), [(timedelta(seconds=1), MONDAY), (timedelta(0), MONDAY + timedelta(days=7))]
)
def test_a_line_belongs_to_the_week_of_its_decision(before_midnight: timedelta, week: object) -> None:
    lab, cyd = a_funded_lab(), an_expert()
    midnight = NOW.replace(day=16, hour=0)

    line = settle(hold_for(lab, a_project(lab)), cyd, 60, at=midnight - before_midnight)

    assert line is not None
    assert line.week_start == week


def test_the_rate_paid_is_the_one_handed_in_whatever_the_card_says_now() -> None:
    lab, cyd = a_funded_lab(), an_expert()

    line = settle(hold_for(lab, a_project(lab)), cyd, 3_600, rate=RATE - 1)

    assert line is not None
    assert line.amount_minor == RATE - 1


@pytest.mark.django_db(transaction=True)
def test_steps_refuse_to_run_outside_a_transaction() -> None:
    lab, cyd = a_funded_lab(), an_expert()
    project = a_project(lab)
    hold = hold_for(lab, project)

    for step in (
        lambda: credits.release(hold, reason="released", at=NOW),
        lambda: credits.take_review_part(hold, subject="clm_x", at=NOW),
        lambda: credits.allocate(lab=lab, project=project, amount=usd(1), key="k", at=NOW),
        lambda: credits.settle(
            hold, expert=cyd, seconds=1, rate_minor=1, tier=1, card_version=1, fee_bps=0, kind="work",
            reason="accepted", with_fee=True, at=NOW,
        ),
    ):  # fmt: skip
        with pytest.raises(RuntimeError):
            step()
