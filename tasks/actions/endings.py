"""How a claim ends: the meter stops, what is payable is paid out of its hold, and the slot goes where it has to."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Q, Sum

from accounts.audit import Actor, audit
from accounts.outbox import due
from kernel.db import require_transaction
from kernel.states import move
from payments import credits
from tasks import rules
from tasks.actions import caps
from tasks.actions.timing import stop_meter
from tasks.models import Claim, Offer, Slot, Task, WorkKind
from tasks.states import (
    CLAIM_MOVES,
    SLOT_MOVES,
    BatchState,
    ClaimState,
    OfferState,
    SlotState,
)

FINISHED = (ClaimState.SUBMITTED, ClaimState.ACCEPTED, ClaimState.REJECTED)
UNFINISHED = (ClaimState.RELEASED, ClaimState.EXPIRED)


def end_unfinished(
    claim: Claim, to: str, *, actor: Actor | None, why: str, now: datetime, is_present: bool = False
) -> None:
    """End a claim that was not handed in: pay its time as far as the allowance goes, and free its slot.

    What the lab closed out is paid whole. ``claim`` is locked, with its project, batch, slot and hold.
    """
    require_transaction()
    was = claim.state
    meter = stop_meter(claim, now, is_present=is_present)
    billable = min(meter.active_seconds, claim.cap_seconds)
    approved = billable if to == ClaimState.CLOSED_OUT else min(billable, allowance_left(claim, now))
    fields = {**meter.fields, "billable_seconds": billable, "approved_seconds": approved}
    move(claim, to, moves=CLAIM_MOVES, now=now, decided_at=now, decision=to.lower(), end_reason=why[:200], **fields)
    slot_to = free_slot(claim, now)
    pay(claim, reason=to.lower(), with_fee=False, now=now)
    audit(actor, f"claim.{to.lower()}", claim, at=now, was=was, slot=claim.slot_id, slot_to=slot_to, seconds=approved)


def free_slot(claim: Claim, now: datetime) -> str:
    """Give the slot back to others, or void it where nobody shall have it; return the state it got.

    Work of a cancelled batch or task, and a review whose subject was decided meanwhile, is wanted by nobody.
    """
    if claim.subject_claim is not None:
        unwanted = claim.subject_claim.state != ClaimState.SUBMITTED
    else:
        # Locked, so that a cancellation under way is either seen here, or sees the slot that is given back.
        task = Task.objects.select_for_update(no_key=True).only("cancelled_at").get(pk=claim.task_id)
        unwanted = claim.batch.state == BatchState.CANCELLED or task.cancelled_at is not None
    to = SlotState.VOID if unwanted else SlotState.OPEN
    move(claim.slot, to, moves=SLOT_MOVES, now=now)
    return to


def pay(claim: Claim, *, reason: str, with_fee: bool, now: datetime) -> None:
    """Settle the claim's hold for its approved seconds; count them on the expert's seat."""
    require_transaction()
    assert claim.hold is not None  # Taken at the claim.
    assert claim.approved_seconds is not None  # Set by the decision.
    if claim.kind == WorkKind.REVIEW and not claim.approved_seconds:
        credits.give_back_review_part(claim.hold, at=now)
        return
    caps.give_back_unspent(claim, with_fee=with_fee)
    credits.settle(
        claim.hold,
        expert=claim.expert,
        seconds=claim.approved_seconds,
        rate_minor=claim.rate_minor,
        tier=claim.tier,
        card_version=claim.card_version,
        fee_bps=claim.fee_bps,
        kind=claim.kind,
        reason=reason,
        with_fee=with_fee,
        at=now,
    )
    if claim.kind == WorkKind.WORK and claim.approved_seconds:
        Offer.objects.filter(
            expert=claim.expert, batch=claim.batch, kind=WorkKind.WORK, state=OfferState.ACCEPTED
        ).update(worked_seconds=F("worked_seconds") + claim.approved_seconds)
    if claim.batch.state in (BatchState.DRAINING, BatchState.CANCELLED):
        due("tasks.settle_batch", key=f"{claim.public_id}-{claim.state}", batch=claim.batch_id)


def allowance_left(claim: Claim, now: datetime) -> int:
    """Return how many seconds of unfinished work the project still pays this expert without a person deciding.

    A share of their finished time in the project, and ten minutes in every week at least.
    """
    mine = Q(expert=claim.expert_id, project=claim.project_id)
    unfinished = Q(state__in=UNFINISHED)
    sums = Claim.objects.filter(mine).aggregate(
        finished=Sum("billable_seconds", filter=Q(state__in=FINISHED), default=0),
        used=Sum("approved_seconds", filter=unfinished, default=0),
        used_this_week=Sum("approved_seconds", filter=unfinished & Q(decided_at__gte=rules.week_start(now)), default=0),
    )
    by_share = sums["finished"] * claim.project.allowance_bps // 10_000 - sums["used"]
    by_week = rules.WEEKLY_ALLOWANCE_SECONDS - sums["used_this_week"]
    return max(0, int(by_share), int(by_week))


def void_open_reviews(claim: Claim, now: datetime) -> int:
    """Void the review slots that nobody has taken: the work is decided."""
    return Slot.objects.filter(subject_claim=claim, kind=WorkKind.REVIEW, state=SlotState.OPEN).update(
        state=SlotState.VOID, state_changed_at=now
    )
