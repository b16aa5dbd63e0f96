"""What a lab sees of its own work, in its own mode; another lab's rows are never in these."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Count, Exists, Max, OuterRef, QuerySet, Subquery

from agreements.gate import open_each_for_lab
from agreements.models import Agreement
from experts.pseudonyms import pseudonym
from labs.doors import Pointers
from labs.models import Lab, Mode
from payments.rates import fee_minor, pay_minor
from tasks import content
from tasks.exports.record import provenance
from tasks.kinds import registry
from tasks.models import (
    TASK_CONTENT,
    Batch,
    Claim,
    Export,
    File,
    GuidelineVersion,
    IngestRun,
    Project,
    Review,
    Simulation,
    Slot,
    Submission,
    Task,
    TaskTag,
    WorkKind,
)
from tasks.queries import Progress
from tasks.states import BatchState, SlotState

EXPECTED = (BatchState.RUNNING, BatchState.DRAINING)
NOT_RUNNING = "The batch is not running; a quote says what to expect."
ALL_IN = "All answers are in; those that were handed in wait for their decision."
NONE_IN = "No answer has come in yet; a quote says what to expect."
MOST_AHEAD = timedelta(days=3_650)
TOO_FAR = "At the pace so far it would take more than ten years; a quote says what to expect."
WITH_FEE = ("accepted", "fixed", "reviewed")
LISTED = (
    "version",
    "active_seconds",
    "submitted_at",
    *(f"claim__{name}" for name in ("state", "tier", "shown_order", "expert", "decision_due_at", "decided_at")),
    "claim__task__external_id",
    "claim__batch__id",
    "claim__project__kind",
    "claim__guideline__number",
    "claim__agreement_version__number",
)
SEALED = ("response", "claim__project__data_key")


@dataclass(frozen=True, slots=True)
class Finish:
    """When a batch's last answer is expected, or why nobody can tell."""

    at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Cost:
    """What was paid for so far, in minor units."""

    currency: str
    pay_minor: int
    fee_minor: int


def projects_of(lab: Lab, mode: str) -> QuerySet[Project]:
    """List the lab's projects in this mode; a key is read where something is sealed under it."""
    rows = Project.objects.filter(lab=lab, mode=mode).select_related("lab", "domain", "agreement")
    return rows.defer("data_key")


def files_of(lab: Lab, mode: str) -> QuerySet[File]:
    """List the lab's files in this mode without their bytes; an erased one is not there."""
    rows = File.objects.filter(lab=lab, mode=mode, erased_at__isnull=True).select_related("lab")
    return rows.defer("body", "data_key")


def guidelines_of(project: Project) -> QuerySet[GuidelineVersion]:
    """List the versions of a project's instructions."""
    return GuidelineVersion.objects.filter(project=project)


def agreements_of(lab: Lab, mode: str) -> QuerySet[Agreement]:
    """List the lab's agreements in this mode."""
    return Agreement.objects.filter(lab=lab, mode=mode)


def batches_of(lab: Lab, mode: str) -> QuerySet[Batch]:
    """List the lab's batches in this mode."""
    return Batch.objects.filter(lab=lab, project__mode=mode).select_related("project__lab").defer("project__data_key")


def simulation_of(batch: Batch) -> Simulation | None:
    """Return how a test batch is simulated; a live one is not."""
    return Simulation.objects.filter(batch=batch).first() if batch.project.mode == Mode.TEST else None


def expected_finish(batch: Batch, progress: Progress, now: datetime) -> Finish:
    """Tell when the last answer comes in, if all go on coming as they have since the launch."""
    left, done = progress.open + progress.claimed, progress.submitted + progress.accepted
    if batch.state not in EXPECTED or batch.launched_at is None:
        return Finish(None, NOT_RUNNING)
    if not left:
        return Finish(None, ALL_IN)
    if not done:
        return Finish(None, NONE_IN)
    ahead_seconds = (now - batch.launched_at).total_seconds() * left / done
    if ahead_seconds > MOST_AHEAD.total_seconds():
        return Finish(None, TOO_FAR)
    return Finish(now + timedelta(seconds=ahead_seconds), "")


def postings_under_way(batch: Batch) -> list[dict[str, Any]]:
    """List the postings to a batch whose lines are still coming in, oldest first, and how far each is."""
    runs = IngestRun.objects.filter(batch=batch, merged_at__isnull=True).order_by("pk")
    return [
        {
            "id": run.public_id,
            "lines": run.lines,
            "staged": run.staged,
            "rejected": run.rejected,
            "started_at": run.started_at,
            "touched_at": run.touched_at,
        }
        for run in runs
    ]


def tasks_of(batch: Batch) -> QuerySet[Task]:
    """List a batch's tasks without their content."""
    return batch.tasks.defer(*TASK_CONTENT)  # Each knows this very batch; joined, it would be made anew for each row.


def with_content(tasks: QuerySet[Task]) -> QuerySet[Task]:
    """Read what is sealed of tasks as well, as far as their lab may open it."""
    return tasks.defer(None).defer("payload_sha256", "gold")


def pointers_to_tasks(batch: Batch, *, state: str | None, tag: str | None) -> Pointers | None:
    """Return the rows that name a batch's tasks with this tag, or with an answer in this state, in order; or None."""
    answers = Slot.objects.filter(batch=batch, kind=WorkKind.WORK, state=state)
    if tag is None:
        return None if state is None else Pointers(answers, "task")
    tagged = TaskTag.objects.filter(batch=batch, tag=tag)
    return Pointers(tagged if state is None else tagged.filter(Exists(answers.filter(task=OuterRef("task")))), "task")


