"""Drafts and handing in: nothing acknowledged is lost, one press makes one version, late work is kept as a draft."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries

from accounts.models import OutboxItem
from agreements.gate import NotSigned
from agreements.models import ContentAccess, Signature
from experts.models import Expert
from kernel.errors import Invalid
from labs.models import Event
from tasks import content
from tasks.actions.claims import expire_claims, release_claim
from tasks.actions.submissions import save_draft, submit
from tasks.errors import DraftConflict, Lapsed, NotYours
from tasks.models import Claim, Draft, Segment, Slot, Submission
from tasks.queries import live_claim
from tasks.states import ClaimState, SlotState
from tests.tasks.factories import NOW, PAYLOAD, RESPONSE, World, claim_for, hand_in, make_world, submitted, work

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    return make_world()


def test_handing_in_stops_the_meter_and_asks_for_a_review(world: World) -> None:
    submission = submitted(world, 600)

    claim = submission.claim
    end = NOW + timedelta(seconds=600)
    assert (submission.version, submission.fence, submission.active_seconds) == (1, 1, 600)
    assert (claim.state, claim.billable_seconds, claim.slot.state) == (ClaimState.SUBMITTED, 600, SlotState.SUBMITTED)
    assert (claim.submitted_at, claim.decision_due_at) == (end, end + timedelta(hours=72))
    assert [(row.during.lower, row.during.upper) for row in Segment.objects.all()] == [(NOW, end)]
    review = Slot.objects.get(kind="review")
    assert (review.subject_claim, review.layer, review.round, review.state) == (claim, 1, 1, SlotState.OPEN)


def test_time_beyond_the_cap_is_counted_and_not_billed(world: World) -> None:
    submission = submitted(world, 1_500)

    assert (submission.active_seconds, submission.claim.billable_seconds) == (1_500, 1_200)


def test_a_response_opens_only_for_those_who_may_read_it(world: World) -> None:
    submission = submitted(world)
    review = claim_for(world.ada, kind="review")

    payload, response = content.open_submission(review, submission, world.ada.user, NOW)

    assert (payload, response) == (PAYLOAD, RESPONSE)
    with pytest.raises(NotSigned):
        content.open_submission(review, submission, world.owner, NOW)


def test_a_second_press_finds_the_version_of_the_first(world: World) -> None:
    claim = claim_for(world.cyd)
    first = hand_in(claim, world.cyd, now=NOW)

    again = hand_in(claim, world.cyd, now=NOW + HOUR, response={"answer": "something else"})

    assert again == first
    assert Submission.objects.count() == 1
    assert Slot.objects.filter(kind="review").count() == 1


def test_after_the_lease_nothing_is_handed_in_but_the_draft_is_kept(world: World) -> None:
    claim = claim_for(world.cyd)
    late = NOW + timedelta(minutes=16)

    draft = save_draft(claim.pk, expert=world.cyd, body=RESPONSE, revision=0, now=late)
    with pytest.raises(Lapsed):
        hand_in(claim, world.cyd, now=late)

    assert (draft.revision, Submission.objects.count()) == (1, 0)


def test_after_expiry_the_draft_is_still_kept(world: World) -> None:
    claim = claim_for(world.cyd)
    expire_claims(NOW + HOUR, 10)

    save_draft(claim.pk, expert=world.cyd, body=RESPONSE, revision=0, now=NOW + HOUR)

    with pytest.raises(Lapsed):
        hand_in(claim, world.cyd, now=NOW + HOUR)
    assert Draft.objects.get().claim == claim


def test_an_old_fence_hands_in_nothing(world: World) -> None:
    claim = claim_for(world.cyd)

    with pytest.raises(Lapsed):
        hand_in(claim, world.cyd, now=NOW, fence=2)


def test_nobody_hands_in_or_drafts_for_another(world: World) -> None:
    claim = claim_for(world.cyd)

    with pytest.raises(NotYours):
        hand_in(claim, world.dov, now=NOW)
    with pytest.raises(NotYours):
        save_draft(claim.pk, expert=world.dov, body=RESPONSE, revision=0, now=NOW)


def test_an_answer_that_its_kind_does_not_allow_is_named_by_field(world: World) -> None:
    claim = claim_for(world.cyd)

    with pytest.raises(Invalid) as refused:
        hand_in(claim, world.cyd, now=NOW, response={"answer": "Twelve hours.", "mood": "good"})

    claim.refresh_from_db()
    assert {error.pointer for error in refused.value.errors} == {"/mood"}
    assert (claim.state, Submission.objects.count()) == (ClaimState.WORKING, 0)


def test_after_the_signature_is_withdrawn_nothing_is_handed_in(world: World) -> None:
    claim = claim_for(world.cyd)
    Signature.objects.filter(user=world.cyd.user).update(state="REVOKED", revoke_reason="Asked for")

    with pytest.raises(NotSigned):
        hand_in(claim, world.cyd, now=NOW)


def test_handing_in_tells_the_lab_and_the_reviewers(world: World) -> None:
    submission = submitted(world)

    told = Event.objects.get(kind="submission.submitted")
    assert told.data == {
        "submission": submission.public_id,
        "task": submission.claim.task.public_id,
        "version": 1,
    }
    assert OutboxItem.objects.filter(kind="tasks.tell_reviewers").count() == 1


def test_handing_in_reads_the_payload_through_the_gate(world: World) -> None:
    submission = submitted(world)

    (row,) = ContentAccess.objects.all()
    assert (row.viewer, row.subject, row.purpose) == (
        world.cyd.user.public_id,
        submission.claim.task.public_id,
        "submit",
    )


def test_handing_in_takes_few_statements(world: World, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    claim = claim_for(world.cyd)
    end = work(claim, world.cyd, 300, since=NOW)
    expert = Expert.objects.select_related("user").get(pk=world.cyd.pk)

    with django_assert_max_num_queries(12):
        submit(claim.pk, expert=expert, fence=1, response=RESPONSE, attestations={}, now=end)


def test_what_was_handed_in_never_changes(world: World) -> None:
    submission = submitted(world)

    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        Submission.objects.filter(pk=submission.pk).update(version=2)


def test_a_draft_opens_again_as_it_was_saved(world: World) -> None:
    made = claim_for(world.cyd)
    save_draft(made.pk, expert=world.cyd, body={"answer": "Twelve"}, revision=0, now=NOW)
    save_draft(made.pk, expert=world.cyd, body={"answer": "Twelve hours"}, revision=1, now=NOW)
    claim = live_claim(world.cyd)
    assert claim is not None

    payload, draft = content.open_bench(claim, world.cyd.user, NOW)

    assert (payload, draft) == (PAYLOAD, {"answer": "Twelve hours"})


def test_without_a_draft_the_bench_is_empty(world: World) -> None:
    claim_for(world.cyd)
    claim = live_claim(world.cyd)
    assert claim is not None

    assert content.open_bench(claim, world.cyd.user, NOW) == (PAYLOAD, None)


def test_of_two_edits_of_one_revision_the_second_is_refused(world: World) -> None:
    claim = claim_for(world.cyd)
    save_draft(claim.pk, expert=world.cyd, body={"answer": "one"}, revision=0, now=NOW)
    save_draft(claim.pk, expert=world.cyd, body={"answer": "two"}, revision=1, now=NOW)

    with pytest.raises(DraftConflict):
        save_draft(claim.pk, expert=world.cyd, body={"answer": "three"}, revision=1, now=NOW)


def test_a_released_draft_is_kept(world: World) -> None:
    claim = claim_for(world.cyd)
    save_draft(claim.pk, expert=world.cyd, body={"answer": "one"}, revision=0, now=NOW)

    release_claim(claim, expert=world.cyd, reason="", now=NOW)

    assert Draft.objects.get().claim == claim


def test_sealed_rows_hold_no_plain_text(world: World) -> None:
    submission = submitted(world)

    assert b"Twelve hours" not in bytes(submission.response)
    assert b"lithium" not in bytes(Claim.objects.get(pk=submission.claim_id).task.payload)
