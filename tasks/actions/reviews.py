"""Judge what was handed in: by a reviewer on a paid slot, by the lab, or by the clock; each pays what it has to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.audit import Actor, audit
from accounts.outbox import due
from experts.models import Expert
from kernel.db import action
from kernel.errors import FieldError, Invalid, LostRace, Refused
from kernel.ids import uuid7
from kernel.states import move
from labs.events import record_event
from labs.models import Mode
from tasks import content, rules
from tasks.actions.endings import free_slot, pay, void_open_reviews
from tasks.actions.submissions import open_review
from tasks.actions.timing import stop_meter
from tasks.errors import Lapsed, NotYours
from tasks.kinds import registry
from tasks.models import Claim, Decision, RejectCategory, Review, Slot, Submission, WorkKind
from tasks.states import CLAIM_MOVES, SLOT_MOVES, ClaimState, SlotState

Json = dict[str, Any]
BY_CLOCK = "clock"
DECIDED_AS = {Decision.ACCEPT: "accepted", Decision.FIX: "fixed", Decision.REJECT: "rejected"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reviewer or a lab says of a submission, checked but not yet sealed."""

    decision: str
    notes: str = ""
    category: str = ""
    fixed_response: Json | None = None


@action
def decide_review(
    claim_id: UUID,
    *,
    expert: Expert,
    fence: int,
    decision: str,
    notes: str = "",
    category: str = "",
    fixed_response: Json | None = None,
    now: datetime,
) -> Review:
    """Judge the work under review and be paid for it; the same press again returns what the first one made."""
    claim = _lock_review(claim_id, expert)
    if claim.state != ClaimState.WORKING and (made := Review.objects.filter(claim=claim).first()):
        return made
    if claim.fence != fence or not rules.is_in_hand(claim, now):
        raise Lapsed("Your hold on this review has ended. Claim another one.")
    assert claim.subject_claim_id is not None  # A review always has its subject.
    subject = _lock_work(claim.subject_claim_id)
    verdict = Verdict(decision, notes, category, fixed_response)
    submission = _newest(subject)
    is_wanted = subject.state == ClaimState.SUBMITTED
    _check(verdict, can_return=rules.can_return(subject) or not is_wanted)
    if fixed_response is not None:
        _check_fix(claim, submission, fixed_response, now)
    review = _write(verdict, submission, subject, claim=claim, by=expert.public_id, now=now)
    _finish_review(claim, review, now)
    if subject.hold is not None:
        subject.hold.refresh_from_db()  # A review of no seconds has just given its part back to it.
    # The lab or the clock may have decided while the review was under way: then it is paid and changes nothing.
    if is_wanted:
        _apply(verdict, subject, submission, layer=claim.slot.layer, actor=expert.user, now=now)
    return review


@action
def lab_accept(submission: Submission, *, by: Actor, now: datetime) -> Review:
    """Accept on the lab's word, within the window; the open review is void."""
    return _judge_as_lab(submission, Verdict(Decision.ACCEPT), by=by, now=now)


@action
def lab_fix(submission: Submission, *, by: Actor, response: Json, notes: str = "", now: datetime) -> Review:
    """Accept with the lab's own version of the answer."""
    return _judge_as_lab(submission, Verdict(Decision.FIX, notes, "", response), by=by, now=now)


@action
def lab_reject(submission: Submission, *, by: Actor, category: str, notes: str, now: datetime) -> Review:
    """Reject on the lab's word, with a category and at least 100 characters; the time is paid all the same."""
    return _judge_as_lab(submission, Verdict(Decision.REJECT, notes, category), by=by, now=now)


def accept_by_clock(now: datetime, limit: int) -> int:
    """Accept work whose window ended undecided, unless a reviewer is at it; return how many."""
    at_it = Claim.objects.filter(state=ClaimState.WORKING, kind=WorkKind.REVIEW).values("subject_claim")
    overdue = Claim.objects.filter(kind=WorkKind.WORK, state=ClaimState.SUBMITTED, decision_due_at__lte=now).exclude(
        pk__in=at_it
    )
    ids = list(overdue.order_by("decision_due_at").values_list("pk", flat=True)[:limit])
    return sum(_accept_overdue(pk, now) for pk in ids)


@action
def _accept_overdue(claim_id: UUID, now: datetime) -> bool:
    claim = _lock_work(claim_id)
    due_at = claim.decision_due_at
    if claim.state != ClaimState.SUBMITTED or due_at is None or due_at > now:
        return False
    _accept(claim, _newest(claim), "accepted", actor=None, by=BY_CLOCK, now=now)
    return True


