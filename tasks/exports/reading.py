"""Reading accepted work for an export: in pages of the database, opened through the gate, one row at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet

from agreements.gate import open_for_lab
from experts.models import Expert
from experts.queries import verified_credential_classes
from kernel.sealing import Sealed
from tasks import content
from tasks.exports import SHAPES, Accepted, Json
from tasks.exports.record import pseudonym
from tasks.kinds import registry
from tasks.models import AcceptanceCount, Claim, Decision, Export, Project, Review, Submission, WorkKind
from tasks.states import ClaimState

PAGE = 500


@dataclass(frozen=True)
class Found:
    """An accepted answer, still sealed."""

    claim: Claim
    submission: Submission
    reviews: list[Review]

    @property
    def fix(self) -> Review | None:
        """The review that put another version in the answer's place."""
        return next((review for review in reversed(self.reviews) if review.decision == Decision.FIX), None)

    def sealed(self, project: Project) -> list[Sealed]:
        """List what has to be opened: payload, answer, then the fix and the metadata where they are."""
        task = self.claim.task
        parts = [content.payload_of(task, project), content.response_of(self.submission, project)]
        if self.fix is not None:
            parts.append(content.fix_of(self.fix, project))
        if task.metadata is not None:
            parts.append(Sealed(bytes(project.data_key), bytes(task.metadata), f"{task.public_id}/metadata"))
        return parts


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
    project = export.project
    waiting: deque[Found] = deque()
    opened = open_for_lab(
        export.lab,
        by=export.requested_by,
        subject=export.public_id,
        purpose="export",
        at=at,
        contents=_sealed(export, waiting),
        count=count,
    )
    shape = SHAPES[export.shape]
    classes = lru_cache(maxsize=10_000)(lambda expert: classes_of(expert, at))
    for payload in opened:
        found = waiting.popleft()
        row = shape.row(_accepted(found, project, payload, opened, classes(found.claim.expert)))
        if row is not None:
            yield row


def _sealed(export: Export, waiting: deque[Found]) -> Iterator[Sealed]:
    """Yield each answer's sealed parts, noting in ``waiting`` whose they are."""
    for found in _pages(export):
        waiting.append(found)
        yield from found.sealed(export.project)


def _pages(export: Export) -> Iterator[Found]:
    """Walk the accepted work by keyset, in the order in which it was accepted."""
    after = export.since_number
    base = accepted_claims(export).select_related("task", "expert", "guideline", "agreement_version")
    while page := list(base.filter(accepted_number__gt=after).order_by("accepted_number")[:PAGE]):
        yield from _with_answers(page)
        after = page[-1].accepted_number or after


def _with_answers(page: list[Claim]) -> Iterator[Found]:
    newest: dict[UUID, Submission] = {}
    for submission in Submission.objects.filter(claim__in=page).order_by("version"):
        newest[submission.claim_id] = submission
    stages: dict[UUID, list[Review]] = {}
    reviews = Review.objects.filter(submission__claim__in=page).select_related("submission")
    for review in reviews.order_by("decided_at", "pk"):
        stages.setdefault(review.submission.claim_id, []).append(review)
    for claim in page:
        yield Found(claim, newest[claim.pk], stages.get(claim.pk, []))


def _accepted(found: Found, project: Project, payload: bytes, opened: Iterator[bytes], classes: list[str]) -> Accepted:
    """Open one answer's other parts, in the order in which they were named."""
    handed_in = orjson.loads(next(opened))
    fixed = orjson.loads(next(opened)) if found.fix is not None else None
    task = found.claim.task
    return Accepted(
        task_id=task.public_id,
        submission_id=found.submission.public_id,
        external_id=task.external_id,
        kind=project.kind,
        payload=orjson.loads(payload),
        response=fixed if fixed is not None else handed_in,
        original=handed_in if fixed is not None else None,
        tags=task.tags,
        metadata=orjson.loads(next(opened)) if task.metadata is not None else None,
        provenance=provenance(project, found, classes),
    )


def provenance(project: Project, found: Found, classes: list[str]) -> dict[str, Any]:
    """Say who made an answer, as far as a lab may know, and under which rules; gold is never told."""
    claim = found.claim
    return {
        "expert": pseudonym(project.pk, claim.expert_id),
        "tier": claim.tier,
        "credential_classes": classes,
        "guideline_version": claim.guideline.number if claim.guideline else None,
        "agreement_version": claim.agreement_version.number,
        "active_seconds": found.submission.active_seconds,
        "shown_order": list(claim.shown_order),
        "kind_version": registry.get(project.kind).version,
        "stages": [stage_of(review) for review in found.reviews],
    }


def stage_of(review: Review) -> dict[str, Any]:
    """Describe a judgement without naming who made it."""
    return {
        "decision": review.decision,
        "category": review.category,
        "by": "reviewer" if review.claim_id else "lab",
        "decided_at": review.decided_at,
    }


def classes_of(expert: Expert, at: datetime) -> list[str]:
    """List the kinds of credential that an expert has verified."""
    return sorted(verified_credential_classes(expert, at.date()))
