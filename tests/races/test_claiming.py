"""Thirty-two at once, on real PostgreSQL with real commits: nothing is given twice, and no budget is passed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import Count, Q

from experts.models import Expert
from kernel.errors import Refused
from payments import ledger
from payments.models import Hold, PayLine
from tasks.actions import claims, submissions, timing
from tasks.actions.claims import claim_next, expire_claims, release_claim
from tasks.errors import NothingToClaim, TakenOver
from tasks.models import Claim, Segment, Slot, Submission
from tasks.queries import batch_progress
from tasks.states import HOLDING, ClaimState, SlotState
from tests.races.threads import at_once, failures
from tests.tasks.factories import NOW, RESPONSE, World, claim_for, make_world, work

pytestmark = pytest.mark.django_db(transaction=True)

HOLD_MINOR = 7_200  # Twenty minutes at $180, with the fee, unreviewed.


def assert_nothing_given_twice(world: World) -> None:
    """Check what must hold over all claims, from the rows alone."""
    held = Q(claims__state__in=HOLDING)
    assert not Slot.objects.annotate(holders=Count("claims", filter=held)).filter(holders__gt=1).exists()
    assert not Claim.objects.values("task", "expert").annotate(times=Count("pk")).filter(times__gt=1).exists()
    live = Claim.objects.filter(state=ClaimState.WORKING).values("expert").annotate(times=Count("pk"))
    assert not live.filter(times__gt=1).exists()
    progress = batch_progress(world.batch)
    assert progress.created == progress.open + progress.claimed + progress.submitted + progress.accepted + progress.void
    assert progress.claimed == Claim.objects.filter(state=ClaimState.WORKING).count()
    open_holds = sum(Hold.objects.filter(state="OPEN").values_list("amount_minor", flat=True))
    assert ledger.balance(ledger.project_hold(world.project.public_id, "USD")).minor == open_holds


def test_thirty_two_experts_empty_two_hundred_slots_and_nothing_is_given_twice() -> None:
    world = make_world(tasks=67, overlap=3, experts=32, reviewers=0, review_policy="none", budget_minor=10**9)

    def claim_and_let_go(expert: Expert) -> int:
        """Claim until nothing is left; every third claim is given back, the others handed on as submitted."""
        taken = 0
        for _ in range(40):
            try:
                claim = claim_next(expert, now=NOW)
            except NothingToClaim as nothing:
                if nothing.reason != "all_held":
                    return taken
                continue
            taken += 1
            if taken % 3 == 0:
                release_claim(claim, expert=expert, reason="", now=NOW)
            else:
                submissions.submit(claim.pk, expert=expert, fence=1, response=RESPONSE, attestations={}, now=NOW)
        return taken

    outcomes = at_once(claim_and_let_go, world.experts)

    assert failures(outcomes) == []
    assert_nothing_given_twice(world)
    assert Slot.objects.filter(state=SlotState.SUBMITTED).count() == 201
    assert Submission.objects.count() == 201


def test_of_thirty_two_who_want_one_slot_one_has_it() -> None:
    world = make_world(tasks=1, experts=32, reviewers=0, review_policy="none")

    outcomes = at_once(lambda expert: claim_next(expert, now=NOW), world.experts)

    assert len(failures(outcomes, of=NothingToClaim)) == 31
    assert len(failures(outcomes)) == 31
    assert_nothing_given_twice(world)


def test_twenty_tabs_of_one_expert_get_one_claim() -> None:
    world = make_world(tasks=30, experts=1, reviewers=0, review_policy="none")

    outcomes = at_once(lambda _: claim_next(world.cyd, now=NOW), range(20))

    refused = failures(outcomes, of=NothingToClaim)
    assert len(refused) == 19
    assert {nothing.reason for nothing in refused if isinstance(nothing, NothingToClaim)} == {"has_live_claim"}
    assert Claim.objects.count() == 1
    assert_nothing_given_twice(world)


def test_twenty_tabs_of_one_claim_have_one_meter() -> None:
    world = make_world(tasks=1, experts=1, reviewers=0, review_policy="none")
    claim = claim_for(world.cyd)
    readings = [
        timing.take_over(claim.pk, expert=world.cyd, session=f"tab {tab}", now=NOW + timedelta(seconds=tab))
        for tab in range(20)
    ]

    def beat(reading: timing.Reading) -> timing.Reading:
        return timing.beat(
            claim.pk,
            expert=world.cyd,
            fence=1,
            nonce=reading.nonce,
            counter=4,
            is_visible=True,
            had_input=True,
            queued=3,
            now=NOW + timedelta(seconds=60),
        )

    outcomes = at_once(beat, readings)

    assert len(failures(outcomes, of=TakenOver)) == 19
    release_claim(claim, expert=world.cyd, reason="", now=NOW + timedelta(seconds=60))
    assert sum((row.during.upper - row.during.lower).total_seconds() for row in Segment.objects.all()) == 60


def test_a_budget_for_ten_makes_ten_claims_for_fifty_who_want_one() -> None:
    world = make_world(
        tasks=60, experts=50, reviewers=0, review_policy="none", budget_minor=10 * HOLD_MINOR + HOLD_MINOR - 1
    )

    outcomes = at_once(lambda expert: claim_next(expert, now=NOW), world.experts)

    refused = failures(outcomes)
    assert len(refused) == 40
    assert {type(error) for error in refused} == {NothingToClaim}
    assert {error.reason for error in refused if isinstance(error, NothingToClaim)} == {"budget_reached"}
    assert ledger.balance(ledger.project_budget(world.project.public_id, "USD")).minor == HOLD_MINOR - 1
    assert_nothing_given_twice(world)


def test_a_double_submit_makes_one_version() -> None:
    world = make_world(tasks=1, experts=1, reviewers=0, review_policy="none")
    claim = claim_for(world.cyd)
    end = work(claim, world.cyd, 300, since=NOW)

    def press(_: int) -> Submission:
        return submissions.submit(claim.pk, expert=world.cyd, fence=1, response=RESPONSE, attestations={}, now=end)

    outcomes = at_once(press, range(16))

    assert failures(outcomes) == []
    assert {outcome.pk for outcome in outcomes if isinstance(outcome, Submission)} == {Submission.objects.get().pk}
    assert Segment.objects.count() == 1


def test_expiry_and_submit_at_the_same_moment_pay_once() -> None:
    world = make_world(tasks=12, experts=12, reviewers=0, review_policy="none")
    jobs = []
    for expert in world.experts:
        claim = claim_for(expert)
        end = work(claim, expert, 120, since=NOW)
        jobs += [("submit", claim, expert, end), ("expire", claim, expert, end + timedelta(minutes=20))]

    def run(job: tuple[str, Claim, Expert, object]) -> object:
        what, claim, expert, at = job
        if what == "expire":
            return expire_claims(at, 100)  # type: ignore[arg-type]  # The time, packed with the rest.
        return submissions.submit(
            claim.pk,
            expert=expert,
            fence=1,
            response=RESPONSE,
            attestations={},
            now=at,  # type: ignore[arg-type]  # The time, packed with the rest.
        )

    outcomes = at_once(run, jobs)

    states = dict(Claim.objects.values_list("state").annotate(Count("pk")).order_by())
    assert all(isinstance(error, Refused) for error in failures(outcomes))
    assert sum(states.values()) == 12
    assert set(states) <= {ClaimState.SUBMITTED, ClaimState.EXPIRED}
    assert Submission.objects.count() == states.get(ClaimState.SUBMITTED, 0)
    assert PayLine.objects.count() == states.get(ClaimState.EXPIRED, 0)
    assert_nothing_given_twice(world)


def test_a_lapsed_claim_goes_to_one_of_many_who_wait_for_it() -> None:
    world = make_world(tasks=1, experts=17, reviewers=0, review_policy="none")
    claim_for(world.cyd)
    later = NOW + timedelta(minutes=20)

    outcomes = at_once(lambda expert: claim_next(expert, now=later), world.experts[1:])

    assert len([outcome for outcome in outcomes if isinstance(outcome, Claim)]) == 1
    assert len(failures(outcomes, of=NothingToClaim)) == 15
    assert Claim.objects.filter(state=ClaimState.EXPIRED).count() == 1
    assert_nothing_given_twice(world)


def test_release_and_close_out_of_the_same_claims_end_each_once() -> None:
    world = make_world(tasks=8, experts=8, reviewers=0, review_policy="none")
    held = [(claim_for(expert), expert) for expert in world.experts]

    def end(job: tuple[str, Claim, Expert]) -> object:
        how, claim, expert = job
        if how == "release":
            return release_claim(claim, expert=expert, reason="", now=NOW)
        return claims.close_out_claim(claim, by=None, why="Called off.", now=NOW)

    outcomes = at_once(end, [(how, *pair) for pair in held for how in ("release", "close_out")])

    assert all(isinstance(error, Refused) for error in failures(outcomes))
    assert Claim.objects.filter(state__in=(ClaimState.RELEASED, ClaimState.CLOSED_OUT)).count() == 8
    assert Hold.objects.filter(state="OPEN").count() == 0
    assert_nothing_given_twice(world)
