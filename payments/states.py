"""What may follow what: the lives of fundings, payees, holds, pay lines, runs, items and stored events."""

from __future__ import annotations

from django.db.models import TextChoices

from kernel.states import Moves


class FundingState(TextChoices):
    """How far a lab's payment is."""

    CREATED = "CREATED"
    PROCESSING = "PROCESSING"
    AWAITING_TRANSFER = "AWAITING_TRANSFER"
    PARTIAL = "PARTIAL"
    SUCCEEDED = "SUCCEEDED"
    SETTLED = "SETTLED"
    PARTLY_REFUNDED = "PARTLY_REFUNDED"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"
    LOST = "LOST"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


F = FundingState
FUNDING_MOVES: Moves = {
    F.CREATED: frozenset({F.PROCESSING, F.AWAITING_TRANSFER, F.SUCCEEDED, F.FAILED, F.CANCELLED}),
    F.PROCESSING: frozenset({F.SUCCEEDED, F.FAILED}),
    F.AWAITING_TRANSFER: frozenset({F.PARTIAL, F.SUCCEEDED, F.CANCELLED}),
    F.PARTIAL: frozenset({F.SUCCEEDED, F.CANCELLED}),
    F.SUCCEEDED: frozenset({F.SETTLED, F.REFUNDED, F.DISPUTED}),
    F.SETTLED: frozenset({F.PARTLY_REFUNDED, F.REFUNDED, F.DISPUTED}),
    F.PARTLY_REFUNDED: frozenset({F.REFUNDED, F.DISPUTED}),
    F.REFUNDED: frozenset(),
    F.DISPUTED: frozenset({F.SETTLED, F.LOST}),  # Won, or lost.
    F.LOST: frozenset(),
    F.FAILED: frozenset(),
    F.CANCELLED: frozenset(),
}


class PayeeState(TextChoices):
    """Whether an expert can be paid."""

    NONE = "NONE"
    CREATED = "CREATED"
    ONBOARDING = "ONBOARDING"
    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    RESTRICTED = "RESTRICTED"
    CLOSED = "CLOSED"


P = PayeeState
PAYEE_MOVES: Moves = {
    P.NONE: frozenset({P.CREATED, P.CLOSED}),
    P.CREATED: frozenset({P.ONBOARDING, P.CLOSED}),
    P.ONBOARDING: frozenset({P.PENDING, P.ACTIVE, P.RESTRICTED, P.CLOSED}),
    P.PENDING: frozenset({P.ACTIVE, P.RESTRICTED, P.CLOSED}),
    P.ACTIVE: frozenset({P.PENDING, P.RESTRICTED, P.CLOSED}),
    P.RESTRICTED: frozenset({P.PENDING, P.ACTIVE, P.CLOSED}),
    P.CLOSED: frozenset(),
}


class TaxState(TextChoices):
    """Whether the tax form that an expert owes is at Stripe."""

    ASKED = "ASKED"
    GIVEN = "GIVEN"


TAX_MOVES: Moves = {
    TaxState.ASKED: frozenset({TaxState.GIVEN}),
    TaxState.GIVEN: frozenset({TaxState.ASKED}),  # It holds no longer, or another form is owed.
}


class CorrectionState(TextChoices):
    """How far a correction of the books is."""

    REQUESTED = "REQUESTED"
    POSTED = "POSTED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


CORRECTION_MOVES: Moves = {
    CorrectionState.REQUESTED: frozenset({CorrectionState.POSTED, CorrectionState.REJECTED, CorrectionState.WITHDRAWN}),
    CorrectionState.POSTED: frozenset(),
    CorrectionState.REJECTED: frozenset(),
    CorrectionState.WITHDRAWN: frozenset(),
}


class HoldState(TextChoices):
    """Whether money is still set aside for a claim."""

    OPEN = "OPEN"
    SETTLED = "SETTLED"
    RELEASED = "RELEASED"


HOLD_MOVES: Moves = {
    HoldState.OPEN: frozenset({HoldState.SETTLED, HoldState.RELEASED}),
    HoldState.SETTLED: frozenset(),
    HoldState.RELEASED: frozenset(),
}


class PayLineState(TextChoices):
    """How far a pay line is on its way to the expert."""

    AVAILABLE = "AVAILABLE"
    LOCKED = "LOCKED"
    PAID = "PAID"
    VOID = "VOID"
    CLAWED_BACK = "CLAWED_BACK"


