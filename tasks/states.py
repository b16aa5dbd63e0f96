"""The lives of a project, a batch, a slot, an offer and a claim: tables on one screen."""

from __future__ import annotations

from django.db import models

from kernel.states import Moves


class ProjectState(models.TextChoices):
    """Where a project stands."""

    DRAFT = "DRAFT"
    LIVE = "LIVE"
    PAUSED = "PAUSED"
    CLOSED = "CLOSED"


class BatchState(models.TextChoices):
    """Where a batch stands; RUNNING still takes tasks, DRAINING does not."""

    DRAFT = "DRAFT"
    STAGED = "STAGED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    DRAINING = "DRAINING"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


class SlotState(models.TextChoices):
    """Where one wanted piece of work stands."""

    OPEN = "OPEN"
    CLAIMED = "CLAIMED"
    SUBMITTED = "SUBMITTED"
    ACCEPTED = "ACCEPTED"
    VOID = "VOID"


class OfferState(models.TextChoices):
    """Where a seat stands."""

    OFFERED = "OFFERED"
    ACCEPTED = "ACCEPTED"
    DECLINED = "DECLINED"
    EXPIRED = "EXPIRED"
    EXHAUSTED = "EXHAUSTED"
    RELEASED = "RELEASED"
    WITHDRAWN = "WITHDRAWN"


class ClaimState(models.TextChoices):
    """Where an expert's hold on a slot stands; WORKING, and nothing else, is live."""

    WORKING = "WORKING"
    SUBMITTED = "SUBMITTED"
    RETURNED = "RETURNED"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"
    CLOSED_OUT = "CLOSED_OUT"


class ExportState(models.TextChoices):
    """Where a file of accepted work stands."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    READY = "READY"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


PROJECT_MOVES: Moves = {
    ProjectState.DRAFT: frozenset({ProjectState.LIVE}),
    ProjectState.LIVE: frozenset({ProjectState.PAUSED, ProjectState.CLOSED}),
    ProjectState.PAUSED: frozenset({ProjectState.LIVE, ProjectState.CLOSED}),
    ProjectState.CLOSED: frozenset(),
}

BATCH_MOVES: Moves = {
    BatchState.DRAFT: frozenset({BatchState.STAGED, BatchState.CANCELLED}),
    BatchState.STAGED: frozenset({BatchState.RUNNING, BatchState.CANCELLED}),
    BatchState.RUNNING: frozenset({BatchState.PAUSED, BatchState.DRAINING, BatchState.CANCELLED}),
    BatchState.PAUSED: frozenset({BatchState.RUNNING, BatchState.DRAINING, BatchState.CANCELLED}),
    BatchState.DRAINING: frozenset({BatchState.COMPLETED, BatchState.CANCELLED}),
    BatchState.COMPLETED: frozenset(),
    BatchState.CANCELLED: frozenset(),
}

SLOT_MOVES: Moves = {
    SlotState.OPEN: frozenset({SlotState.CLAIMED, SlotState.VOID}),
    SlotState.CLAIMED: frozenset({SlotState.SUBMITTED, SlotState.OPEN, SlotState.VOID}),
    SlotState.SUBMITTED: frozenset({SlotState.ACCEPTED, SlotState.CLAIMED, SlotState.OPEN, SlotState.VOID}),
    SlotState.ACCEPTED: frozenset(),
    SlotState.VOID: frozenset(),
}

OFFER_MOVES: Moves = {
    OfferState.OFFERED: frozenset({OfferState.ACCEPTED, OfferState.DECLINED, OfferState.EXPIRED}),
    OfferState.ACCEPTED: frozenset({OfferState.EXHAUSTED, OfferState.RELEASED, OfferState.WITHDRAWN}),
    OfferState.DECLINED: frozenset(),
    OfferState.EXPIRED: frozenset(),
    OfferState.EXHAUSTED: frozenset(),
    OfferState.RELEASED: frozenset(),
    OfferState.WITHDRAWN: frozenset(),
}

CLAIM_MOVES: Moves = {
    ClaimState.WORKING: frozenset(
        {ClaimState.SUBMITTED, ClaimState.RELEASED, ClaimState.EXPIRED, ClaimState.CLOSED_OUT}
    ),
    ClaimState.SUBMITTED: frozenset({ClaimState.RETURNED, ClaimState.ACCEPTED, ClaimState.REJECTED}),
    ClaimState.RETURNED: frozenset({ClaimState.WORKING, ClaimState.EXPIRED, ClaimState.CLOSED_OUT}),
    ClaimState.ACCEPTED: frozenset(),
    ClaimState.REJECTED: frozenset(),  # A case may overturn it: see Claim.overturned_at.
    ClaimState.RELEASED: frozenset(),
    ClaimState.EXPIRED: frozenset(),
    ClaimState.CLOSED_OUT: frozenset(),
}

EXPORT_MOVES: Moves = {
    ExportState.QUEUED: frozenset({ExportState.RUNNING, ExportState.FAILED}),
    ExportState.RUNNING: frozenset({ExportState.READY, ExportState.FAILED}),
    ExportState.READY: frozenset({ExportState.EXPIRED}),
    ExportState.FAILED: frozenset(),
    ExportState.EXPIRED: frozenset(),
}

# A slot in one of these claim states is taken: at most one such claim exists per slot.
HOLDING = (ClaimState.WORKING, ClaimState.SUBMITTED, ClaimState.RETURNED, ClaimState.ACCEPTED)
# Work in one of these states may still go on or be judged; its hold is open.
UNSETTLED = (ClaimState.WORKING, ClaimState.SUBMITTED, ClaimState.RETURNED)
# A seat in one of these states stands between an expert and a batch.
STANDING = (OfferState.OFFERED, OfferState.ACCEPTED)