def _judge_as_lab(submission: Submission, verdict: Verdict, *, by: Actor, now: datetime) -> Review:
    subject = _lock_work(submission.claim_id)
    if subject.state != ClaimState.SUBMITTED or _newest(subject).pk != submission.pk:
        raise LostRace("This submission is decided already, or a newer version replaced it.")
    _check(verdict, can_return=False)
    if verdict.fixed_response is not None:
        payload = content.open_payload_for_lab(subject, by.public_id, now)
        _refuse_wrong(registry.get(subject.project.kind).check_response(payload, verdict.fixed_response))
    review = _write(verdict, submission, subject, claim=None, by=by.public_id, now=now)
    _apply(verdict, subject, submission, layer=subject.review_layers, actor=by, now=now)
    return review


def _check(verdict: Verdict, *, can_return: bool) -> None:
    """Raise Invalid unless the verdict says all that its decision needs."""
    errors = []
    if verdict.decision not in Decision.values:
        errors.append(FieldError("decision", "unknown_value", "Choose accept, fix, return or reject."))
    if verdict.decision == Decision.REJECT:
        if verdict.category not in RejectCategory.values:
            errors.append(FieldError("category", "required", "Choose why it is rejected."))
        if len(verdict.notes.strip()) < rules.REJECT_NOTES_MIN:
            detail = f"Say why in at least {rules.REJECT_NOTES_MIN} characters: the expert will read it."
            errors.append(FieldError("notes", "too_short", detail))
    if verdict.decision == Decision.RETURN and not verdict.notes.strip():
        errors.append(FieldError("notes", "required", "Say what is to be changed."))
    if verdict.decision == Decision.RETURN and not can_return:
        detail = f"This work was sent back {rules.MOST_RETURNS} times. Accept, fix or reject it."
        errors.append(FieldError("decision", "returned_twice", detail))
    if verdict.decision == Decision.FIX and verdict.fixed_response is None:
        errors.append(FieldError("fixed_response", "required", "Give your own version of the answer."))
    _refuse_wrong(errors)


def _check_fix(claim: Claim, submission: Submission, response: Json, now: datetime) -> None:
    payload, _ = content.open_submission(claim, submission, claim.expert.user, now)
    _refuse_wrong(registry.get(claim.project.kind).check_response(payload, response))


def _refuse_wrong(errors: Sequence[FieldError]) -> None:
    if errors:
        raise Invalid(errors)


def _write(
    verdict: Verdict, submission: Submission, subject: Claim, *, claim: Claim | None, by: str, now: datetime
) -> Review:
    review = Review(
        id=uuid7(),
        claim=claim,
        submission=submission,
        decision=verdict.decision,
        category=verdict.category if verdict.decision == Decision.REJECT else "",
        decided_by=by,
        decided_at=now,
    )
    if verdict.notes.strip():
        review.notes = content.seal_notes(review, subject.project, verdict.notes)
    if verdict.decision == Decision.FIX and verdict.fixed_response is not None:
        review.fixed_response = content.seal_fix(review, subject.project, verdict.fixed_response)
    review.save(force_insert=True)
    return review


def _finish_review(claim: Claim, review: Review, now: datetime) -> None:
    """Hand the review in and accept it at once: its decision is its product, and settles its part of the hold."""
    meter = stop_meter(claim, now, is_present=True)
    seconds = min(meter.active_seconds, claim.cap_seconds)
    handed_in = {"submitted_at": now, "decision_due_at": now, "billable_seconds": seconds}
    move(claim, ClaimState.SUBMITTED, moves=CLAIM_MOVES, now=now, **handed_in, **meter.fields)
    move(claim.slot, SlotState.SUBMITTED, moves=SLOT_MOVES, now=now)
    verdict = {"decided_at": now, "approved_seconds": seconds, "decision": "reviewed"}
    move(claim, ClaimState.ACCEPTED, moves=CLAIM_MOVES, now=now, **verdict)
    move(claim.slot, SlotState.ACCEPTED, moves=SLOT_MOVES, now=now)
    pay(claim, reason="reviewed", with_fee=True, now=now)
    audit(claim.expert.user, "review.decided", review, at=now, claim=claim.public_id, seconds=seconds)


