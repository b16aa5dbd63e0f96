"""Tell when a batch is over: all answers decided, then no hold open."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts.audit import audit
from kernel.db import action
from kernel.states import move
from labs.events import record_event
from tasks import rules
from tasks.models import Batch, Claim, Offer, Slot, WorkKind
from tasks.states import BATCH_MOVES, UNSETTLED, BatchState, OfferState, SlotState

DONE = (SlotState.ACCEPTED, SlotState.VOID)


@action
def settle_batch(batch_id: UUID, *, now: datetime) -> Batch:
    """Complete a draining batch whose answers are all decided; note when nothing of it can cost any more."""
    rows = Batch.objects.select_for_update(of=("self",)).select_related("project__lab")
    batch = rows.get(pk=batch_id)
    if batch.state == BatchState.DRAINING and not _has_work_left(batch):
        was = move(batch, BatchState.COMPLETED, moves=BATCH_MOVES, now=now, completed_at=now)
        audit(None, "batch.completed", batch, at=now, was=was)
        _tell(batch, "batch.completed", now)
        Offer.objects.filter(batch=batch, state=OfferState.ACCEPTED).update(
            state=OfferState.EXHAUSTED, state_changed_at=now
        )
    if rules.is_over(batch) and batch.settled_at is None and not _has_open_claims(batch):
        Batch.objects.filter(pk=batch.pk).update(settled_at=now)
        batch.settled_at = now
        audit(None, "batch.settled", batch, at=now)
        _tell(batch, "batch.settled", now)
    return batch


def _has_work_left(batch: Batch) -> bool:
    return Slot.objects.filter(batch=batch, kind=WorkKind.WORK).exclude(state__in=DONE).exists()


def _has_open_claims(batch: Batch) -> bool:
    return Claim.objects.filter(batch=batch, state__in=UNSETTLED).exists()


def _tell(batch: Batch, kind: str, now: datetime) -> None:
    record_event(batch.lab_id, batch.project.mode, kind, at=now, batch=batch.public_id, state=batch.state)
