"""What a lab's console shows of its projects and batches: counts, pace, money and what happened lately."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import CharField, Count, F, Func, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from kernel.templatetags.charts import Part
from labs.models import Event, Lab
from labs.queries import events_of
from payments.queries import ProjectFunds, budgets_of, project_funds
from tasks import queries
from tasks.models import Batch, Claim, Export, Project, Slot, Task, WorkKind
from tasks.rules import is_over
from tasks.states import ClaimState, SlotState

FEED_ROWS = 8
SAID_OF_ANSWERS: dict[str, str] = {
    ClaimState.WORKING: "Task claimed",
    ClaimState.SUBMITTED: "Answer handed in",
    ClaimState.RETURNED: "Answer sent back with notes",
    ClaimState.ACCEPTED: "Answer accepted",
    ClaimState.REJECTED: "Answer rejected",
    ClaimState.RELEASED: "Task given back",
    ClaimState.EXPIRED: "Claim expired, slot open again",
    ClaimState.CLOSED_OUT: "Work closed out",
}
TAG_ROWS = 12
STATE_PARTS = (
    (SlotState.ACCEPTED, "settled", "Accepted"),
    (SlotState.SUBMITTED, "motion", "Submitted"),
    (SlotState.CLAIMED, "motion-2", "Claimed"),
    (SlotState.OPEN, "line", "Open"),
    (SlotState.VOID, "none", "Void"),
)


@dataclass(frozen=True)
class Progress:
    """Slots by state as a strip: its parts, their sum, and the words that say the same."""

    parts: list[Part]
    total: int
    accepted: int
    label: str

    @property
    def share(self) -> str:
        """How much of what is still wanted is accepted, in per cent."""
        wanted = self.total - next((part.value for part in self.parts if part.fill == "none"), 0)
        return f"{100 * self.accepted / wanted:.1f} %" if wanted else "nothing wanted yet"


@dataclass(frozen=True)
class ProjectRow:
    """A project in the list: how far it is, and what it spent."""

    project: Project
    batches: int
    progress: Progress
    funds: ProjectFunds | None


@dataclass(frozen=True)
class BatchRow:
    """A batch in its project's list."""

    batch: Batch
    tasks: int
    progress: Progress


@dataclass(frozen=True)
class Burndown:
    """Answers left by day, and how that compares with an even pace to the due date."""

    points: list[tuple[date, int]]
    left: int
    due_on: date | None
    note: str
    label: str
    forecast: str


@dataclass(frozen=True)
class Spend:
    """A project's money as a strip against its cap."""

    funds: ProjectFunds
    parts: list[Part]
    cap_minor: int
    label: str


@dataclass(frozen=True)
class TagRow:
    """How work with one tag fared."""

    tag: str
    items: int
    accepted: int
    returned: str
    rejected: str


@dataclass(frozen=True)
class FeedLine:
    """One thing that happened, in words."""

    at: datetime
    text: str
    ref: str


def projects_of(lab: Lab) -> QuerySet[Project]:
    """Return a lab's projects, newest first."""
    return Project.objects.filter(lab=lab).select_related("domain", "agreement", "lab")


def batches_of(lab: Lab) -> QuerySet[Batch]:
    """Return a lab's batches, newest first."""
    return Batch.objects.filter(lab=lab).select_related("project__domain", "project__lab")


def exports_of(lab: Lab) -> QuerySet[Export]:
    """Return the files a lab asked for, newest first."""
    return Export.objects.filter(lab=lab).select_related("project", "batch")


def project_rows(lab: Lab, mode: str = "") -> list[ProjectRow]:
    """Return the lab's projects, of one world or both, with progress and money; three take as many queries as one."""
    rows = projects_of(lab).filter(mode=mode) if mode else projects_of(lab)
    projects = list(rows.annotate(batch_count=Count("batches")))
    counted = _counts("project_id", Slot.objects.filter(project__lab=lab, kind=WorkKind.WORK))
    funds = {
        key: row
        for currency in sorted({row.currency for row in projects})
        for key, row in budgets_of(lab, currency).items()
    }
    return [
        ProjectRow(row, row.batch_count, progress_of(counted.get(row.pk, {})), funds.get(row.public_id))
        for row in projects
    ]


def batch_rows(project: Project) -> list[BatchRow]:
    """Return a project's batches with their progress."""
    counted = _counts("batch_id", Slot.objects.filter(project=project, kind=WorkKind.WORK))
    batches = Batch.objects.filter(project=project).annotate(task_count=Count("tasks"))
    return [BatchRow(batch, batch.task_count, progress_of(counted.get(batch.pk, {}))) for batch in batches]


def batch_progress(batch: Batch) -> Progress:
    """Return one batch's slots by state."""
    counts = queries.batch_progress(batch)
    return progress_of({state: getattr(counts, state.lower()) for state, _, _ in STATE_PARTS})


def _counts(by: str, slots: QuerySet[Slot]) -> dict[UUID, dict[str, int]]:
    counts: dict[UUID, dict[str, int]] = {}
    for row in slots.values(by, "state").annotate(n=Count("id")).order_by():
        counts.setdefault(row[by], {})[row["state"]] = row["n"]
    return counts


def progress_of(counts: dict[str, int]) -> Progress:
    """Return counts by state as a strip."""
    parts = [Part(fill, counts.get(state, 0), words) for state, fill, words in STATE_PARTS]
    label = ", ".join(f"{part.value} {part.label.lower()}" for part in parts)
    return Progress(parts, sum(part.value for part in parts), counts.get(SlotState.ACCEPTED, 0), label)


