"""An expert's home: what to do next, what is offered, why nothing is, and what the week came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils import timezone

from agreements.models import AgreementVersion, Signature
from agreements.states import SignatureState, VersionState
from experts.models import Expert
from kernel.ids import encode_id
from kernel.templatetags.charts import Bar, Part
from kernel.templatetags.gh import duration
from payments.models import Payee, PayLine, PayoutItem
from payments.rates import pay_minor
from tasks.actions import timing
from tasks.models import Assignment, Batch, Claim, Eligibility, Offer, Project, Segment, Slot, WorkKind
from tasks.rules import HANDING_OUT, week_start
from tasks.states import ClaimState, OfferState, ProjectState, SlotState

WHY_ROWS = 12
IN_REVIEW = (ClaimState.SUBMITTED, ClaimState.RETURNED)


@dataclass(frozen=True)
class OfferRow:
    """An offer as it stands on the page: what it gives, by when, and why this expert."""

    offer: Offer
    tier: int | None
    worth_minor: int
    tasks_left: int
    sign_version: UUID | None  # What must be signed before the first claim; None when nothing.


@dataclass(frozen=True)
class Seat:
    """Work the expert may claim now, or could after signing."""

    project: Project
    batch: Batch | None
    kind: str
    rate_minor: int | None
    tier: int | None
    waiting: int
    minutes_left: int | None
    sign_version: UUID | None


@dataclass(frozen=True)
class WhyRow:
    """Why one project has nothing for this expert now."""

    project: Project
    label: str
    detail: str


@dataclass(frozen=True)
class Live:
    """The claim the expert holds now, and its meter."""

    claim: Claim
    reading: timing.Reading
    saved_at: datetime | None


@dataclass(frozen=True)
class Week:
    """What this week came to so far."""

    accepted_minor: int
    review_minor: int
    active_seconds: int
    last_week_minor: int
    columns: list[Bar] = field(default_factory=list)
    chart_label: str = ""

    @property
    def earned_minor(self) -> int:
        """Accepted and in review together."""
        return self.accepted_minor + self.review_minor

    @property
    def effective_minor(self) -> int | None:
        """Money an hour over all active time of the week; None without any."""
        return round(self.earned_minor * 3600 / self.active_seconds) if self.active_seconds else None


@dataclass(frozen=True)
class Payout:
    """The next money to move: an item of a run on its way, or what waits for the next run."""

    amount_minor: int
    item: PayoutItem | None
    payee: Payee | None


def open_offers(expert: Expert, now: datetime) -> QuerySet[Offer]:
    """Return the offers that wait for this expert's answer, the best first."""
    return Offer.objects.filter(expert=expert, state=OfferState.OFFERED, expires_at__gt=now).select_related(
        "batch__project__domain", "batch__project__agreement"
    )


def offer_rows(expert: Expert, offers: Iterable[Offer]) -> list[OfferRow]:
    """Return offers ready to render, with four queries however many they are."""
    shown = list(offers)
    projects = {offer.batch.project for offer in shown}
    tiers = dict(Eligibility.objects.filter(expert=expert, project__in=projects).values_list("project_id", "tier"))
    left = open_by_batch({offer.batch_id for offer in shown})
    unsigned = unsigned_versions(expert, {project.agreement_id for project in projects})
    return [
        OfferRow(
            offer=offer,
            tier=tiers.get(offer.batch.project_id),
            worth_minor=pay_minor(offer.guaranteed_minutes * 60, offer.rate_minor),
            tasks_left=left.get((offer.batch_id, offer.kind), 0),
            sign_version=unsigned.get(offer.batch.project.agreement_id),
        )
        for offer in shown
    ]


def open_by_batch(batches: set[UUID]) -> dict[tuple[UUID, str], int]:
    """Count the open slots of each batch by kind."""
    counted = (
        Slot.objects.filter(batch__in=batches, state=SlotState.OPEN).values("batch_id", "kind").annotate(n=Count("id"))
    )
    return {(row["batch_id"], row["kind"]): row["n"] for row in counted}


def unsigned_versions(expert: Expert, agreements: set[UUID]) -> dict[UUID, UUID]:
    """Map each agreement whose newest version this expert has not signed to that version."""
    signed = Signature.objects.filter(user=expert.user_id, version=OuterRef("pk"), state=SignatureState.LIVE)
    newest = AgreementVersion.objects.filter(agreement__in=agreements, state=VersionState.PUBLISHED)
    return dict(newest.filter(~Exists(signed)).values_list("agreement_id", "pk"))


