"""Reading accepted work for an export: in pages of the database, opened through the gate, one row at a time.

Pages are read as plain columns: making models of a hundred thousand rows takes longer than all the rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.db.models import QuerySet

from agreements.gate import open_for_lab
from experts.pseudonyms import pseudonym
from experts.queries import credential_classes_by_expert
from kernel.ids import encode_id
from kernel.sealing import Sealed
from tasks.exports import SHAPES, Accepted, Json
from tasks.exports.record import provenance
from tasks.kinds import registry
from tasks.models import AcceptanceCount, Claim, Decision, Export, Review, Submission, Task, WorkKind
from tasks.states import ClaimState

PAGE = 1_000
CLAIM = (
    "accepted_number",
    "pk",
    "expert_id",
    "tier",
    "shown_order",
    "guideline__number",
    "agreement_version__number",
    "task_id",
    "task__external_id",
    "task__tags",
    "task__payload",
    "task__metadata",
)
SUBMISSION = ("claim_id", "pk", "active_seconds", "response")
REVIEW = ("submission__claim_id", "pk", "decision", "category", "claim_id", "decided_at", "fixed_response")


class Judged(NamedTuple):
    """A judgement, its fix still sealed."""

    review_id: UUID
    decision: str
    category: str
    reviewer_claim: UUID | None
    decided_at: datetime
    fix: bytes | None


class Found(NamedTuple):
    """An accepted answer, still sealed: what its claim and task are, its newest version, and how it was judged."""

    number: int
    claim_id: UUID
    expert_id: UUID
    tier: int
    shown_order: list[int]
    guideline: int | None
    agreement: int
    task_id: UUID
    external_id: str
    tags: list[str]
    payload: bytes
    metadata: bytes | None
    submission_id: UUID
    active_seconds: int
    response: bytes
    stages: list[Judged]

    @property
    def fix(self) -> Judged | None:
        """The judgement that put another version in the answer's place."""
        return next((stage for stage in reversed(self.stages) if stage.decision == Decision.FIX), None)


def accepted_claims(export: Export) -> QuerySet[Claim]:
    """List the accepted work that an export covers."""
    claims = Claim.objects.filter(project=export.project_id, kind=WorkKind.WORK, state=ClaimState.ACCEPTED)
    if export.batch_id is not None:
        claims = claims.filter(batch=export.batch_id)
    return claims.filter(accepted_number__gt=export.since_number, accepted_number__lte=export.until_number)


def last_acceptance(export: Export) -> int:
    """Return the number of the project's newest acceptance; none before it is still to come."""
    count = AcceptanceCount.objects.filter(project=export.project_id).first()
    return count.last if count else 0


def rows_of(export: Export, *, count: int, at: datetime) -> Iterator[Json]:
    """Yield the export's rows; the access row is written before the first one is opened."""
    reader = Reader(export, at)
    opened = open_for_lab(
        export.lab,
        by=export.requested_by,
        subject=export.public_id,
        purpose="export",
        at=at,
        contents=reader.sealed(),
        count=count,
    )
    make = SHAPES[export.shape].row
    for payload in opened:
        row = make(reader.accepted(payload, opened))
        if row is not None:
            yield row


class Reader:
    """Names what has to be opened, answer by answer, and puts together what was."""

    def __init__(self, export: Export, at: datetime) -> None:
        self._export, self._at = export, at
        self._key = bytes(export.project.data_key)
        self._kind = export.project.kind
        self._kind_version = registry.get(self._kind).version
        self._pseudonym = cache(lambda expert: pseudonym(export.project_id, expert))
        self._classes: dict[UUID, list[str]] = {}
        self._waiting: deque[tuple[Found, str, str]] = deque()  # Each with its task's and its submission's public id.

    def sealed(self) -> Iterator[Sealed]:
        """Yield of each answer the payload and the response, then the fix and the metadata where they are."""
        for found in self._pages():
            task, submission = encode_id(Task.PREFIX, found.task_id), encode_id(Submission.PREFIX, found.submission_id)
            self._waiting.append((found, task, submission))
            yield Sealed(self._key, found.payload, f"{task}/payload")
            yield Sealed(self._key, found.response, f"{submission}/response")
            if (fix := found.fix) is not None and fix.fix is not None:
                yield Sealed(self._key, fix.fix, f"{encode_id(Review.PREFIX, fix.review_id)}/fix")
            if found.metadata is not None:
                yield Sealed(self._key, found.metadata, f"{task}/metadata")

    def accepted(self, payload: bytes, opened: Iterator[bytes]) -> Accepted:
        """Take the next answer's parts, in the order in which ``sealed`` named them."""
        found, task, submission = self._waiting.popleft()
        handed_in = orjson.loads(next(opened))
        fixed = orjson.loads(next(opened)) if found.fix is not None else None
        return Accepted(
            task_id=task,
            submission_id=submission,
            external_id=found.external_id,
            kind=self._kind,
            payload=orjson.loads(payload),
            response=fixed if fixed is not None else handed_in,
            original=handed_in if fixed is not None else None,
            tags=found.tags,
            metadata=orjson.loads(next(opened)) if found.metadata is not None else None,
            provenance=self._provenance(found),
        )

    def _provenance(self, found: Found) -> Json:
        return {
            **provenance(
                expert=self._pseudonym(found.expert_id),
                tier=found.tier,
                classes=self._classes[found.expert_id],
                guideline=found.guideline,
                agreement=found.agreement,
                active_seconds=found.active_seconds,
                shown_order=found.shown_order,
                kind_version=self._kind_version,
            ),
            "stages": [_stage(judged) for judged in found.stages],
        }

    def _pages(self) -> Iterator[Found]:
        """Walk the accepted work by keyset, in the order in which it was accepted."""
        after = self._export.since_number
        rows = accepted_claims(self._export).order_by("accepted_number").values_list(*CLAIM)
        while page := list(rows.filter(accepted_number__gt=after)[:PAGE]):
            last: int = page[-1][0]
            self._meet(row[2] for row in page)
            yield from self._with_answers(page, after, last)
            after = last

    def _with_answers(self, page: Sequence[tuple[Any, ...]], after: int, last: int) -> Iterator[Found]:
        """Join the newest versions and the judgements, asked for by where the page lies: a thousand ids take longer."""
        claims = accepted_claims(self._export).filter(accepted_number__gt=after, accepted_number__lte=last).values("pk")
        newest = Submission.objects.filter(claim__in=claims).order_by("claim_id", "-version").distinct("claim_id")
        answers = {claim: answer for claim, *answer in newest.values_list(*SUBMISSION)}
        stages: dict[UUID, list[Judged]] = {}
        reviews = Review.objects.filter(submission__claim__in=claims).order_by("decided_at", "pk")
        for claim, *judged in reviews.values_list(*REVIEW):
            stages.setdefault(claim, []).append(Judged(*judged))
        for row in page:
            yield Found._make((*row, *answers[row[1]], stages.get(row[1], [])))

    def _meet(self, experts: Iterator[UUID]) -> None:
        """Learn what the experts of a page have proved, of those who are new."""
        new = set(experts) - self._classes.keys()
        self._classes |= credential_classes_by_expert(new, self._at.date())


def _stage(judged: Judged) -> Json:
    """Describe a judgement without naming who made it."""
    return {
        "decision": judged.decision,
        "category": judged.category,
        "by": "reviewer" if judged.reviewer_claim else "lab",
        "decided_at": judged.decided_at,
    }
