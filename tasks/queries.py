"""What doors ask about work: counts, a viewer's own rows, and why there is nothing to claim."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from agreements.models import Signature
from agreements.states import SignatureState, VersionState
from experts.models import Expert
from tasks import rules
from tasks.eligibility import Reason
from tasks.models import Assignment, Batch, Claim, Eligibility, Offer, Segment, Slot, WorkKind
from tasks.states import BatchState, ClaimState, OfferState, ProjectState, SlotState

HAS_LIVE_CLAIM = Reason("has_live_claim", "You have a task in hand already. Finish it or give it back first.")
# The nearer a reason is to work, the sooner it is said.
ORDER = ("nda_unsigned", "no_seat", "all_held", "budget_reached", "cap_reached", "paused", "finished", "no_reviews")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is: its work slots by state; ``created`` is their sum, always."""

    created: int
    open: int
    claimed: int
    submitted: int
    accepted: int
    void: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How an expert stands to a project, and how the project stands: what a reason depends on."""

    row: Eligibility
    is_running: bool
    is_batch_paused: bool
    is_signed: bool
    has_seat: bool
    has_open: bool
    has_held: bool
    has_room: bool


def live_claim(expert: Expert) -> Claim | None:
    """Return the claim the expert is at work on, if there is one."""
    rows = Claim.objects.select_related("project__agreement", "task", "slot", "agreement_version", "guideline")
    return rows.filter(expert=expert, state=ClaimState.WORKING).first()


def claims_of(expert: Expert) -> QuerySet[Claim]:
    """Return all that the expert ever claimed, newest first."""
    return Claim.objects.filter(expert=expert).select_related("project", "batch", "task")


def open_offer_count(expert: Expert) -> int:
    """Count the offers that wait for the expert's answer."""
    return Offer.objects.filter(expert=expert, state=OfferState.OFFERED).count()


def batch_progress(batch: Batch) -> Progress:
    """Count a batch's work slots by state, in one query that an index alone answers."""
    counted = dict(
        Slot.objects.filter(batch=batch, kind=WorkKind.WORK).values_list("state").annotate(n=Count("*")).order_by()
    )
    return Progress(
        created=sum(counted.values()),
        open=counted.get(SlotState.OPEN, 0),
        claimed=counted.get(SlotState.CLAIMED, 0),
        submitted=counted.get(SlotState.SUBMITTED, 0),
        accepted=counted.get(SlotState.ACCEPTED, 0),
        void=counted.get(SlotState.VOID, 0),
    )


def seconds_spent(expert: Expert, now: datetime) -> tuple[int, int]:
    """Return the expert's counted seconds of the day and of the week, UTC."""
    day, week = rules.day_start(now), rules.week_start(now)
    today = this_week = 0
    for during in Segment.objects.filter(expert=expert, during__endswith__gt=week).values_list("during", flat=True):
        this_week += int((during.upper - max(during.lower, week)).total_seconds())
        today += max(0, int((during.upper - max(during.lower, day)).total_seconds()))
    return today, this_week


def why_nothing(
    expert: Expert, now: datetime, kind: str = WorkKind.WORK, without: Collection[UUID] = ()
) -> list[Reason]:
    """Return why the expert can claim nothing now, what is nearest to work first; never empty."""
    own = _why_not_now(expert, now)
    if own:
        return own
    by_project = _why_no_review if kind == WorkKind.REVIEW else _why_no_work
    standings = _standings(expert, kind)
    reasons = [reason for one in standings for reason in by_project(one, one.row.project_id in without)]
    if not reasons:
        return [Reason("no_work", "There is no work in your fields just now. You will be told when there is.")]
    ranked = sorted(reasons, key=lambda reason: ORDER.index(reason.rule) if reason.rule in ORDER else len(ORDER))
    return list(dict.fromkeys(ranked))


def _why_not_now(expert: Expert, now: datetime) -> list[Reason]:
    """Return what keeps the expert from starting anything at all."""
    if not rules.can_work(expert):
        return [Reason("not_active", "You are not taking work now. Set yourself available to be offered it.")]
    if Claim.objects.filter(expert=expert, state=ClaimState.WORKING).exists():
        return [HAS_LIVE_CLAIM]
    today, this_week = seconds_spent(expert, now)
    if this_week >= rules.WEEK_SECONDS:
        return [
            Reason("week_limit", "You have worked 40 hours this week, which is the most. It starts anew on Monday.")
        ]
    if today >= rules.DAY_SECONDS:
        return [Reason("day_limit", "You have worked 10 hours today, which is the most. Rest, and go on tomorrow.")]
    return []


