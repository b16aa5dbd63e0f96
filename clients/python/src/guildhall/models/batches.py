"""What is asked for: batches and their tasks, and what they are expected to cost."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

BatchState = Literal["DRAFT", "STAGED", "RUNNING", "PAUSED", "DRAINING", "COMPLETED", "CANCELLED"]

PostingMode = Literal["partial", "all_or_nothing"]

SlotState = Literal["OPEN", "CLAIMED", "SUBMITTED", "ACCEPTED", "VOID"]


class SlotCounts(TypedDict):
    """Wanted answers by where they stand; they add up to ``created``."""

    created: int
    open: int
    claimed: int
    submitted: int
    accepted: int
    void: int


class Finish(TypedDict):
    """When the last answer comes in at the pace since the launch; null with its reason where nobody can tell."""

    at: str | None
    reason: str


class PostingUnderWay(TypedDict):
    """A posting whose lines are still coming in: how many came, are good and wait, or were bad."""

    id: str
    lines: int
    staged: int
    rejected: int
    started_at: str
    touched_at: str


class Cost(TypedDict):
    """What the batch cost so far: pay and fees."""

    currency: str
    pay_minor: int
    fee_minor: int


class NewSimulation(TypedDict, total=False):
    """How the simulated experts of a test batch behave; what is left out is drawn or usual. Test mode only."""

    seed: int
    accept_rate: float
    return_rate: float
    reject_rate: float
    disagree_rate: float
    gold_fail_rate: float
    accept_after_seconds: int


class Simulation(TypedDict):
    """How a test batch is simulated; null for a live one."""

    seed: int
    accept_rate: float
    return_rate: float
    reject_rate: float
    disagree_rate: float
    gold_fail_rate: float
    accept_after_seconds: int


class Batch(TypedDict):
    """A batch as its lab sees it."""

    id: str
    project: str
    state: BatchState
    name: str
    priority: int
    due_at: str | None
    cap_minor: int | None
    committed_minor: int
    created_at: str
    staged_at: str | None
    launched_at: str | None
    completed_at: str | None
    cancelled_at: str | None
    cancel_reason: str
    settled_at: str | None


class BatchDetail(Batch):
    """A batch with its progress and cost."""

    progress: SlotCounts
    expected_finish: Finish
    postings: list[PostingUnderWay]
    cost: Cost
    simulation: Simulation | None


class BatchChanges(TypedDict, total=False):
    """What may change of a batch; None lifts a due time or a cap."""

    name: str
    priority: int
    due_at: str | None
    cap_minor: int | None


class TierShare(TypedDict):
    """A tier of those who can do the work."""

    tier: int
    experts: int
    rate_minor: int
    answers: int


class Widening(TypedDict):
    """A rule that alone keeps some experts from the work."""

    rule: str
    experts: int
    advice: str


class Quote(TypedDict):
    """What a batch's open answers are expected to cost, and by when they are done; money in minor units."""

    answers: int
    seconds_per_answer: int
    is_measured: bool
    currency: str
    pay_minor: int
    review_minor: int
    fee_minor: int
    total_minor: int
    most_minor: int
    available_minor: int
    tiers: list[TierShare]
    eligible_experts: int
    free_seconds_this_week: int
    finish_p50: str | None
    finish_p90: str | None
    reason: str
    widening: list[Widening]


class _NewTaskMust(TypedDict):
    external_id: str
    payload: dict[str, Any]


class NewTask(_NewTaskMust, total=False):
    """One task. The payload's fields depend on the project's kind; ``metadata`` is yours and never shown to experts."""

    tags: list[str]
    metadata: dict[str, Any]
    gold: dict[str, Any]
    overlap: int
    priority: int


class Task(TypedDict):
    """A task without its content."""

    id: str
    batch: str
    external_id: str
    tags: list[str]
    overlap: int
    priority: int
    created_at: str
    cancelled_at: str | None
    slots: SlotCounts


class TaskDetail(Task, total=False):
    """A task; its payload and metadata come with ``expand=payload``."""

    payload: dict[str, Any]
    metadata: dict[str, Any] | None


class LineError(TypedDict):
    """What is wrong with one line."""

    line: int
    external_id: str
    code: str
    pointer: str
    detail: str


class Posted(TypedDict):
    """What became of posted lines."""

    id: str
    batch: str
    mode: PostingMode
    lines: int
    accepted: int
    duplicates: int
    rejected: int
    errors: list[LineError]
