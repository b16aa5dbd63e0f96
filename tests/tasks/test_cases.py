"""Cases: who may ask about which work, who decides, and what a decision pays, overturns or takes back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from accounts.models import AuditEvent, Notification, User
from accounts.outbox import drain
from experts.models import Case, CaseDecision
from kernel.errors import IllegalMove, Invalid, Refused
from labs.models import Event
from payments import ledger
from payments.actions import build_run
from payments.cases import AlreadySent
from payments.checks import breaches
from payments.models import PayLine
from payments.queries import lab_funds
from payments.rates import week_of
from payments.states import PayLineState
from tasks.actions import cases
from tasks.actions.reviews import decide_review
from tasks.errors import NotYours
from tasks.models import Claim
from tasks.spending import spend_rows
from tests.accounts.factories import make_operator
from tests.payments.factories import make_payable
from tests.tasks.factories import NOW, World, claim_for, make_world, submitted, work

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WHY = "The rejection says that the dose is wrong, while the label that I cite gives exactly this dose."
RATE_MINOR = 18_000  # An hour at tier 3.


@pytest.fixture
def world() -> World:
    return make_world()


def decided(world: World, decision: str, seconds: int = 600, *, since: datetime = NOW) -> Claim:
    """Return Cyd's work of so many seconds, judged by Ada an hour later."""
    submission = submitted(world, seconds, now=since)
    review = claim_for(world.ada, kind="review", now=since + HOUR)
    end = work(review, world.ada, 60, since=since + HOUR)
    decide_review(review.pk, expert=world.ada, fence=1, decision=decision, category="incorrect", notes=WHY * 2, now=end)
    return Claim.objects.select_related("expert__user").get(pk=submission.claim_id)


def ask(world: World, claim: Claim, kind: str = "review", *, now: datetime = NOW + DAY, words: str = WHY) -> Case:
    return cases.open_case(claim.pk, kind=kind, by=world.cyd.user, expert=world.cyd, words=words, now=now)


def settle(case: Case, by: User, outcome: str, *, seconds: int = 0, now: datetime = NOW + 2 * DAY) -> CaseDecision:
    cases.take_case(case.pk, by=by, now=now)
    return cases.decide_case(case.pk, by=by, outcome=outcome, seconds=seconds, reasons=WHY, now=now)


def lines() -> list[tuple[str, int, int, str]]:
    """Return Cyd's pay lines, oldest first."""
    rows = PayLine.objects.filter(kind="work").order_by("decided_at", "pk")
    return [(row.reason, row.seconds, row.amount_minor, row.state) for row in rows]


def tess() -> User:
    return make_operator("trust", name="Tess")


def test_an_overturned_rejection_is_marked_and_pays_what_it_adds(world: World) -> None:
    claim = decided(world, "REJECT")

    settle(ask(world, claim), tess(), "upheld", seconds=300)

    claim.refresh_from_db()
    assert (claim.state, claim.overturned_at) == ("REJECTED", NOW + 2 * DAY)
    assert lines() == [("rejected", 600, 3_000, "AVAILABLE"), ("case", 300, 1_500, "AVAILABLE")]
    assert ledger.balance(ledger.expert_available(world.cyd, "USD")).minor == 4_500
    assert breaches() == []


def test_a_dismissal_changes_nothing_but_what_is_known(world: World) -> None:
    claim = decided(world, "REJECT")

    settle(ask(world, claim), tess(), "dismissed")

    claim.refresh_from_db()
    assert (claim.overturned_at, lines()) == (None, [("rejected", 600, 3_000, "AVAILABLE")])


def test_an_appeal_is_decided_by_another_person_and_is_the_last_word(world: World) -> None:
    claim, first, second = decided(world, "REJECT"), tess(), tess()
    case = ask(world, claim)
    settle(case, first, "dismissed")
    cases.appeal_case(case.pk, side="expert", by=world.cyd.user, words=WHY, now=NOW + 3 * DAY)

    with pytest.raises(Refused, match="somebody else"):
        cases.take_case(case.pk, by=first, now=NOW + 3 * DAY)
    settle(case, second, "upheld", seconds=60, now=NOW + 4 * DAY)

    case.refresh_from_db()
    assert (case.state, case.first, case.second) == ("FINAL", first, second)
    assert [(row.round, row.outcome) for row in case.decisions.all()] == [(1, "dismissed"), (2, "upheld")]
    assert lines()[-1] == ("case", 60, 300, "AVAILABLE")