def _standings(expert: Expert, kind: str) -> list[Standing]:
    """Return how the expert stands to each project that is launched, in one query."""
    running = Batch.objects.filter(project=OuterRef("project"), state__in=rules.HANDING_OUT)
    slots = Slot.objects.filter(project=OuterRef("project"), kind=kind)
    if kind == WorkKind.WORK:
        slots = slots.filter(batch__state__in=rules.HANDING_OUT)
    touched = Claim.objects.filter(task=OuterRef("task"), expert=expert, kind=WorkKind.WORK)
    signed = Signature.objects.filter(
        user=expert.user_id,
        agreement=OuterRef("project__agreement"),
        state=SignatureState.LIVE,
        version__state=VersionState.PUBLISHED,
    )
    seats = Offer.objects.filter(
        expert=expert,
        batch__project=OuterRef("project"),
        batch__state__in=rules.HANDING_OUT,
        kind=WorkKind.WORK,
        state=OfferState.ACCEPTED,
    )
    paused = Batch.objects.filter(project=OuterRef("project"), state=BatchState.PAUSED)
    facts = {
        "is_running": Exists(running),
        "is_batch_paused": Exists(paused),
        "is_signed": Exists(signed),
        "has_seat": Exists(seats),
        "has_open": Exists(slots.filter(Q(state=SlotState.OPEN), ~Exists(touched))),
        "has_room": Exists(
            running.filter(Q(cap_minor__isnull=True) | Q(cap_minor__gte=F("committed_minor") + OuterRef("hold_minor")))
        ),
        "has_held": Exists(slots.filter(state__in=(SlotState.CLAIMED, SlotState.SUBMITTED))),
    }
    launched = Eligibility.objects.filter(expert=expert, project__state__in=(ProjectState.LIVE, ProjectState.PAUSED))
    rows = launched.select_related("project", "budget_account").annotate(**facts).order_by("project")
    return [Standing(row, **{name: bool(getattr(row, name)) for name in facts}) for row in rows]


def _why_no_work(standing: Standing, is_out_of_budget: bool) -> list[Reason]:
    row, project, name = standing.row, standing.row.project, standing.row.project.code_name
    if not row.is_eligible:
        return [Reason(reason["rule"], f"{name}: {reason['detail']}") for reason in row.reasons]
    if project.state == ProjectState.PAUSED and project.pause_reason == rules.PAUSED_FOR_BUDGET:
        return [Reason("budget_reached", f"{name} has reached its budget. It goes on when its client adds to it.")]
    if project.state == ProjectState.PAUSED or (standing.is_batch_paused and not standing.is_running):
        return [Reason("paused", f"{name} is paused by its client. It will be offered again when it goes on.")]
    if not standing.is_signed:
        return [Reason("nda_unsigned", f"Sign the confidentiality agreement of {name} to claim its work.")]
    if not standing.is_running or not (standing.has_open or standing.has_held):
        return [Reason("finished", f"{name} has no tasks left for you.")]
    if project.assignment == Assignment.SEATS and not standing.has_seat:
        return [
            Reason("no_seat", f"{name} gives its work to those with a seat. You will be offered one if one is free.")
        ]
    if standing.has_open and (is_out_of_budget or _is_out_of_budget(row)):
        return [Reason("budget_reached", f"{name} has reached its budget. It goes on when its client adds to it.")]
    if standing.has_open and not standing.has_room:
        return [Reason("cap_reached", f"{name} has reached what its client will spend on it for now.")]
    return [Reason("all_held", f"All open tasks of {name} are in somebody's hands. Look again in a few minutes.")]


def _is_out_of_budget(row: Eligibility) -> bool:
    account = row.budget_account
    return account is None or -account.balance < (row.hold_minor or 0)


def _why_no_review(standing: Standing, is_out_of_budget: bool) -> list[Reason]:
    row, name = standing.row, standing.row.project.code_name
    if not row.can_review:
        return [Reason(reason["rule"], f"{name}: {reason['detail']}") for reason in row.review_reasons]
    if not standing.is_signed:
        return [Reason("nda_unsigned", f"Sign the confidentiality agreement of {name} to review its work.")]
    return [Reason("no_reviews", f"Nothing of {name} waits for a review that you may give.")]
