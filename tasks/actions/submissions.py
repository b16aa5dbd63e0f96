"""Save drafts and hand work in: nothing that was acknowledged is lost, and one press makes one version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from accounts.audit import audit
from accounts.models import User
from accounts.outbox import due
from experts.models import Expert
from kernel.db import action
from kernel.errors import FieldError, Invalid
from kernel.ids import uuid7
from kernel.prepared import Prepared
from kernel.rows import as_one, insert
from kernel.states import move
from labs.events import record_event
from labs.models import Mode
from tasks import content, rules
from tasks.actions.timing import stop_meter
from tasks.errors import DraftConflict, Lapsed, NotYours
from tasks.kinds import registry
from tasks.kinds.base import Kind
from tasks.models import Claim, Draft, Slot, Submission, WorkKind
from tasks.states import CLAIM_MOVES, SLOT_MOVES, ClaimState, SlotState

UNREAD = "The guidelines changed since your last task here. Read what changed and say so; your time for it is paid."

Json = dict[str, Any]


@action
def save_draft(claim_id: UUID, *, expert: Expert, body: Json, revision: int, now: datetime) -> Draft:
    """Keep an unfinished answer, at any time and whatever became of the claim; its expert alone may.

    ``revision`` is the one this edit was made on, 0 for the first; of two edits of one revision the first is kept.
    """
    claim = Claim.objects.select_for_update(of=("self",)).select_related("project").filter(pk=claim_id).first()
    if claim is None or claim.expert_id != expert.pk:
        raise NotYours("This task is not in your hands.")
    sealed = content.seal_draft(claim, body)
    draft = Draft.objects.filter(claim=claim).first()
    if draft is None:
        return Draft.objects.create(claim=claim, body=sealed, revision=1, saved_at=now)
    if draft.revision != revision:
        raise DraftConflict("This draft was changed in another tab. Load it again to go on from there.")
    draft.body, draft.revision, draft.saved_at = sealed, revision + 1, now
    draft.save(update_fields=("body", "revision", "saved_at"))
    return draft


@dataclass(frozen=True, slots=True)
class Answer:
    """What an expert hands in, and which of the kind's statements they stand by."""

    response: Json
    attestations: dict[str, bool]


@action
def submit(
    claim_id: UUID, *, expert: Expert, fence: int, response: Json, attestations: dict[str, bool], now: datetime
) -> Submission:
    """Hand the work in and stop the meter; the same press again returns what the first one made."""
    return _submit(claim_id, expert.user, fence, lambda kind: Answer(response, attestations), now)


@action
def submit_form(claim_id: UUID, *, by: User, fence: int, read: Callable[[Kind], Answer], now: datetime) -> Submission:
    """Do the same with an answer that is read as its kind has it: the claim's, which is known once it is locked."""
    return _submit(claim_id, by, fence, read, now)


def _submit(claim_id: UUID, by: User, fence: int, read: Callable[[Kind], Answer], now: datetime) -> Submission:
    claim = _lock(claim_id, by)
    made = _made_already(claim, fence)
    if made is not None:
        return made
    if claim.kind != WorkKind.WORK or claim.fence != fence or not rules.is_in_hand(claim, now):
        raise Lapsed("Your hold on this task has ended. What you wrote is kept as a draft.")
    if claim.is_guideline_changed:
        raise Invalid([FieldError("/guidelines", "unread", UNREAD)])
    kind = registry.get(claim.project.kind)
    answer = read(kind)
    _check(claim, kind, answer, now)
    with as_one():
        submission = _hand_in(claim, answer, now)
        _note(claim, submission, now)
        _tell_lab(claim, submission, now)
    if claim.is_review_drawn:
        open_review(claim, layer=1, now=now)
        if submission.version == 1:
            due("tasks.tell_reviewers", key=claim.public_id, claim=claim.pk)
    return submission


def open_review(claim: Claim, *, layer: int, now: datetime) -> Slot:
    """Ask for one review of the claim's newest version."""
    return Slot.objects.create(
        state=SlotState.OPEN,
        state_changed_at=now,
        kind=WorkKind.REVIEW,
        project_id=claim.project_id,
        batch_id=claim.batch_id,
        task_id=claim.task_id,
        subject_claim=claim,
        layer=layer,
        round=claim.returns + 1,
        priority=claim.slot.priority,
    )


# The claim whole, and of what it belongs to no more than handing in reads: making rows of columns takes time too.
READ = (
    *(field.name for field in Claim._meta.concrete_fields),
    *(f"project__{name}" for name in ("kind", "mode", "data_key", "idle_seconds", "review_window_hours")),
    "project__agreement__code_name",
    "agreement_version__number",
    "agreement_version__agreement",
    "expert__user",
    "task__payload",
    "slot__state",
    "slot__priority",
)
IN_HAND = Prepared(
    lambda claim: (
        Claim.objects.select_for_update(of=("self",))
        .select_related("project__agreement", "task", "slot", "agreement_version", "expert")
        .only(*READ)
        .filter(pk=claim)
    ),
    claim=uuid4(),
)


def _lock(claim_id: UUID, by: User) -> Claim:
    claim = IN_HAND.get(claim=claim_id)
    if claim is None or claim.expert.user_id != by.pk:
        raise NotYours("This task is not in your hands.")
    claim.expert.user = by
    return claim


def _made_already(claim: Claim, fence: int) -> Submission | None:
    """Return what an earlier press of the same stretch of work handed in."""
    if claim.state == ClaimState.WORKING:
        return None
    return Submission.objects.filter(claim=claim, fence=fence).first()


def _check(claim: Claim, kind: Kind, answer: Answer, now: datetime) -> None:
    """Raise Invalid unless the answer is one that its kind and the task's payload allow."""
    payload = content.open_task(claim, claim.expert.user, now, purpose="submit")
    errors = kind.check_response(payload, answer.response) + kind.check_attestations(answer.attestations)
    if errors:
        raise Invalid(errors)


def _hand_in(claim: Claim, answer: Answer, now: datetime) -> Submission:
    """Store the version, then move the claim and its slot."""
    meter = stop_meter(claim, now, is_present=True)
    submission = Submission(
        id=uuid7(),
        claim=claim,
        version=claim.returns + 1,
        fence=claim.fence,
        active_seconds=meter.active_seconds,
        attestations=answer.attestations,
        submitted_at=now,
    )
    submission.response = content.seal_response(submission, claim.project, answer.response)
    insert(submission)
    move(
        claim,
        ClaimState.SUBMITTED,
        moves=CLAIM_MOVES,
        now=now,
        submitted_at=now,
        billable_seconds=min(meter.active_seconds, claim.cap_seconds),
        decision_due_at=now + timedelta(hours=claim.project.review_window_hours),
        **meter.fields,
    )
    move(claim.slot, SlotState.SUBMITTED, moves=SLOT_MOVES, now=now)
    return submission


def _note(claim: Claim, submission: Submission, now: datetime) -> None:
    audit(
        claim.expert.user,
        "claim.submitted",
        claim,
        at=now,
        was=ClaimState.WORKING,
        submission=submission.public_id,
        seconds=submission.active_seconds,
    )


def _tell_lab(claim: Claim, submission: Submission, now: datetime) -> None:
    record_event(
        claim.lab_id,
        claim.project.mode,
        "submission.submitted",
        at=now,
        submission=submission.public_id,
        task=claim.task.public_id,
        version=submission.version,
    )
    if claim.is_review_drawn and submission.version == 1 and claim.project.mode == Mode.LIVE:
        due("tasks.tell_reviewers", key=claim.public_id, claim=claim.pk)
