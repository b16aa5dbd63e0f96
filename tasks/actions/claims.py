"""Claim a slot, keep it, give it back, lose it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Case, QuerySet, Value, When

from accounts.audit import Actor, audit
from accounts.outbox import due
from experts.models import Expert
from kernel.db import action, send_ahead
from kernel.errors import LostRace, Refused
from kernel.ids import encode_id
from kernel.rows import as_one
from kernel.states import move
from payments import credits
from payments.credits import BudgetReached
from payments.rates import cost_minor
from tasks import queries, rules
from tasks.actions import caps
from tasks.actions.endings import end_unfinished
from tasks.actions.picking import Wish, take_slot
from tasks.actions.timing import claim_in_hand
from tasks.errors import NothingToClaim, NotYours
from tasks.models import Batch, Claim, Project, Task, WorkKind
from tasks.states import CLAIM_MOVES, SLOT_MOVES, ClaimState, SlotState

LAPSED_AT_ONCE = 5
ONE_LIVE_CLAIM = "one_live_claim_per_expert"


def claim_next(
    expert: Expert,
    *,
    batch: Batch | None = None,
    project: Project | None = None,
    kind: str = WorkKind.WORK,
    now: datetime,
) -> Claim:
    """Claim the best open slot, or raise NothingToClaim with its reasons.

    Where there is nothing, lapsed claims are ended, each in its own transaction, and it is asked again: the slot may
    have been held by one, or the expert by their own. (Two that ended some inside their own claim could wait for each
    other's ledger accounts.) Of two who reach for a project's last money one loses at the ledger's floor, and is given
    something of another project, once.
    """
    wish = Wish(kind, batch, project)
    try:
        return _claim_within_budget(expert, wish, now=now)
    except NothingToClaim:
        if not expire_claims(now, LAPSED_AT_ONCE, first=expert):
            raise
        return _claim_within_budget(expert, wish, now=now)


def _claim_within_budget(expert: Expert, wish: Wish, *, now: datetime) -> Claim:
    try:
        return _claim(expert, wish, without=(), now=now)
    except OverCap:
        pass  # Somebody else took what was left of a batch's cap; its other batches are still there.
    except OutOfBudget as lost:
        return _claim(expert, wish, without=(lost.project,), now=now)
    try:
        return _claim(expert, wish, without=(), now=now)
    except (OverCap, OutOfBudget) as lost:
        return _claim(expert, wish, without=(lost.project,), now=now)


class OutOfBudget(BudgetReached):
    """The floor of a project's budget was reached by somebody else in the meantime."""

    def __init__(self, project: UUID) -> None:
        super().__init__("This project's budget is reached.")
        self.project = project


class OverCap(Refused):
    """A batch's cap was reached by somebody else in the meantime, or covers less than this claim holds."""

    code = "cap_reached"

    def __init__(self, project: UUID) -> None:
        super().__init__("This batch has reached what its client will spend on it.")
        self.project = project


def _claim(expert: Expert, wish: Wish, *, without: Collection[UUID], now: datetime) -> Claim:
    taken: list[Claim] = []
    try:
        with credits.within_budget():
            return _take_and_hold(expert, wish, without=without, now=now, taken=taken)
    except BudgetReached as reached:
        raise OutOfBudget(taken[-1].project_id) from reached
    except IntegrityError as error:
        if caps.WITHIN_CAP in str(error):
            raise OverCap(taken[-1].project_id) from error
        raise _explained(error) from error


@action
def _take_and_hold(
    expert: Expert, wish: Wish, *, without: Collection[UUID], now: datetime, taken: list[Claim]
) -> Claim:
    """Take a slot and set its money aside; ``taken`` tells, should the commit refuse, whose budget it was.

    The hold comes last and the commit right behind it: a project's budget is one row, and others wait for it.
    """
    claim = take_slot(expert, wish, without=without, now=now)
    if claim is None:
        raise NothingToClaim(queries.why_nothing(expert, now, wish.kind, without), retry_after=rules.RETRY_SECONDS)
    taken.append(claim)
    if claim.kind == WorkKind.REVIEW:
        _hold_for_review(claim, now)
        _note(claim, expert, now)
        return claim
    send_ahead()
    with as_one():
        _note(claim, expert, now)
        _hold_for_work(claim, now)
    return claim


def _note(claim: Claim, expert: Expert, now: datetime) -> None:
    audit(expert.user, "claim.made", claim, at=now, slot=claim.slot_id, task=claim.task_id)


def _explained(error: IntegrityError) -> Refused:
    """Say which promise of the database a race met: another tab was faster, or took this very task."""
    if ONE_LIVE_CLAIM in str(error):
        return NothingToClaim([queries.HAS_LIVE_CLAIM])
    return LostRace("Somebody was faster. Please try again.")


def _hold_for_work(claim: Claim, now: datetime) -> None:
    """Set aside the most that the work and every review of it can cost; this comes last, as the budget is shared."""
    parts = claim.review_layers * rules.REVIEW_ROUNDS if claim.is_review_drawn else 0
    work = cost_minor(claim.cap_seconds, claim.rate_minor, claim.fee_bps)
    review = cost_minor(claim.review_cap_seconds, claim.review_rate_minor, claim.fee_bps) if parts else 0
    caps.commit_to_batch(claim.batch_id, work + parts * review)
    claim.hold = credits.hold_for_claim(
        lab_id=claim.lab_id,
        project=encode_id(Project.PREFIX, claim.project_id),
        subject=claim.public_id,
        work_minor=work,
        review_minor=review,
        review_parts=parts,
        currency=claim.currency,
        at=now,
        hold_id=claim.hold_id,
    )


def _hold_for_review(claim: Claim, now: datetime) -> None:
    """Take over the review's part of the work's hold; a rate dearer than foreseen buys fewer seconds of it."""
    assert claim.subject_claim is not None  # The statement joined both.
    assert claim.subject_claim.hold is not None
    part = credits.take_review_part(claim.subject_claim.hold, subject=claim.public_id, at=now, hold_id=claim.hold_id)
    claim.hold, cap = part, claim.cap_seconds
    while cap and cost_minor(cap, claim.rate_minor, claim.fee_bps) > part.amount_minor:
        cap = cap * 99 // 100
    if cap < claim.cap_seconds:
        Claim.objects.filter(pk=claim.pk).update(cap_seconds=cap)
        claim.cap_seconds = cap


@action
def release_claim(claim: Claim, *, expert: Expert, reason: str, now: datetime) -> Claim:
    """Give the slot back: no penalty, the draft is kept, the time is paid within the allowance."""
    locked = _lock(claim.pk)
    if locked is None or locked.expert_id != expert.pk:
        raise NotYours("This task is not in your hands.")
    end_unfinished(
        locked, ClaimState.RELEASED, actor=expert.user, why=reason, now=now, is_present=locked.lease_until > now
    )
    return locked


def expire_claims(now: datetime, limit: int, *, first: Expert | None = None) -> int:
    """End up to ``limit`` claims whose lease or return ran out, ``first``'s own before others'; return how many."""
    lapsed = Claim.objects.filter(state=ClaimState.WORKING, lease_until__lte=now)
    is_own = Case(When(expert=first, then=0), default=1) if first else Value(1)
    ids = lapsed.order_by(is_own, "lease_until").values_list("pk", flat=True)[:limit]
    return sum([_expire(pk, now) for pk in ids])


def expire_returned(now: datetime, limit: int) -> int:
    """End claims that were sent back and not taken up again in time; return how many."""
    ids = Claim.objects.filter(state=ClaimState.RETURNED, decision_due_at__lte=now).order_by("decision_due_at")
    return sum(_expire(pk, now) for pk in ids.values_list("pk", flat=True)[:limit])


@action
def _expire(claim_id: UUID, now: datetime) -> bool:
    """End one lapsed claim unless someone is at it: whoever submits or ends it now has it locked."""
    claim = _lock(claim_id, skip_locked=True)
    if claim is None:
        return False
    is_lapsed = claim.state == ClaimState.WORKING and claim.lease_until <= now
    due_at = claim.decision_due_at
    is_overdue = claim.state == ClaimState.RETURNED and due_at is not None and due_at <= now
    if not (is_lapsed or is_overdue):
        return False
    why = "The lease ran out." if is_lapsed else "It was sent back and not taken up in time."
    end_unfinished(claim, ClaimState.EXPIRED, actor=None, why=why, now=now)
    due("tasks.tell_of_expiry", claim=claim.pk)
    return True


@action
def extend_cap(claim_id: UUID, *, expert: Expert, fence: int, now: datetime) -> Claim:
    """Raise the cap by a quarter, once; what that can cost is set aside first."""
    claim = claim_in_hand(claim_id, expert=expert, fence=fence, now=now)
    if not rules.can_extend_cap(claim):
        raise Refused("This task's cap has been raised already, or cannot be.")
    assert claim.hold is not None  # Taken at the claim.
    cap = claim.cap_seconds + claim.cap_seconds // 4
    before = cost_minor(claim.cap_seconds, claim.rate_minor, claim.fee_bps)
    by_minor = cost_minor(cap, claim.rate_minor, claim.fee_bps) - before
    Claim.objects.filter(pk=claim.pk).update(cap_seconds=cap, is_cap_extended=True)
    claim.cap_seconds, claim.is_cap_extended = cap, True
    audit(expert.user, "claim.cap_raised", claim, at=now, cap_seconds=cap)
    _commit_more(claim, by_minor)
    credits.raise_hold(claim.hold, by_minor=by_minor, key=f"{claim.public_id}-cap", at=now)
    return claim


def _commit_more(claim: Claim, by_minor: int) -> None:
    try:
        caps.commit_to_batch(claim.batch_id, by_minor)
    except IntegrityError as error:
        raise Refused("This batch has reached what its client will spend on it; it covers no more time.") from error


@action
def resume_returned(claim: Claim, *, expert: Expert, now: datetime) -> Claim:
    """Take up work that was sent back, on the same hold and cap, under a new fence."""
    locked = _lock(claim.pk)
    if locked is None or locked.expert_id != expert.pk:
        raise NotYours("This task is not in your hands.")
    locked.working_since = now
    fresh = {"working_since": now, "paused_seconds": 0, "paused_at": None, "paused_until": None, "last_beat_at": None}
    try:
        was = move(
            locked,
            ClaimState.WORKING,
            moves=CLAIM_MOVES,
            now=now,
            fence=locked.fence + 1,
            lease_until=rules.lease_end(locked, now),
            **fresh,
        )
    except IntegrityError as error:
        raise _explained(error) from error
    move(locked.slot, SlotState.CLAIMED, moves=SLOT_MOVES, now=now)
    audit(expert.user, "claim.taken_up_again", locked, at=now, was=was, fence=locked.fence)
    return locked


@action
def close_out_claim(claim: Claim, *, by: Actor | None, why: str, now: datetime) -> bool:
    """End work that its lab has called off, and pay its time whole; return whether there was anything to end."""
    locked = _lock(claim.pk)
    if locked is None or locked.state not in (ClaimState.WORKING, ClaimState.RETURNED):
        return False
    end_unfinished(locked, ClaimState.CLOSED_OUT, actor=by, why=why, now=now)
    due("tasks.tell_of_close_out", claim=locked.pk)
    return True


def close_out_batch(batch: Batch, *, by: Actor | None, now: datetime) -> int:
    """Close out all unfinished work of a batch, each claim in its own transaction; return how many.

    Reviews go on: what was handed in is still judged and paid.
    """
    unfinished = Claim.objects.filter(
        batch=batch, kind=WorkKind.WORK, state__in=(ClaimState.WORKING, ClaimState.RETURNED)
    )
    return _close_out_all(unfinished, by=by, why="The client called this batch off.", now=now)


def close_out_task(task: Task, *, by: Actor | None, now: datetime) -> int:
    """Close out all unfinished work on a task, each claim in its own transaction; return how many."""
    unfinished = Claim.objects.filter(
        task=task, kind=WorkKind.WORK, state__in=(ClaimState.WORKING, ClaimState.RETURNED)
    )
    return _close_out_all(unfinished, by=by, why="The client called this task off.", now=now)


def close_out_unsigned(claims: QuerySet[Claim], *, now: datetime) -> int:
    """Close out live and returned work of somebody whose signature ended; return how many."""
    standing = claims.filter(state__in=(ClaimState.WORKING, ClaimState.RETURNED))
    return _close_out_all(standing, by=None, why="The confidentiality agreement was withdrawn.", now=now)


def _close_out_all(claims: Iterable[Claim], *, by: Actor | None, why: str, now: datetime) -> int:
    return sum(close_out_claim(claim, by=by, why=why, now=now) for claim in claims)


def _lock(claim_id: UUID, *, skip_locked: bool = False) -> Claim | None:
    """Lock one claim and load what its ending needs."""
    rows = Claim.objects.select_for_update(of=("self",), skip_locked=skip_locked)
    return (
        rows.select_related("project", "batch", "slot", "expert__user", "hold", "subject_claim")
        .filter(pk=claim_id)
        .first()
    )
