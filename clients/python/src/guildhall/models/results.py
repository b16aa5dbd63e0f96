"""What came back: submissions, exports, and how good the work is."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from guildhall.models.account import Mode

RejectionCategory = Literal["incorrect", "incomplete", "off_task", "guidelines", "unsupported", "not_own_work"]

ClaimState = Literal["WORKING", "SUBMITTED", "RETURNED", "ACCEPTED", "REJECTED", "RELEASED", "EXPIRED", "CLOSED_OUT"]

ExportState = Literal["QUEUED", "RUNNING", "READY", "FAILED", "EXPIRED"]

ExportFormat = Literal["jsonl", "parquet"]

Level = Literal["nominal", "ordinal", "interval"]

Reviewer = Literal["reviewer", "lab"]

Shape = Literal["canonical", "ragtruth", "sft", "sft_prompt_completion"]


class Review(TypedDict):
    """A judgement: by a reviewer, unnamed, or by you."""

    decision: str
    category: str
    by: Reviewer
    decided_at: str


class Provenance(TypedDict):
    """Who made it, as far as a lab may know, and under which rules."""

    expert: str
    tier: int
    credential_classes: list[str]
    guideline_version: int | None
    agreement_version: int
    active_seconds: int
    shown_order: list[int]
    kind_version: int


class _SubmissionMust(TypedDict):
    id: str
    task: str
    external_id: str
    batch: str
    state: ClaimState
    version: int
    is_newest: bool
    active_seconds: int
    submitted_at: str
    decision_due_at: str | None
    decided_at: str | None
    stages: list[Review]
    provenance: Provenance


class Submission(_SubmissionMust, total=False):
    """An answer as it was handed in; its content comes with ``expand=response``."""

    response: dict[str, Any]


class Export(TypedDict):
    """An export: where it stands and, once READY, what the file holds."""

    id: str
    mode: Mode
    state: ExportState
    project: str
    batch: str | None
    shape: str
    format: str
    since: str | None
    created_at: str
    ready_at: str | None
    next_since: str | None
    rows_done: int
    rows_total: int | None
    rows: int | None
    size_bytes: int | None
    sha256: str
    schema_id: str
    reason: str


class ExportFile(TypedDict):
    """One file of an export."""

    name: str
    format: str
    rows: int
    size_bytes: int
    sha256: str


class Manifest(TypedDict):
    """What a READY export holds."""

    export: str
    files: list[ExportFile]
    shape: str
    schema_id: str
    kind: str
    kind_version: int
    project: str
    batch: str | None
    since: str | None
    next_since: str
    ready_at: str


class RowSchema(TypedDict):
    """What a row of a shape holds."""

    schema_id: str
    shape: str
    schema: dict[str, Any]


class AnswerAgreement(TypedDict):
    """How far answers agree by one measure, over all tasks (`tag` null) or those of a tag; null has its reason."""

    measure: str
    level: Level
    tag: str | None
    items: int
    answers: int
    alpha: float | None
    alpha_reason: str
    ac1: float | None
    ac1_reason: str


class Gold(TypedDict):
    """How answers to gold compare with it: the share that agrees by every measure."""

    answers: int
    score: float | None
    reason: str


class Pace(TypedDict):
    """What was handed in and accepted in the last days."""

    days: int
    submitted: int
    accepted: int


class Times(TypedDict):
    """Percentiles of active seconds, the newest 20,000 answers at most."""

    answers: int
    p10: int | None
    p50: int | None
    p90: int | None


class Decisions(TypedDict):
    """How what was handed in was judged."""

    handed_in: int
    accepted: int
    rejected: int
    returns: int
    return_rate: float | None
    reject_rate: float | None
    reason: str


class Quality(TypedDict):
    """The quality of a project's work."""

    project: str
    kind: str
    as_of: str
    answers_compared: int
    is_partial: bool
    agreement: list[AnswerAgreement]
    agreement_reason: str
    gold: Gold
    pace: Pace
    active_seconds: Times
    decisions: Decisions