def test_the_database_itself_wants_a_second_person(world: World) -> None:
    case, one = ask(world, decided(world, "REJECT")), tess()
    cases.take_case(case.pk, by=one, now=NOW + DAY)

    with pytest.raises(IntegrityError, match="case_second_is_another_person"), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(second=one)


def test_a_decision_never_changes(world: World) -> None:
    decision = settle(ask(world, decided(world, "REJECT")), tess(), "dismissed")

    for change in (lambda rows: rows.update(outcome="upheld"), lambda rows: rows.delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change(CaseDecision.objects.filter(pk=decision.pk))


def test_only_the_side_that_lost_appeals_and_only_for_seven_days(world: World) -> None:
    case = ask(world, decided(world, "REJECT"))
    settle(case, tess(), "dismissed")

    for side, at in (("lab", NOW + 3 * DAY), ("expert", NOW + 9 * DAY + timedelta(seconds=1))):
        with pytest.raises(Refused, match="appealed"):
            cases.appeal_case(case.pk, side=side, by=world.cyd.user, words=WHY, now=at)

    assert cases.close_settled(NOW + 9 * DAY, 10) == 0
    assert cases.close_settled(NOW + 9 * DAY + timedelta(seconds=1), 10) == 1


@pytest.mark.parametrize(
    ("decision", "kind", "later", "refusal"),
    [
        ("ACCEPT", "review", DAY, "Only work that was rejected"),
        ("REJECT", "refund", DAY, "not for you to ask"),
        ("REJECT", "withholding", DAY, "not for you to ask"),
        ("REJECT", "review", 8 * DAY, "Seven days have passed"),
    ],
)
def test_what_cannot_be_asked_is_said(world: World, decision: str, kind: str, later: timedelta, refusal: str) -> None:
    claim = decided(world, decision)

    with pytest.raises(Refused, match=refusal):
        ask(world, claim, kind, now=NOW + later)

    assert not Case.objects.exists()


def test_nothing_is_asked_before_a_decision_or_of_somebody_elses_work_or_twice(world: World) -> None:
    undecided = submitted(world).claim
    with pytest.raises(Refused, match="Nothing is decided"):
        ask(world, undecided)
    with pytest.raises(NotYours):
        cases.open_case(undecided.pk, kind="time", by=world.dov.user, expert=world.dov, words=WHY, now=NOW)

    claim = Claim.objects.get(pk=undecided.pk)
    end = work(claim_for(world.ada, kind="review"), world.ada, 60, since=NOW)
    review = Claim.objects.get(kind="review")
    decide_review(review.pk, expert=world.ada, fence=1, decision="ACCEPT", now=end)
    ask(world, claim, "time")
    with pytest.raises(Refused, match="asked this already"):
        ask(world, claim, "time")


def test_no_more_time_is_added_than_the_cap_leaves(world: World) -> None:
    case, by = ask(world, decided(world, "ACCEPT", seconds=900), "time"), tess()
    cases.take_case(case.pk, by=by, now=NOW + DAY)

    for seconds in (0, 301):
        with pytest.raises(Invalid, match="Between 1 and 300"):
            cases.decide_case(case.pk, by=by, outcome="upheld", seconds=seconds, reasons=WHY, now=NOW + DAY)
    cases.decide_case(case.pk, by=by, outcome="upheld", seconds=300, reasons=WHY, now=NOW + DAY)

    assert lines() == [("accepted", 900, 4_500, "AVAILABLE"), ("case", 300, 1_500, "AVAILABLE")]


def test_where_the_budget_does_not_cover_it_the_platform_pays(world: World) -> None:
    claim = decided(world, "REJECT")
    left = ledger.balance(ledger.project_budget(world.project.public_id, "USD"))
    with transaction.atomic():
        ledger.post(
            "deallocate",
            [
                (ledger.project_budget(world.project.public_id, "USD"), left.minor),
                (ledger.lab_prepaid(world.lab, "USD"), -left.minor),
            ],
            key="emptied",
            at=NOW,
        )

    settle(ask(world, claim), tess(), "upheld", seconds=300)

    assert ledger.balance(ledger.goodwill_expense("USD")).minor == 1_500
    assert ledger.balance(ledger.expert_available(world.cyd, "USD")).minor == 4_500


def test_a_refund_comes_from_the_platform_and_the_expert_keeps_the_pay(world: World) -> None:
    claim = decided(world, "ACCEPT")
    before = ledger.balance(ledger.project_budget(world.project.public_id, "USD")).minor
    case = cases.open_case(claim.pk, kind="refund", by=world.owner, lab=world.lab, words=WHY, now=NOW + DAY)

    settle(case, tess(), "upheld")

    line = PayLine.objects.get(kind="work")
    cost = line.amount_minor + line.fee_minor
    assert ledger.balance(ledger.project_budget(world.project.public_id, "USD")).minor == before + cost
    assert ledger.balance(ledger.goodwill_expense("USD")).minor == cost
    assert line.state == PayLineState.AVAILABLE
    assert breaches() == []


def withhold(world: World, claim: Claim, *, by: User) -> Case:
    return cases.open_case(claim.pk, kind="withholding", by=by, words=WHY, now=NOW + DAY)


def test_pay_is_withheld_by_a_second_operator_and_comes_back_on_appeal(world: World) -> None:
    claim, opener, first, second = decided(world, "ACCEPT"), tess(), tess(), tess()
    case = withhold(world, claim, by=opener)
    with pytest.raises(Refused, match="You opened this case"):
        cases.take_case(case.pk, by=opener, now=NOW + DAY)

    settle(case, first, "upheld")
    withheld = lines()
    cases.appeal_case(case.pk, side="expert", by=world.cyd.user, words=WHY, now=NOW + 3 * DAY)
    settle(case, second, "dismissed", now=NOW + 4 * DAY)

    assert withheld == [("accepted", 600, 3_000, "VOID")]
    assert lines() == [("accepted", 600, 3_000, "VOID"), ("case", 600, 3_000, "AVAILABLE")]
    assert ledger.balance(ledger.expert_available(world.cyd, "USD")).minor == 3_000
    assert breaches() == []


@pytest.mark.parametrize("kinds", [("refund", "withholding"), ("withholding", "refund")])
def test_work_refunded_and_withheld_costs_its_lab_nothing_and_gives_it_nothing(
    world: World, kinds: tuple[str, str]
) -> None:
    before = lab_funds(world.lab, "USD")
    claim = decided(world, "ACCEPT")
    review = PayLine.objects.get(kind="review")

    for kind in kinds:
        lab = world.lab if kind == "refund" else None
        case = cases.open_case(claim.pk, kind=kind, by=world.owner, lab=lab, words=WHY, now=NOW + DAY)
        settle(case, tess(), "upheld")

    after = lab_funds(world.lab, "USD")
    assert ledger.balance(ledger.goodwill_expense("USD")).minor == 0
    assert ledger.balance(ledger.expert_available(world.cyd, "USD")).minor == 0
    assert (after.prepaid, after.spent.minor) == (before.prepaid, review.amount_minor + review.fee_minor)
    assert breaches() == []


def test_refunded_pay_that_comes_back_on_appeal_is_on_the_house_again(world: World) -> None:
    claim = decided(world, "ACCEPT")
    refund = cases.open_case(claim.pk, kind="refund", by=world.owner, lab=world.lab, words=WHY, now=NOW + DAY)
    settle(refund, tess(), "upheld")
    case = withhold(world, claim, by=tess())
    settle(case, tess(), "upheld")
    cases.appeal_case(case.pk, side="expert", by=world.cyd.user, words=WHY, now=NOW + 3 * DAY)
    before = lab_funds(world.lab, "USD")

    settle(case, tess(), "dismissed", now=NOW + 4 * DAY)

    assert lab_funds(world.lab, "USD") == before
    assert ledger.balance(ledger.goodwill_expense("USD")).minor == 3_000
    assert breaches() == []


def test_what_is_in_a_run_is_not_withheld_and_the_case_stays_undecided(world: World) -> None:
    claim, by = decided(world, "ACCEPT"), tess()
    case = withhold(world, claim, by=tess())
    cases.take_case(case.pk, by=by, now=NOW + DAY)
    make_payable(world.cyd)
    build_run(week_of(NOW), by=make_operator("finance"), now=NOW + 8 * DAY)

    with pytest.raises(AlreadySent):
        cases.decide_case(case.pk, by=by, outcome="upheld", seconds=0, reasons=WHY, now=NOW + 8 * DAY)

    case.refresh_from_db()
    assert (case.state, case.decisions.count()) == ("WITH_FIRST", 0)


@pytest.mark.parametrize("who", ["vetting", "expert", "reviewer", "member"])
def test_nobody_decides_who_has_a_part_in_it(world: World, who: str) -> None:
    case = ask(world, decided(world, "REJECT"))
    person = {
        "vetting": make_operator("vetting"),
        "expert": world.cyd.user,
        "reviewer": world.ada.user,
        "member": world.owner,
    }[who]
    if who != "vetting":
        person.role_grants.create(role="trust", reason="Hired", granted_at=NOW)

    with pytest.raises(Refused):
        cases.take_case(case.pk, by=User.objects.get(pk=person.pk), now=NOW + DAY)


def test_a_case_is_decided_by_who_took_it_and_can_be_left(world: World) -> None:
    case, one, other = ask(world, decided(world, "REJECT")), tess(), tess()
    cases.take_case(case.pk, by=one, now=NOW + DAY)

    with pytest.raises(Refused, match="not in your hands"):
        cases.decide_case(case.pk, by=other, outcome="upheld", seconds=0, reasons=WHY, now=NOW + DAY)
    with pytest.raises(IllegalMove):
        cases.take_case(case.pk, by=other, now=NOW + DAY)
    cases.give_case_back(case.pk, by=one, now=NOW + DAY)

    assert settle(case, other, "upheld").by == other


def test_the_lab_hears_of_it_and_so_do_people_without_any_words(world: World) -> None:
    by = tess()
    case = ask(world, decided(world, "REJECT"))
    drain()
    settle(case, by, "dismissed")
    drain()

    told = Event.objects.filter(kind__startswith="case.").order_by("pk").values_list("kind", "data")
    ids: dict[str, Any] = {"case": case.public_id, "about": "review", "claim": case.subject}
    assert list(told) == [
        ("case.opened", ids),
        ("case.decided", ids | {"outcome": "dismissed", "seconds": 0, "round": 1}),
    ]
    assert Notification.objects.filter(user=by, text="Contested review: a case waits for a person.").count() == 1
    assert Notification.objects.filter(user=world.cyd.user, text__contains="is decided").count() == 1
    assert set(AuditEvent.objects.filter(verb__startswith="case.").values_list("verb", flat=True)) == {
        "case.opened",
        "case.taken",
        "case.decided",
    }


def test_play_work_has_no_cases(world: World) -> None:
    claim = decided(world, "REJECT")
    claim.project.mode = "test"

    assert "Play work" in cases.rules.why_no_case(claim, "review", "expert", NOW + DAY)


def test_a_labs_figures_add_up_whoever_bears_what_a_case_costs(world: World) -> None:
    refunded, added = decided(world, "ACCEPT"), decided(world, "REJECT", since=NOW + 3 * HOUR)
    before = lab_funds(world.lab, "USD")
    refund = cases.open_case(refunded.pk, kind="refund", by=world.owner, lab=world.lab, words=WHY, now=NOW + DAY)

    settle(refund, tess(), "upheld")
    settle(ask(world, added), tess(), "upheld", seconds=120)

    after, line = lab_funds(world.lab, "USD"), PayLine.objects.get(subject=refunded.public_id)
    assert after.prepaid == before.prepaid
    assert (before.spent - after.spent).minor == line.amount_minor + line.fee_minor - 600
    (row,) = spend_rows(world.lab, "USD", by=["batch"])
    assert (row.batch, row.total) == (world.batch.public_id, after.spent)