L = PayLineState
PAY_LINE_MOVES: Moves = {
    L.AVAILABLE: frozenset({L.LOCKED, L.VOID}),
    L.LOCKED: frozenset({L.PAID, L.AVAILABLE}),
    L.PAID: frozenset({L.CLAWED_BACK}),
    L.VOID: frozenset(),
    L.CLAWED_BACK: frozenset(),
}


class RunState(TextChoices):
    """How far a payout run is."""

    DRAFT = "DRAFT"
    PENDING_APPROVAL = "PENDING_APPROVAL"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    SENDING = "SENDING"
    PAUSED = "PAUSED"
    PARTIAL = "PARTIAL"
    COMPLETED = "COMPLETED"
    RECONCILED = "RECONCILED"
    CANCELLED = "CANCELLED"


R = RunState
RUN_MOVES: Moves = {
    R.DRAFT: frozenset({R.PENDING_APPROVAL, R.CANCELLED}),
    R.PENDING_APPROVAL: frozenset({R.APPROVED, R.REJECTED, R.DRAFT}),  # Back to DRAFT: approvals are void.
    R.APPROVED: frozenset({R.SENDING, R.CANCELLED}),
    R.REJECTED: frozenset({R.DRAFT, R.CANCELLED}),
    R.SENDING: frozenset({R.PAUSED, R.COMPLETED, R.PARTIAL}),
    R.PAUSED: frozenset({R.SENDING}),
    R.PARTIAL: frozenset({R.SENDING, R.COMPLETED}),
    R.COMPLETED: frozenset({R.RECONCILED}),
    R.RECONCILED: frozenset(),
    R.CANCELLED: frozenset(),
}


class ItemState(TextChoices):
    """How far one expert's payout is."""

    QUEUED = "QUEUED"
    SENDING = "SENDING"
    UNKNOWN = "UNKNOWN"
    BLOCKED = "BLOCKED"
    PAID = "PAID"
    PART_REVERSED = "PART_REVERSED"
    REVERSED = "REVERSED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


I = ItemState  # noqa: E741  (the tables below read best with one letter each)
ITEM_MOVES: Moves = {
    I.QUEUED: frozenset({I.SENDING, I.BLOCKED, I.CANCELLED}),
    I.BLOCKED: frozenset({I.QUEUED, I.CANCELLED}),
    # To QUEUED: definitely not paid for want of our money (attempt + 1). To BLOCKED: the payee cannot be paid.
    I.SENDING: frozenset({I.PAID, I.FAILED, I.UNKNOWN, I.SENDING, I.QUEUED, I.BLOCKED}),
    I.UNKNOWN: frozenset({I.PAID, I.SENDING, I.FAILED, I.QUEUED, I.BLOCKED}),
    I.FAILED: frozenset({I.QUEUED, I.CANCELLED}),
    I.PAID: frozenset({I.PART_REVERSED, I.REVERSED}),
    I.PART_REVERSED: frozenset({I.PART_REVERSED, I.REVERSED}),
    I.REVERSED: frozenset(),
    I.CANCELLED: frozenset(),
}
SENT_STATES = frozenset({I.SENDING, I.UNKNOWN, I.PAID, I.PART_REVERSED, I.REVERSED})
IN_FLIGHT_STATES = frozenset({I.SENDING, I.UNKNOWN})


class BankState(TextChoices):
    """The leg from the expert's Stripe balance to their bank; it only informs."""

    NONE = "NONE"
    IN_TRANSIT = "IN_TRANSIT"
    BANK_PAID = "BANK_PAID"
    BANK_FAILED = "BANK_FAILED"


B = BankState
BANK_MOVES: Moves = {
    B.NONE: frozenset({B.IN_TRANSIT, B.BANK_PAID, B.BANK_FAILED}),
    B.IN_TRANSIT: frozenset({B.BANK_PAID, B.BANK_FAILED}),
    B.BANK_PAID: frozenset({B.BANK_FAILED}),  # A bank may send money back that it had taken.
    B.BANK_FAILED: frozenset(),
}


class EventState(TextChoices):
    """How far a stored Stripe event is."""

    RECEIVED = "RECEIVED"
    RETRY = "RETRY"
    DONE = "DONE"
    IGNORED = "IGNORED"
    DEAD = "DEAD"


E = EventState
EVENT_MOVES: Moves = {
    E.RECEIVED: frozenset({E.DONE, E.IGNORED, E.RETRY}),
    E.RETRY: frozenset({E.DONE, E.IGNORED, E.RETRY, E.DEAD}),
    E.DONE: frozenset(),
    E.IGNORED: frozenset(),
    E.DEAD: frozenset({E.RETRY}),
}