def burndown_of(batch: Batch, now: datetime) -> Burndown | None:
    """Return answers left day by day in the viewer's zone; None before there are any."""
    zone = timezone.get_current_timezone()
    slots = Slot.objects.filter(batch=batch, kind=WorkKind.WORK)
    came = _by_day(slots, TruncDate("task__created_at", tzinfo=zone))
    gone = _by_day(
        slots.filter(state__in=(SlotState.ACCEPTED, SlotState.VOID)), TruncDate("state_changed_at", tzinfo=zone)
    )
    if not came:
        return None
    points = _points(came, gone, timezone.localtime(now).date())
    due_on = timezone.localtime(batch.due_at).date() if batch.due_at else None
    left = points[-1][1]
    pace = "" if is_over(batch) else _pace(points, due_on)
    return Burndown(
        points=points,
        left=left,
        due_on=due_on,
        note=f"{left} left",
        label=f"Burn-down: {points[0][1]} answers left on {points[0][0]:%-d %B}, {left} on {points[-1][0]:%-d %B}",
        forecast=pace,
    )


def _by_day(slots: QuerySet[Slot], day: TruncDate) -> dict[date, int]:
    rows = slots.annotate(day=day).values("day").annotate(n=Count("id")).order_by("day")
    return {row["day"]: row["n"] for row in rows}


def _points(came: dict[date, int], gone: dict[date, int], today: date) -> list[tuple[date, int]]:
    """Return what was left at the end of each day, from the first posting to today."""
    first = min(came)
    last = max(today, max([*came, *gone]))
    left, points = 0, []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        left += came.get(day, 0) - gone.get(day, 0)
        points.append((day, left))
    return points


def _pace(points: list[tuple[date, int]], due_on: date | None) -> str:
    """Say when the batch ends at the pace of its last three days."""
    left = points[-1][1]
    recent = points[-4:]
    done = recent[0][1] - recent[-1][1]
    if left == 0:
        return "Every answer is in."
    if len(recent) < 2 or done <= 0:
        return "Too early to say when it ends: nothing was accepted in the last three days."
    days = -(-left * (len(recent) - 1) // done)
    end = points[-1][0] + timedelta(days=days)
    late = f", {(end - due_on).days} days after it is due" if due_on and end > due_on else ""
    return f"At the pace of the last three days it ends on {end:%a %-d %b}{late}."


def spend_of(project: Project) -> Spend:
    """Return a project's money against all that was ever put into it and not taken out."""
    funds = project_funds(project.public_id, project.currency)
    cap = funds.spent.minor + funds.held.minor + funds.available.minor
    parts = [
        Part("settled", funds.spent.minor),
        Part("motion-2", funds.held.minor),
        Part("line", funds.available.minor),
    ]
    if not cap:
        return Spend(funds, parts, 0, "No budget yet")
    label = f"{100 * funds.spent.minor // cap} % spent, {100 * funds.held.minor // cap} % held for claims"
    return Spend(funds, parts, cap, label)


def tag_rows(batch: Batch) -> list[TagRow]:
    """Say for each tag how many answers were accepted, sent back and rejected; most frequent first."""
    tag = Func(F("task__tags"), function="unnest", output_field=CharField(), set_returning=True)
    handed = (ClaimState.SUBMITTED, ClaimState.RETURNED, ClaimState.ACCEPTED, ClaimState.REJECTED)
    rows = (
        Claim.objects.filter(batch=batch, kind=WorkKind.WORK, state__in=handed)
        .annotate(tag=tag)
        .values("tag")
        .annotate(
            items=Count("id"),
            accepted=Count("id", filter=Q(state=ClaimState.ACCEPTED)),
            returned=Count("id", filter=Q(returns__gt=0)),
            rejected=Count("id", filter=Q(state=ClaimState.REJECTED)),
        )
        .order_by("-items", "tag")[:TAG_ROWS]
    )
    return [
        TagRow(
            row["tag"],
            row["items"],
            row["accepted"],
            _share(row["returned"], row["items"]),
            _share(row["rejected"], row["items"]),
        )
        for row in rows
    ]


def _share(part: int, whole: int) -> str:
    return f"{100 * part // whole} %" if whole else "none yet"


def feed_of(lab: Lab, project: Project, batch: Batch | None = None) -> list[FeedLine]:
    """Return the newest events about a project's batch, or about the project."""
    rows: QuerySet[Event] = events_of(lab, project.mode)
    about = Q(data__project=project.public_id) if batch is None else Q(data__batch=batch.public_id)
    answers = Claim.objects.filter(project=project, kind=WorkKind.WORK).select_related("task")
    if batch is not None:
        answers = answers.filter(batch=batch)
    lines = [_line(row) for row in rows.filter(about).order_by("-transaction", "-id")[:FEED_ROWS]]
    lines += [
        FeedLine(row.state_changed_at, SAID_OF_ANSWERS[row.state], row.task.public_id)
        for row in answers.order_by("-state_changed_at")[:FEED_ROWS]
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True)[:FEED_ROWS]


def _line(event: Event) -> FeedLine:
    refs: Iterable[str] = (
        str(event.data[name]) for name in ("submission", "task", "export", "batch", "project") if name in event.data
    )
    return FeedLine(event.created_at, event.kind.replace(".", " ").replace("_", " ").capitalize(), next(iter(refs), ""))


def task_count(batch: Batch) -> int:
    """Count a batch's tasks."""
    return Task.objects.filter(batch=batch).count()