def _apply(
    verdict: Verdict, subject: Claim, submission: Submission, *, layer: int, actor: Actor, now: datetime
) -> None:
    """Do to the work what the verdict says; before the last layer, a good word asks for the next look."""
    by = actor.public_id
    if verdict.decision == Decision.RETURN:
        _send_back(subject, submission, actor=actor, now=now)
    elif verdict.decision == Decision.REJECT:
        _reject(subject, submission, actor=actor, by=by, now=now)
    elif layer < subject.review_layers:
        open_review(subject, layer=layer + 1, now=now)
    else:
        _accept(subject, submission, DECIDED_AS[Decision(verdict.decision)], actor=actor, by=by, now=now)


def _accept(
    claim: Claim, submission: Submission, decision: str, *, actor: Actor | None, by: str, now: datetime
) -> None:
    fields = {"decided_at": now, "approved_seconds": claim.billable_seconds, "decision": decision}
    was = move(claim, ClaimState.ACCEPTED, moves=CLAIM_MOVES, now=now, **fields)
    move(claim.slot, SlotState.ACCEPTED, moves=SLOT_MOVES, now=now)
    void_open_reviews(claim, now)
    pay(claim, reason=decision, with_fee=True, now=now)
    audit(actor, "claim.accepted", claim, at=now, was=was, decision=decision, by=by)
    _tell(claim, submission, "submission.accepted", now, decision=decision, by=BY_CLOCK if by == BY_CLOCK else "review")
    wanted = Slot.objects.filter(task=claim.task_id, kind=WorkKind.WORK)
    if not wanted.exclude(state__in=(SlotState.ACCEPTED, SlotState.VOID)).exists():
        _tell(claim, submission, "task.completed", now)


def _reject(claim: Claim, submission: Submission, *, actor: Actor, by: str, now: datetime) -> None:
    fields = {"decided_at": now, "approved_seconds": claim.billable_seconds, "decision": "rejected"}
    was = move(claim, ClaimState.REJECTED, moves=CLAIM_MOVES, now=now, **fields)
    slot_to = free_slot(claim, now)
    void_open_reviews(claim, now)
    pay(claim, reason="rejected", with_fee=False, now=now)
    audit(actor, "claim.rejected", claim, at=now, was=was, by=by, slot_to=slot_to)
    if slot_to == SlotState.OPEN:
        due("tasks.offer_seats", batch=claim.batch_id)  # Somebody else has to do it now.
    _tell(claim, submission, "submission.rejected", now)


def _send_back(claim: Claim, submission: Submission, *, actor: Actor, now: datetime) -> None:
    """Give the work back to its expert, who has three days to take it up on the same hold."""
    fields = {"returns": claim.returns + 1, "decision_due_at": now + rules.RETURN_WINDOW}
    was = move(claim, ClaimState.RETURNED, moves=CLAIM_MOVES, now=now, **fields)
    audit(actor, "claim.returned", claim, at=now, was=was, returns=claim.returns, submission=submission.public_id)
    if claim.project.mode == Mode.LIVE:
        due("tasks.tell_of_decision", key=f"{claim.public_id}-returned-{claim.returns}", claim=claim.pk)


def _tell(claim: Claim, submission: Submission, kind: str, now: datetime, **details: str) -> None:
    """Put it in the lab's feed; decisions also reach the expert, unless they are simulated."""
    ids = {"task": claim.task.public_id, "submission": submission.public_id}
    record_event(claim.lab_id, claim.project.mode, kind, at=now, **ids, **details)
    if kind.startswith("submission.") and claim.project.mode == Mode.LIVE:
        due("tasks.tell_of_decision", key=f"{claim.public_id}-{claim.state}", claim=claim.pk)


def _lock_review(claim_id: UUID, expert: Expert) -> Claim:
    rows = Claim.objects.select_for_update(of=("self",)).select_related(
        "project__agreement", "batch", "slot", "hold", "task", "agreement_version"
    )
    claim = rows.filter(pk=claim_id, expert=expert, kind=WorkKind.REVIEW).first()
    if claim is None:
        raise NotYours("This review is not in your hands.")
    claim.expert = expert
    return claim


def _lock_work(claim_id: UUID) -> Claim:
    rows = Claim.objects.select_for_update(of=("self",)).select_related(
        "project__lab", "batch", "slot", "task", "expert__user"
    )
    # Its hold is read when it is settled: a review's part of it may come back before that.
    claim = rows.get(pk=claim_id)
    if claim.kind != WorkKind.WORK:
        raise Refused("Only work is judged, never a review.")
    return claim


def _newest(claim: Claim) -> Submission:
    submission = Submission.objects.filter(claim=claim).order_by("-version").first()
    assert submission is not None  # Judged claims were handed in.
    return submission