def seats_of(expert: Expert) -> list[Seat]:
    """Return what the expert may claim: accepted seats, open projects, and reviews that wait."""
    eligible = {
        row.project_id: row
        for row in Eligibility.objects.filter(expert=expert)
        .filter(Q(is_eligible=True) | Q(can_review=True))
        .select_related("project__domain")
    }
    accepted = list(
        Offer.objects.filter(expert=expert, state=OfferState.ACCEPTED, batch__state__in=HANDING_OUT).select_related(
            "batch__project__domain"
        )
    )
    left = open_by_batch({offer.batch_id for offer in accepted})
    agreements = {row.project.agreement_id for row in eligible.values()}
    unsigned = unsigned_versions(expert, agreements | {offer.batch.project.agreement_id for offer in accepted})
    seats = [_seat(offer, eligible.get(offer.batch.project_id), left, unsigned) for offer in accepted]
    return seats + _open_work(expert, eligible, unsigned) + _reviews(expert, eligible, unsigned, accepted)


def _seat(offer: Offer, row: Eligibility | None, left: dict[tuple[UUID, str], int], unsigned: dict[UUID, UUID]) -> Seat:
    return Seat(
        project=offer.batch.project,
        batch=offer.batch,
        kind=offer.kind,
        rate_minor=row.rate_minor if row else offer.rate_minor,
        tier=row.tier if row else None,
        waiting=left.get((offer.batch_id, offer.kind), 0),
        minutes_left=max(0, offer.guaranteed_minutes - offer.worked_minutes),
        sign_version=unsigned.get(offer.batch.project.agreement_id),
    )


def _open_work(expert: Expert, eligible: dict[UUID, Eligibility], unsigned: dict[UUID, UUID]) -> list[Seat]:
    wanted = [
        key
        for key, row in eligible.items()
        if row.is_eligible and row.project.assignment == Assignment.OPEN and row.project.state == ProjectState.LIVE
    ]
    slots = Slot.objects.filter(project__in=wanted, kind=WorkKind.WORK, batch__state__in=HANDING_OUT)
    return _counted(_untouched(slots, expert), WorkKind.WORK, eligible, unsigned)


def _reviews(
    expert: Expert, eligible: dict[UUID, Eligibility], unsigned: dict[UUID, UUID], accepted: list[Offer]
) -> list[Seat]:
    seated = {offer.batch.project_id for offer in accepted if offer.kind == WorkKind.REVIEW}
    wanted = [key for key, row in eligible.items() if row.can_review and key not in seated]
    slots = Slot.objects.filter(project__in=wanted, kind=WorkKind.REVIEW)
    return _counted(_untouched(slots, expert), WorkKind.REVIEW, eligible, unsigned)


def _untouched(slots: QuerySet[Slot], expert: Expert) -> QuerySet[Slot]:
    """Keep open slots of tasks that this expert has not touched."""
    touched = Claim.objects.filter(task=OuterRef("task"), expert=expert)
    return slots.filter(~Exists(touched), state=SlotState.OPEN)


def _counted(
    slots: QuerySet[Slot], kind: str, eligible: dict[UUID, Eligibility], unsigned: dict[UUID, UUID]
) -> list[Seat]:
    rows = slots.values("project_id").annotate(n=Count("id")).order_by("-n")
    return [
        Seat(
            project=eligible[row["project_id"]].project,
            batch=None,
            kind=kind,
            rate_minor=eligible[row["project_id"]].rate_minor,
            tier=eligible[row["project_id"]].tier,
            waiting=row["n"],
            minutes_left=None,
            sign_version=unsigned.get(eligible[row["project_id"]].project.agreement_id),
        )
        for row in rows
    ]


def live_of(expert: Expert, now: datetime) -> Live | None:
    """Return the claim the expert holds now."""
    claim = (
        Claim.objects.filter(expert=expert, state=ClaimState.WORKING, lease_until__gt=now)
        .select_related("project__domain", "task", "draft")
        .first()
    )
    if claim is None:
        return None
    saved = claim.draft.saved_at if hasattr(claim, "draft") else None
    return Live(claim, timing.reading_of(claim, now), saved)


def returned_to(expert: Expert) -> QuerySet[Claim]:
    """Return the work that was sent back to this expert, the most urgent first."""
    return (
        Claim.objects.filter(expert=expert, state=ClaimState.RETURNED)
        .select_related("project__domain")
        .order_by("decision_due_at")
    )


def why_rows(expert: Expert) -> list[WhyRow]:
    """Say for each live project near this expert's fields why it has nothing for them now."""
    rows = list(
        Eligibility.objects.filter(expert=expert, project__state__in=(ProjectState.LIVE, ProjectState.PAUSED))
        .filter(Q(tier__isnull=False) | Q(is_eligible=True))
        .select_related("project__domain")
        .order_by("-is_eligible", "project__code_name")[:WHY_ROWS]
    )
    counted = _slots_by_project([row.project_id for row in rows])
    return [_why(row, counted.get(row.project_id, {})) for row in rows]