def task_of(lab: Lab, mode: str) -> QuerySet[Task]:
    """List all the lab's tasks in this mode without their content, with the batch and project each belongs to."""
    rows = Task.objects.filter(batch__lab=lab, project__mode=mode).select_related("batch", "project__lab")
    return rows.defer(*TASK_CONTENT, "project__data_key")


def exports_of(lab: Lab, mode: str) -> QuerySet[Export]:
    """List the lab's exports in this mode."""
    rows = Export.objects.filter(lab=lab, mode=mode).select_related("project", "batch", "lab")
    return rows.defer("project__data_key")


def submissions_of(lab: Lab, mode: str) -> QuerySet[Submission]:
    """List what was handed in for the lab in this mode; each row knows the newest version of its claim."""
    newest = Submission.objects.filter(claim=OuterRef("claim")).order_by().values("claim").annotate(Max("version"))
    return (
        Submission.objects.filter(claim__lab=lab, claim__project__mode=mode, claim__kind=WorkKind.WORK)
        .select_related(
            "claim__task",
            "claim__batch",
            "claim__project",
            "claim__guideline",
            "claim__agreement_version",
        )
        .annotate(newest_version=Subquery(newest.values("version__max")[:1]))
    )


def listed(submissions: QuerySet[Submission], *, with_response: bool) -> QuerySet[Submission]:
    """Read no more than what is shown of them; what is sealed, and its key, only with the response."""
    return submissions.only(*LISTED, *(SEALED if with_response else ()))


def slots_of_tasks(tasks: Sequence[Task]) -> dict[UUID, Progress]:
    """Count the work slots of some tasks by state, in one query."""
    counted: dict[UUID, Counter[str]] = {task.pk: Counter() for task in tasks}
    for task, state in Slot.objects.filter(task__in=tasks, kind=WorkKind.WORK).values_list("task", "state"):
        counted[task][state] += 1
    return {task: progress_from(states) for task, states in counted.items()}


def progress_from(counted: dict[str, int]) -> Progress:
    """Read counts by state as progress."""
    return Progress(
        created=sum(counted.values()),
        open=counted.get(SlotState.OPEN, 0),
        claimed=counted.get(SlotState.CLAIMED, 0),
        submitted=counted.get(SlotState.SUBMITTED, 0),
        accepted=counted.get(SlotState.ACCEPTED, 0),
        void=counted.get(SlotState.VOID, 0),
    )


def cost_of(batch: Batch) -> Cost:
    """Add up what a batch's decided claims cost, each rounded as its pay line was."""
    decided = Claim.objects.filter(batch=batch, approved_seconds__gt=0, decided_at__isnull=False)
    groups = decided.values_list("approved_seconds", "rate_minor", "fee_bps", "decision").annotate(Count("pk"))
    pay = fee = 0
    for seconds, rate, bps, decision, count in groups.order_by():
        one = pay_minor(seconds, rate)
        pay += count * one
        fee += count * (fee_minor(one, bps) if decision in WITH_FEE else 0)
    return Cost(batch.project.currency, pay, fee)


def reviews_by_submission(submissions: Sequence[Submission]) -> dict[UUID, list[Review]]:
    """Group the judgements of some submissions, oldest first, in one query."""
    found: dict[UUID, list[Review]] = {submission.pk: [] for submission in submissions}
    reviews = Review.objects.filter(submission__in=submissions).defer("notes", "fixed_response")
    for review in reviews.order_by("decided_at", "pk"):
        found[review.submission_id].append(review)
    return found


def submission_row(
    submission: Submission, reviews: Iterable[Review], classes: Mapping[UUID, list[str]]
) -> dict[str, Any]:
    """Return a submission as its lab may see it: a pseudonym, no name, no content."""
    claim = submission.claim
    return {
        "id": submission.public_id,
        "task": claim.task.public_id,
        "external_id": claim.task.external_id,
        "batch": claim.batch.public_id,
        "state": claim.state,
        "version": submission.version,
        "is_newest": submission.version == getattr(submission, "newest_version", submission.version),
        "active_seconds": submission.active_seconds,
        "submitted_at": submission.submitted_at,
        "decision_due_at": claim.decision_due_at,
        "decided_at": claim.decided_at,
        "stages": [
            {
                "decision": review.decision,
                "category": review.category,
                "by": "reviewer" if review.claim_id else "lab",
                "decided_at": review.decided_at,
            }
            for review in reviews
        ],
        "provenance": provenance(
            expert=pseudonym(claim.project_id, claim.expert_id),
            tier=claim.tier,
            classes=classes[claim.expert_id],
            guideline=claim.guideline.number if claim.guideline else None,
            agreement=claim.agreement_version.number,
            active_seconds=submission.active_seconds,
            shown_order=claim.shown_order,
            kind_version=registry.get(claim.project.kind).version,
        ),
    }


def opened_tasks(project: Project, tasks: Sequence[Task], *, by: str, at: datetime) -> list[dict[str, Any]]:
    """Open the payloads and metadata of some tasks of one project for its lab; one access row each."""
    sealed = {task.public_id: content.shown_to_lab(task, project) for task in tasks}
    opened = open_each_for_lab(project.lab, by=by, purpose="api", at=at, contents=sealed)
    parts = [[orjson.loads(part) for part in opened[task.public_id]] for task in tasks]
    return [{"payload": payload, "metadata": rest[0] if rest else None} for payload, *rest in parts]


def opened_responses(lab: Lab, submissions: Sequence[Submission], *, by: str, at: datetime) -> list[Any]:
    """Open the answers of some submissions for their lab; one access row each."""
    sealed = {row.public_id: [content.response_of(row, row.claim.project)] for row in submissions}
    opened = open_each_for_lab(lab, by=by, purpose="api", at=at, contents=sealed)
    return [orjson.loads(opened[row.public_id][0]) for row in submissions]
