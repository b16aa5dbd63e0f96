"""Judging work: what each decision does to the claim, to its slot, and to the cent."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from accounts.models import AuditEvent
from experts.models import Expert
from kernel.errors import Invalid, LostRace
from labs.models import Event
from payments import ledger
from payments.models import Hold, PayLine
from tasks import content
from tasks.actions import publishing, reviews, settling
from tasks.actions.claims import claim_next, expire_claims, expire_returned, release_claim, resume_returned
from tasks.actions.reviews import accept_by_clock, decide_review
from tasks.errors import Lapsed, NothingToClaim, NotYours
from tasks.models import Claim, Review, Slot, Submission
from tasks.states import BatchState, ClaimState, SlotState
from tests.tasks.factories import NOW, RESPONSE, World, claim_for, hand_in, make_world, submitted, work

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
LONG = "The level is wrong: " + "it is taken twelve hours after the last dose, never before. " * 2
BUDGET = 100_000_00
# Ten minutes at $180 pay $30, and six at $260 pay $26.
WORK_PAY, WORK_FEE = 3_000, 600
REVIEW_PAY, REVIEW_FEE = 2_600, 520


@pytest.fixture
def world() -> World:
    return make_world()


def judged(
    world: World, decision: str, *, by: Expert | None = None, since: datetime = NOW + HOUR, **said: object
) -> Review:
    """Claim the waiting review, work on it for its six minutes, and decide."""
    reviewer = by or world.ada
    claim = claim_for(reviewer, kind="review", now=since)
    end = work(claim, reviewer, 360, since=since)
    return decide_review(claim.pk, expert=reviewer, fence=1, decision=decision, now=end, **said)  # type: ignore[arg-type]  # Passed through as given.


def lines() -> list[tuple[str, str, int, int]]:
    return list(PayLine.objects.order_by("kind", "reason").values_list("kind", "reason", "amount_minor", "fee_minor"))


def books(world: World) -> dict[str, int]:
    project = world.project.public_id
    return {
        "budget": ledger.balance(ledger.project_budget(project, "USD")).minor,
        "held": ledger.balance(ledger.project_hold(project, "USD")).minor,
        "cyd": ledger.balance(ledger.expert_available(world.cyd, "USD")).minor,
        "ada": ledger.balance(ledger.expert_available(world.ada, "USD")).minor,
        "fee": ledger.balance(ledger.platform_fee("USD")).minor,
    }


def test_accepted_work_and_its_review_are_paid_to_the_cent(world: World) -> None:
    submission = submitted(world, 600)

    judged(world, "ACCEPT")

    claim = Claim.objects.get(pk=submission.claim_id)
    assert (claim.state, claim.decision, claim.approved_seconds) == (ClaimState.ACCEPTED, "accepted", 600)
    assert claim.slot.state == SlotState.ACCEPTED
    assert lines() == [
        ("review", "reviewed", REVIEW_PAY, REVIEW_FEE),
        ("work", "accepted", WORK_PAY, WORK_FEE),
    ]
    assert books(world) == {
        "budget": BUDGET - WORK_PAY - WORK_FEE - REVIEW_PAY - REVIEW_FEE,
        "held": 0,
        "cyd": WORK_PAY,
        "ada": REVIEW_PAY,
        "fee": WORK_FEE + REVIEW_FEE,
    }


def test_fixed_work_is_paid_like_accepted_work_and_keeps_the_fix(world: World) -> None:
    submitted(world, 600)

    review = judged(world, "FIX", fixed_response={"answer": "Twelve hours after the last dose."}, notes="Shorter.")

    assert review.fixed_response is not None
    assert Claim.objects.get(kind="work").decision == "fixed"
    assert lines()[1] == ("work", "fixed", WORK_PAY, WORK_FEE)


def test_a_fix_that_the_kind_does_not_allow_changes_nothing(world: World) -> None:
    submitted(world)

    with pytest.raises(Invalid):
        judged(world, "FIX", fixed_response={"answer": ""})

    assert (Review.objects.count(), PayLine.objects.count()) == (0, 0)


def test_rejected_work_is_paid_without_a_fee_and_its_slot_opens_again(world: World) -> None:
    submission = submitted(world, 600)

    review = judged(world, "REJECT", category="incorrect", notes=LONG)

    claim = Claim.objects.get(pk=submission.claim_id)
    assert (claim.state, claim.slot.state, review.category) == (ClaimState.REJECTED, SlotState.OPEN, "incorrect")
    assert lines()[1] == ("work", "rejected", WORK_PAY, 0)
    assert claim_for(world.dov, now=NOW + 2 * HOUR).slot == claim.slot


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"decision": "REJECT", "category": "", "notes": LONG}, {"category"}),
        ({"decision": "REJECT", "category": "incorrect", "notes": "x" * 99}, {"notes"}),
        ({"decision": "REJECT", "category": "mood", "notes": ""}, {"category", "notes"}),
        ({"decision": "RETURN", "notes": "  "}, {"notes"}),
        ({"decision": "FIX"}, {"fixed_response"}),
        ({"decision": "PERHAPS"}, {"decision"}),
    ],
)
def test_a_decision_says_all_that_it_needs(world: World, said: dict[str, str], wrong: set[str]) -> None:
    submitted(world)

    with pytest.raises(Invalid) as refused:
        judged(world, **said)  # type: ignore[arg-type]  # Passed through as given.

    assert {error.pointer for error in refused.value.errors} == wrong


def test_returned_work_goes_on_with_the_same_expert_hold_and_cap(world: World) -> None:
    submission = submitted(world, 600)
    review = judged(world, "RETURN", notes="Say when levels are steady.")
    claim = Claim.objects.get(pk=submission.claim_id)
    back_at = NOW + 2 * HOUR

    resumed = resume_returned(claim, expert=world.cyd, now=back_at)

    assert (claim.state, claim.returns, claim.decision_due_at) == (
        ClaimState.RETURNED,
        1,
        review.decided_at + timedelta(hours=72),
    )
    assert (resumed.fence, resumed.cap_seconds, resumed.hold) == (2, claim.cap_seconds, claim.hold)
    assert (resumed.slot.state, resumed.lease_until) == (SlotState.CLAIMED, back_at + timedelta(minutes=15))
    assert content.open_notes(resumed, review, world.cyd.user, back_at) == "Say when levels are steady."


def test_a_second_version_adds_to_the_same_meter_and_is_reviewed_anew(world: World) -> None:
    claim = submitted(world, 600).claim
    judged(world, "RETURN", notes="More.")
    back_at = NOW + 2 * HOUR
    resumed = resume_returned(claim, expert=world.cyd, now=back_at)

    second = hand_in(resumed, world.cyd, now=work(resumed, world.cyd, 300, since=back_at), fence=2)
    judged(world, "ACCEPT", by=world.bo, since=NOW + 3 * HOUR)

    assert (second.version, second.active_seconds) == (2, 900)
    assert Slot.objects.filter(kind="review").order_by("pk").values_list("round", flat=True)[1] == 2
    assert [line for line in lines() if line[0] == "work"] == [("work", "accepted", 4_500, 900)]
    assert books(world)["held"] == 0


def test_work_goes_back_twice_at_most(world: World) -> None:
    claim = submitted(world, 60).claim
    for hours in (2, 4):
        judged(world, "RETURN", notes="More.", since=NOW + hours * HOUR)
        resumed = resume_returned(claim, expert=world.cyd, now=NOW + (hours + 1) * HOUR)
        hand_in(resumed, world.cyd, now=NOW + (hours + 1) * HOUR, fence=resumed.fence)

    with pytest.raises(Invalid) as refused:
        judged(world, "RETURN", notes="More.", since=NOW + 6 * HOUR)

    assert refused.value.errors[0].code == "returned_twice"


def test_an_old_fence_opens_nothing_after_the_return(world: World) -> None:
    claim = submitted(world, 60).claim
    judged(world, "RETURN", notes="More.")
    resume_returned(claim, expert=world.cyd, now=NOW + 2 * HOUR)

    with pytest.raises(Lapsed):
        hand_in(claim, world.cyd, now=NOW + 2 * HOUR, fence=7)


def test_returned_work_that_nobody_takes_up_expires_with_its_pay(world: World) -> None:
    claim = submitted(world, 600).claim
    judged(world, "RETURN", notes="More.")

    before = expire_returned(NOW + timedelta(hours=72), 10)
    after = expire_returned(NOW + timedelta(hours=74), 10)

    claim.refresh_from_db()
    assert (before, after, claim.state) == (0, 1, ClaimState.EXPIRED)
    assert Slot.objects.get(pk=claim.slot_id).state == SlotState.OPEN
    assert lines()[1] == ("work", "expired", WORK_PAY, 0)
    assert books(world)["held"] == 0


def test_undecided_work_is_accepted_by_the_clock(world: World) -> None:
    claim = submitted(world, 600).claim
    due_at = NOW + timedelta(hours=72, minutes=10)

    early = accept_by_clock(due_at - timedelta(seconds=1), 10)
    accepted = accept_by_clock(due_at, 10)

    claim.refresh_from_db()
    row = AuditEvent.objects.get(verb="claim.accepted")
    assert (early, accepted, claim.state) == (0, 1, ClaimState.ACCEPTED)
    assert (row.actor, row.details["by"]) == ("", "clock")
    assert Slot.objects.get(kind="review").state == SlotState.VOID
    assert (lines(), books(world)["held"]) == ([("work", "accepted", WORK_PAY, WORK_FEE)], 0)


def test_the_clock_waits_for_a_review_under_way(world: World) -> None:
    submitted(world, 600)
    late = NOW + timedelta(hours=72, minutes=10)
    claim_for(world.ada, kind="review", now=late)

    assert accept_by_clock(late, 10) == 0


def test_the_lab_accepts_and_the_open_review_is_void(world: World) -> None:
    submission = submitted(world, 600)

    review = reviews.lab_accept(submission, by=world.owner, now=NOW + HOUR)

    assert (review.claim, review.decided_by) == (None, world.owner.public_id)
    assert Claim.objects.get().state == ClaimState.ACCEPTED
    assert Slot.objects.get(kind="review").state == SlotState.VOID
    assert books(world)["held"] == 0


def test_the_lab_rejects_with_a_reason_and_pays_all_the_same(world: World) -> None:
    submission = submitted(world, 600)

    with pytest.raises(Invalid):
        reviews.lab_reject(submission, by=world.owner, category="incorrect", notes="No.", now=NOW + HOUR)
    reviews.lab_reject(submission, by=world.owner, category="incorrect", notes=LONG, now=NOW + HOUR)

    assert lines() == [("work", "rejected", WORK_PAY, 0)]


def test_the_lab_fixes_with_an_answer_that_the_kind_allows(world: World) -> None:
    submission = submitted(world, 600)

    with pytest.raises(Invalid):
        reviews.lab_fix(submission, by=world.owner, response={"answer": ""}, now=NOW + HOUR)
    review = reviews.lab_fix(submission, by=world.owner, response={"answer": "Twelve hours."}, now=NOW + HOUR)

    assert (review.decision, Claim.objects.get().decision) == ("FIX", "fixed")


def test_what_is_decided_is_decided_once(world: World) -> None:
    submission = submitted(world)
    reviews.lab_accept(submission, by=world.owner, now=NOW + HOUR)

    with pytest.raises(LostRace):
        reviews.lab_accept(submission, by=world.owner, now=NOW + HOUR)


def test_an_older_version_is_not_judged(world: World) -> None:
    first = submitted(world, 60)
    judged(world, "RETURN", notes="More.")
    resumed = resume_returned(first.claim, expert=world.cyd, now=NOW + 2 * HOUR)
    hand_in(resumed, world.cyd, now=NOW + 2 * HOUR, fence=2)

    with pytest.raises(LostRace):
        reviews.lab_accept(first, by=world.owner, now=NOW + 3 * HOUR)


def test_a_review_under_way_when_the_lab_decides_is_paid(world: World) -> None:
    submission = submitted(world, 600)
    claim = claim_for(world.ada, kind="review", now=NOW + HOUR)
    end = work(claim, world.ada, 360, since=NOW + HOUR)
    reviews.lab_accept(submission, by=world.owner, now=end)

    decide_review(claim.pk, expert=world.ada, fence=1, decision="RETURN", notes="More.", now=end)

    assert Claim.objects.get(kind="work").state == ClaimState.ACCEPTED
    assert lines() == [("review", "reviewed", REVIEW_PAY, REVIEW_FEE), ("work", "accepted", WORK_PAY, WORK_FEE)]
    assert books(world)["held"] == 0


def test_a_second_press_finds_the_review_of_the_first(world: World) -> None:
    submitted(world)
    claim = claim_for(world.ada, kind="review", now=NOW + HOUR)
    first = decide_review(claim.pk, expert=world.ada, fence=1, decision="ACCEPT", now=NOW + HOUR)

    again = decide_review(claim.pk, expert=world.ada, fence=1, decision="REJECT", now=NOW + HOUR)

    assert (again, Review.objects.count()) == (first, 1)


def test_nobody_reviews_their_own_work() -> None:
    world = make_world(tier_min=3, tier_max=4)
    claim = claim_next(world.ada, now=NOW)
    hand_in(claim, world.ada, now=NOW)

    with pytest.raises(NothingToClaim) as refused:
        claim_for(world.ada, kind="review")

    assert refused.value.reason == "no_reviews"
    assert claim_for(world.bo, kind="review").subject_claim == claim


@pytest.mark.parametrize("shared", ["employer", "network"])
def test_nobody_reviews_a_colleague(world: World, shared: str) -> None:
    Expert.objects.filter(pk__in=[world.cyd.pk, world.ada.pk]).update(**{shared: "Saint Anne"})
    Expert.objects.filter(pk=world.ada.pk).update(**{shared: "SAINT ANNE"})
    submitted(world)

    with pytest.raises(NothingToClaim):
        claim_for(world.ada, kind="review", now=NOW + HOUR)

    assert claim_for(world.bo, kind="review", now=NOW + HOUR).kind == "review"


def test_an_expert_without_the_mark_reviews_nothing(world: World) -> None:
    submitted(world)

    with pytest.raises(NothingToClaim) as refused:
        claim_for(world.dov, kind="review", now=NOW + HOUR)

    assert refused.value.reason == "no_reviewer_mark"


def test_a_review_is_the_reviewers_alone(world: World) -> None:
    submitted(world)
    claim = claim_for(world.ada, kind="review", now=NOW + HOUR)

    with pytest.raises(NotYours):
        decide_review(claim.pk, expert=world.bo, fence=1, decision="ACCEPT", now=NOW + HOUR)


def test_a_lapsed_review_goes_to_another_and_its_part_comes_back(world: World) -> None:
    submission = submitted(world)
    lapsed = claim_for(world.ada, kind="review", now=NOW + HOUR)

    taken = claim_for(world.bo, kind="review", now=NOW + 2 * HOUR)

    lapsed.refresh_from_db()
    assert (lapsed.state, taken.slot) == (ClaimState.EXPIRED, lapsed.slot)
    assert Hold.objects.get(subject=submission.claim.public_id).review_parts_left == 2
    with pytest.raises(Lapsed):
        decide_review(lapsed.pk, expert=world.ada, fence=1, decision="ACCEPT", now=NOW + 2 * HOUR)


def test_a_released_review_pays_its_time_and_frees_its_slot(world: World) -> None:
    submitted(world, 600)
    claim = claim_for(world.ada, kind="review", now=NOW + HOUR)
    end = work(claim, world.ada, 120, since=NOW + HOUR)

    release_claim(claim, expert=world.ada, reason="I know the author", now=end)

    assert lines() == [("review", "released", 867, 0)]
    assert claim_for(world.bo, kind="review", now=end).slot == claim.slot


def test_a_reviewer_dearer_than_foreseen_has_fewer_seconds(world: World) -> None:
    submitted(world)
    Hold.objects.update(review_minor=2_000)

    claim = claim_for(world.ada, kind="review", now=NOW + HOUR)

    assert claim.hold is not None
    assert claim.cap_seconds < 360
    assert claim.cap_seconds * claim.rate_minor * 12 // 36_000 <= claim.hold.amount_minor == 2_000


def test_two_layers_are_seen_by_two_reviewers() -> None:
    world = make_world(review_layers=2)
    submitted(world, 600)

    judged(world, "ACCEPT")
    between = Claim.objects.get(kind="work").state
    with pytest.raises(NothingToClaim):
        claim_for(world.ada, kind="review", now=NOW + 2 * HOUR)
    judged(world, "ACCEPT", by=world.bo, since=NOW + 2 * HOUR)

    assert (between, Claim.objects.get(kind="work").state) == (ClaimState.SUBMITTED, ClaimState.ACCEPTED)
    assert [line[1] for line in lines()] == ["reviewed", "reviewed", "accepted"]
    assert books(world)["held"] == 0


def test_work_of_a_cancelled_batch_is_still_judged_and_then_settled(world: World) -> None:
    submitted(world, 600)
    publishing.cancel_batch(world.batch, by=world.owner, now=NOW + HOUR)
    before = settling.settle_batch(world.batch.pk, now=NOW + HOUR).settled_at

    judged(world, "REJECT", category="incorrect", notes=LONG, since=NOW + 2 * HOUR)
    after = settling.settle_batch(world.batch.pk, now=NOW + 3 * HOUR)

    assert (before, after.settled_at) == (None, NOW + 3 * HOUR)
    assert set(Slot.objects.filter(kind="work").values_list("state", flat=True)) == {SlotState.VOID}
    assert books(world)["held"] == 0


def test_a_drained_batch_completes_with_its_last_answer() -> None:
    world = make_world(tasks=1)
    submission = submitted(world)
    publishing.drain_batch(world.batch, by=world.owner, now=NOW + HOUR)
    before = settling.settle_batch(world.batch.pk, now=NOW + HOUR).state

    reviews.lab_accept(submission, by=world.owner, now=NOW + HOUR)
    batch = settling.settle_batch(world.batch.pk, now=NOW + HOUR)

    assert (before, batch.state, batch.settled_at) == (BatchState.DRAINING, BatchState.COMPLETED, NOW + HOUR)
    kinds = set(Event.objects.filter(kind__startswith="batch.").values_list("kind", flat=True))
    assert {"batch.completed", "batch.settled"} <= kinds


def test_the_lab_hears_of_each_decision(world: World) -> None:
    submission = submitted(world)

    judged(world, "ACCEPT")

    told = dict(Event.objects.exclude(kind__startswith="batch.").values_list("kind", "data"))
    assert told["submission.accepted"]["submission"] == submission.public_id
    assert told["task.completed"]["task"] == submission.claim.task.public_id


def test_expiry_leaves_work_in_review_alone(world: World) -> None:
    submitted(world)

    assert expire_claims(NOW + timedelta(days=2), 10) == 0
    assert Submission.objects.get().claim.state == ClaimState.SUBMITTED


def test_a_response_may_be_any_that_its_kind_allows(world: World) -> None:
    claim = claim_for(world.cyd)

    assert hand_in(claim, world.cyd, now=NOW, response=RESPONSE).version == 1
