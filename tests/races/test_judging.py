"""Reviewer, lab and clock at once: work is decided once, and paid once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import Count

from kernel.errors import Refused
from payments import ledger
from payments.models import Hold, PayLine
from tasks.actions import reviews
from tasks.actions.claims import claim_next, resume_returned
from tasks.errors import NothingToClaim
from tasks.models import Claim, Slot
from tasks.states import ClaimState, SlotState
from tests.races.threads import at_once, failures
from tests.tasks.factories import NOW, make_world, submitted

pytestmark = pytest.mark.django_db(transaction=True)

LATE = NOW + timedelta(hours=80)


def test_reviewer_lab_and_clock_decide_each_answer_once_and_pay_it_once() -> None:
    world = make_world(tasks=6, experts=6, reviewers=6)
    handed_in = [submitted(world, 120, expert=expert) for expert in world.experts]
    judging = [(reviewer, claim_next(reviewer, kind="review", now=LATE)) for reviewer in world.reviewers]

    def decide(reviewer_claim: int) -> object:
        reviewer, claim = judging[reviewer_claim]
        return reviews.decide_review(claim.pk, expert=reviewer, fence=1, decision="ACCEPT", now=LATE)

    def accept(number: int) -> object:
        return reviews.lab_accept(handed_in[number], by=world.owner, now=LATE)

    jobs: list[Callable[[], object]] = []
    for number in range(6):
        jobs += [lambda n=number: decide(n), lambda n=number: accept(n)]  # type: ignore[misc]  # The default binds now.
    jobs += [lambda: reviews.accept_by_clock(LATE, 10)] * 2

    outcomes = at_once(lambda job: job(), jobs)

    assert all(isinstance(error, Refused) for error in failures(outcomes))
    assert Claim.objects.filter(kind="work", state=ClaimState.ACCEPTED).count() == 6
    assert PayLine.objects.filter(kind="work").count() == 6
    assert not PayLine.objects.values("subject").annotate(times=Count("pk")).filter(times__gt=1).exists()
    open_holds = sum(Hold.objects.filter(state="OPEN").values_list("amount_minor", flat=True))
    assert ledger.balance(ledger.project_hold(world.project.public_id, "USD")).minor == open_holds


def test_of_six_reviewers_one_is_given_the_one_review() -> None:
    world = make_world(tasks=1, experts=1, reviewers=6)
    submitted(world, 60)

    outcomes = at_once(lambda reviewer: claim_next(reviewer, kind="review", now=LATE), world.reviewers)

    assert len(failures(outcomes, of=NothingToClaim)) == 5
    assert Hold.objects.get(parent=None).review_parts_left == 2


def test_taking_returned_work_up_from_two_tabs_resumes_it_once() -> None:
    world = make_world(tasks=1, experts=1)
    claim = submitted(world, 60).claim
    review = claim_next(world.ada, kind="review", now=NOW + timedelta(hours=1))
    reviews.decide_review(
        review.pk, expert=world.ada, fence=1, decision="RETURN", notes="More.", now=NOW + timedelta(hours=1)
    )

    outcomes = at_once(lambda _: resume_returned(claim, expert=world.cyd, now=NOW + timedelta(hours=2)), range(8))

    claim.refresh_from_db()
    assert len(failures(outcomes, of=Refused)) == len(failures(outcomes)) == 7
    assert (claim.state, claim.fence) == (ClaimState.WORKING, 2)
    assert Slot.objects.get(kind="work").state == SlotState.CLAIMED