def _slots_by_project(projects: list[UUID]) -> dict[UUID, dict[str, int]]:
    counts: dict[UUID, dict[str, int]] = {}
    slots = Slot.objects.filter(project__in=projects, kind=WorkKind.WORK, batch__state__in=HANDING_OUT)
    for row in slots.values("project_id", "state").annotate(n=Count("id")):
        counts.setdefault(row["project_id"], {})[row["state"]] = row["n"]
    return counts


def _why(row: Eligibility, slots: dict[str, int]) -> WhyRow:
    project, reasons = row.project, row.reasons
    if not row.is_eligible:
        first = reasons[0]["detail"] if reasons else "A rule of the project leaves you out."
        return WhyRow(project, "NOT_ELIGIBLE", first)
    if project.state == ProjectState.PAUSED:
        return WhyRow(project, "PAUSED", "The project is paused. What you were promised stays yours.")
    if slots.get(SlotState.OPEN):
        return WhyRow(
            project, "NO_OFFER", f"{slots[SlotState.OPEN]} slots are open; the next offers go out as seats free up."
        )
    if held := slots.get(SlotState.CLAIMED, 0):
        return WhyRow(project, "ALL_HELD", f"All open slots are held by others ({held}). One frees when a lease ends.")
    return WhyRow(project, "FINISHED", "No batch of it is open just now. We look again when one opens.")


def week_of(expert: Expert, now: datetime, live: Live | None) -> Week:
    """Return what this week came to: accepted and in review, active time by day in the viewer's zone."""
    start = week_start(now)
    lines = (
        PayLine.objects.standing()
        .filter(expert=expert)
        .aggregate(
            this=Sum("amount_minor", filter=Q(decided_at__gte=start)),
            last=Sum("amount_minor", filter=Q(decided_at__gte=start - timedelta(days=7), decided_at__lt=start)),
        )
    )
    waiting = Claim.objects.filter(expert=expert, state__in=IN_REVIEW).values_list(
        "billable_seconds", "cap_seconds", "active_seconds", "rate_minor"
    )
    review = sum(
        pay_minor(min(cap, active) if billed is None else billed, rate) for billed, cap, active, rate in waiting
    )
    seconds = _seconds_by_day(expert, start, now, live)
    columns = [
        Bar(
            f"{day:%a}",
            f"{spent // 3600}:{spent // 60 % 60:02d}" if spent else "",
            [Part("brand", spent)] if spent else [],
            day == timezone.localtime(now).date(),
        )
        for day, spent in seconds.items()
    ]
    said = ", ".join(f"{day:%A} {duration(spent)}" for day, spent in seconds.items() if spent)
    return Week(
        accepted_minor=lines["this"] or 0,
        review_minor=review,
        active_seconds=sum(seconds.values()),
        last_week_minor=lines["last"] or 0,
        columns=columns,
        chart_label=f"Active time by day: {said}" if said else "Active time by day: none yet",
    )


def _seconds_by_day(expert: Expert, start: datetime, now: datetime, live: Live | None) -> dict[object, int]:
    """Count active seconds of each day of the week in the viewer's zone; the running stretch counts as today's."""
    first = timezone.localtime(start).date()
    first -= timedelta(days=first.weekday())
    days: dict[object, int] = {first + timedelta(days=offset): 0 for offset in range(7)}
    for during in Segment.objects.filter(expert=expert, during__endswith__gt=start).values_list("during", flat=True):
        day = timezone.localtime(during.lower).date()
        if day in days:
            days[day] += int((during.upper - during.lower).total_seconds())
    today = timezone.localtime(now).date()
    if live is not None and today in days:
        days[today] += live.reading.active_seconds - live.claim.active_seconds
    return days


def next_payout(expert: Expert) -> Payout:
    """Return the newest item still on its way, else what is accepted and waits for the next run."""
    payee = Payee.objects.filter(expert=expert).first()
    item = (
        PayoutItem.objects.filter(expert=expert)
        .exclude(state__in=("PAID", "CANCELLED", "REVERSED", "PART_REVERSED"))
        .select_related("run")
        .order_by("-pk")
        .first()
    )
    if item is not None:
        return Payout(item.amount_minor, item, payee)
    waiting = PayLine.objects.filter(expert=expert, state="AVAILABLE").aggregate(total=Sum("amount_minor"))
    return Payout(waiting["total"] or 0, None, payee)


def work_of(expert: Expert) -> QuerySet[Claim]:
    """Return all that this expert ever claimed, newest first."""
    return (
        Claim.objects.filter(expert=expert)
        .select_related("project__domain", "task", "project")
        .annotate(versions=Count("submissions"), paid_rate=F("rate_minor"))
        .order_by("-claimed_at", "-id")
    )


def pay_lines_of(claim: Claim) -> QuerySet[PayLine]:
    """Return the pay lines that a claim's time became."""
    return PayLine.objects.filter(subject__startswith=encode_id(Claim.PREFIX, claim.pk)).order_by("decided_at")
