"""Who should do what: judge every expert against a project in bulk, then choose whom to offer seats, and say why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Q, Sum

from agreements.models import Signature
from agreements.states import SignatureState
from experts.models import Credential, Expert, ReviewerMark, TierGrant
from experts.queries import nearest
from experts.states import ExpertState
from labs.models import Member
from payments import ledger
from payments.models import Account
from payments.queries import RateQuote, rates_by_tier
from payments.rates import hold_minor
from payments.rules import has_payout_rail
from tasks import rules
from tasks.eligibility import SIMULATED, Candidate, Demand, why_not_review, why_not_work
from tasks.models import Batch, Claim, Eligibility, Offer, Project, ReviewPolicy, Segment, Slot, Task, WorkKind
from tasks.states import STANDING, ClaimState, OfferState, SlotState

SMALLEST_SEAT_MINUTES = 30
FULL_WEEK_SECONDS = 10 * 3600  # So many free hours this week earn all points for time.
PRIOR_ACCEPTED, PRIOR_DECIDED = 8, 10  # Somebody new is taken to be as good as most.


@dataclass(frozen=True, slots=True)
class Seat:
    """A seat to be offered: to whom, for how many minutes, and why to them."""

    expert_id: UUID
    minutes: int
    rate_minor: int
    score: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """What an expert's past says: time left this week, and how their answers were judged."""

    free_seconds: int
    accepted: int
    decided: int
    here: int  # Answers finished in this project.
    has_signed: bool
    credentials: int


def affected_projects(*modes: str) -> list[Project]:
    """Return the projects of these worlds that hand out work or may again: those that experts are judged against."""
    return list(Project.objects.filter(mode__in=modes, state__in=("LIVE", "PAUSED")).select_related("domain"))


def demand_of(project: Project, rates: dict[int, RateQuote]) -> Demand:
    """Return what the project asks of an expert."""
    return Demand(
        mode=project.mode,
        domain_name=project.domain.name,
        tier_min=project.tier_min,
        tier_max=project.tier_max,
        tiers_with_rate=frozenset(rates),
        credential_classes=frozenset(project.credential_classes),
        jurisdictions_wanted=frozenset(project.jurisdictions_wanted),
        jurisdictions_barred=frozenset(project.jurisdictions_barred),
        languages=frozenset(project.languages),
        countries=frozenset(project.countries),
        content_flags=frozenset(project.content_flags),
        own_people=frozenset(Member.objects.filter(lab=project.lab_id).values_list("user_id", flat=True)),
    )


def candidates_for(project: Project, now: datetime, *, only: Collection[UUID] | None = None) -> list[Candidate]:
    """Load those of the project's world who hold anything in its domain or were judged before: six queries at most."""
    path, mode = project.domain.path, project.mode
    grants: dict[UUID, dict[int, int]] = defaultdict(dict)
    held = TierGrant.objects.live().filter(domain__in=path, expert__mode=mode)
    for expert_id, domain_id, tier in _of(held, only).values_list("expert_id", "domain_id", "tier"):
        grants[expert_id][domain_id] = tier
    marks = _of(ReviewerMark.objects.filter(domain__in=path, revoked_at__isnull=True, expert__mode=mode), only)
    marked = set(marks.values_list("expert_id", flat=True))
    judged = set(_of(Eligibility.objects.filter(project=project), only).values_list("expert_id", flat=True))
    ids = set(grants) | marked | judged | set(only or ())
    classes, places = _credentials(ids, now)
    return [
        Candidate(
            expert_id=expert.pk,
            user_id=expert.user_id,
            mode=expert.mode,
            is_active=expert.state == ExpertState.ACTIVE,
            country=expert.country,
            has_payout_rail=project.mode == "test" or has_payout_rail(expert.country),
            languages=frozenset(expert.languages),
            content_flags_accepted=frozenset(expert.content_flags_accepted),
            tier=nearest(path, grants[expert.pk]),
            has_reviewer_mark=expert.pk in marked,
            credential_classes=frozenset(classes[expert.pk]),
            jurisdictions=frozenset(places[expert.pk]),
            weekly_hours=expert.weekly_hours,
        )
        for expert in Expert.objects.filter(pk__in=ids, mode=mode).order_by("pk")
    ]


def judge(project: Project, candidates: Iterable[Candidate], now: datetime) -> list[Eligibility]:
    """Return unsaved eligibility rows: each expert's terms in the project, and every rule in their way."""
    rates = rates_by_tier(project.domain, project.kind, project.currency, now.date())
    demand = demand_of(project, rates)
    dearest = max((quote.rate_minor for tier, quote in rates.items() if tier >= demand.review_tier_min), default=0)
    account = ledger.open_account(ledger.project_budget(project.public_id, project.currency))
    return [_judge_one(project, one, demand, rates, dearest, account, now) for one in candidates]


def _judge_one(
    project: Project,
    candidate: Candidate,
    demand: Demand,
    rates: dict[int, RateQuote],
    dearest: int,
    account: Account,
    now: datetime,
) -> Eligibility:
    work, review = why_not_work(candidate, demand), why_not_review(candidate, demand)
    quote = rates.get(candidate.tier) if candidate.tier is not None else None
    return Eligibility(
        expert_id=candidate.expert_id,
        project=project,
        tier=candidate.tier,
        rate_minor=quote.rate_minor if quote else None,
        card_version=quote.card_version if quote else None,
        fee_bps=quote.fee_bps if quote else None,
        review_rate_minor=dearest,
        hold_minor=least_hold(project, quote, dearest) if quote else None,
        budget_account=account,
        is_eligible=not work,
        can_review=not review,
        reasons=[reason.as_json() for reason in work],
        review_reasons=[reason.as_json() for reason in review],
        computed_at=now,
    )


def least_hold(project: Project, quote: RateQuote, review_rate_minor: int) -> int:
    """Return the least that a claim sets aside: guidelines read, and no review unless all work is reviewed."""
    return hold_minor(
        project.cap_seconds,
        quote.rate_minor,
        quote.fee_bps,
        review_cap_seconds=project.review_cap_seconds,
        review_rate_minor=review_rate_minor,
        review_parts=project.review_layers * rules.REVIEW_ROUNDS if project.review_policy == ReviewPolicy.ALL else 0,
    )


def plan_seats(batch: Batch, now: datetime) -> list[Seat]:
    """Choose whom to offer seats at the batch, best first, so that no more is guaranteed than is funded."""
    project = batch.project
    eligible = list(
        Eligibility.objects.filter(project=project, is_eligible=True)
        .select_related("expert", "budget_account")
        .exclude(expert__in=_not_again(batch))
        .order_by("expert")
    )
    count, minutes = _seats_left(batch, eligible)
    if not eligible or not count:
        return []
    records = _records(project, eligible, now)
    scored = sorted(
        (
            (score_of(project, row, records[row.expert_id]), row)
            for row in eligible
            if _has_time(records[row.expert_id])
        ),
        key=lambda pair: (-pair[0][0], str(pair[1].expert_id)),
    )
    return [
        Seat(row.expert_id, minutes, row.rate_minor or 0, score, reasons) for (score, reasons), row in scored[:count]
    ]


def score_of(project: Project, row: Eligibility, record: Record) -> tuple[int, tuple[str, ...]]:
    """Return a score from 0 to 1000 and the sentences that make it up."""
    hours = min(record.free_seconds, FULL_WEEK_SECONDS)
    share = (record.accepted + PRIOR_ACCEPTED) / (record.decided + PRIOR_DECIDED)
    spread = project.tier_max - project.tier_min + 1
    parts = [
        (200 * ((row.tier or 0) - project.tier_min + 1) // spread, f"Tier {row.tier} in {project.domain.name}"),
        (300 * hours // FULL_WEEK_SECONDS, f"{record.free_seconds // 3600} h free this week"),
        (int(300 * share), f"{record.accepted} of {record.decided} answers accepted" if record.decided else ""),
        (100 if record.here else 0, f"{record.here} answers given in this project" if record.here else ""),
        (50 if record.has_signed else 0, "Agreement signed" if record.has_signed else ""),
        (50 if record.credentials else 0, "Verified credentials" if record.credentials else ""),
    ]
    return sum(points for points, _ in parts), tuple(said for _, said in parts if said)


def _has_time(record: Record) -> bool:
    return record.free_seconds >= SMALLEST_SEAT_MINUTES * 60


def _not_again(batch: Batch) -> Iterable[UUID]:
    """Return those who hold a seat or an offer, said no, or let two offers lapse."""
    offers = Offer.objects.filter(batch=batch, kind=WorkKind.WORK)
    refused = (OfferState.DECLINED, OfferState.RELEASED, OfferState.WITHDRAWN)
    silent = offers.filter(state=OfferState.EXPIRED).values("expert").annotate(times=Count("pk")).filter(times__gte=2)
    answered = set(offers.filter(state__in=(*STANDING, *refused)).values_list("expert_id", flat=True))
    return answered | {row["expert"] for row in silent}


def _seats_left(batch: Batch, eligible: list[Eligibility]) -> tuple[int, int]:
    """Return how many seats to offer now and for how many minutes each, from the funded work nobody is promised."""
    project = batch.project
    open_slots = Slot.objects.filter(batch=batch, kind=WorkKind.WORK, state=SlotState.OPEN).count()
    funded = min(open_slots, _funded_claims(eligible))
    standing = Offer.objects.filter(batch=batch, kind=WorkKind.WORK, state__in=STANDING).aggregate(
        seats=Count("pk"), minutes=Sum("guaranteed_minutes", default=0), worked=Sum("worked_seconds", default=0)
    )
    promised = max(0, standing["minutes"] - standing["worked"] // 60)
    left = funded * project.expected_seconds // 60 - promised
    if not funded:
        return 0, 0
    people = _people_wanted(batch)
    count = max(left // SMALLEST_SEAT_MINUTES, people - standing["seats"], 0)
    return count, max(0, min(project.seat_minutes, left // max(count, 1)))


def _people_wanted(batch: Batch) -> int:
    """Return how many different people one task may take, whatever the minutes say: each answer comes from another.

    So does what replaces a rejected one.
    """
    most = Task.objects.filter(batch=batch).aggregate(most=Max("overlap"))["most"] or 1
    rejected = Claim.objects.filter(batch=batch, kind=WorkKind.WORK, state=ClaimState.REJECTED)
    by_task = rejected.values("task").annotate(times=Count("pk")).order_by("-times").values_list("times", flat=True)
    return int(most) + (by_task.first() or 0)


def _funded_claims(eligible: list[Eligibility]) -> int:
    """Return how many claims the budget still covers, at what the dearest eligible expert costs."""
    holds = [row.hold_minor for row in eligible if row.hold_minor]
    account = eligible[0].budget_account if eligible else None
    if not holds or account is None:
        return 0
    return -account.balance // max(holds)


def _records(project: Project, rows: list[Eligibility], now: datetime) -> dict[UUID, Record]:
    """Load what the score needs of all candidates at once, in five queries."""
    ids = [row.expert_id for row in rows]
    worked, promised, past = worked_seconds(ids, now), _promised_seconds(ids), _past(project, ids)
    signed = set(
        Signature.objects.filter(agreement=project.agreement_id, state=SignatureState.LIVE).values_list(
            "user_id", flat=True
        )
    )
    classes, _ = _credentials(ids, now)
    return {
        row.expert_id: Record(
            free_seconds=_free_seconds(row.expert, worked[row.expert_id] + promised[row.expert_id]),
            accepted=past[row.expert_id]["accepted"],
            decided=past[row.expert_id]["decided"],
            here=past[row.expert_id]["here"],
            has_signed=row.expert.user_id in signed,
            credentials=len(classes[row.expert_id]),
        )
        for row in rows
    }


def _free_seconds(expert: Expert, taken: int) -> int:
    """Return what is left of an expert's week; simulated ones never tire, however many labs try things out."""
    if expert.mode == SIMULATED:
        return FULL_WEEK_SECONDS
    return max(0, min(expert.weekly_hours * 3600, rules.WEEK_SECONDS) - taken)


def worked_seconds(ids: Collection[UUID], now: datetime) -> dict[UUID, int]:
    """Sum this week's counted seconds by expert."""
    week = rules.week_start(now)
    worked: dict[UUID, int] = defaultdict(int)
    spans = Segment.objects.filter(expert__in=ids, during__endswith__gt=week)
    for expert_id, during in spans.values_list("expert_id", "during"):
        worked[expert_id] += int((during.upper - max(during.lower, week)).total_seconds())
    return worked


def _promised_seconds(ids: Collection[UUID]) -> dict[UUID, int]:
    """Sum by expert what standing seats still guarantee."""
    promised: dict[UUID, int] = defaultdict(int)
    seats = Offer.objects.filter(expert__in=ids, state__in=STANDING)
    for expert_id, minutes, seconds in seats.values_list("expert_id", "guaranteed_minutes", "worked_seconds"):
        promised[expert_id] += max(0, minutes * 60 - seconds)
    return promised


def _past(project: Project, ids: Collection[UUID]) -> dict[UUID, Counter[str]]:
    """Count by expert how their answers were judged, and how many were given here."""
    decided = Q(state__in=(ClaimState.ACCEPTED, ClaimState.REJECTED))
    counted = (
        Claim.objects.filter(expert__in=ids, kind=WorkKind.WORK)
        .values("expert")
        .annotate(
            decided=Count("pk", filter=decided),
            accepted=Count("pk", filter=Q(state=ClaimState.ACCEPTED)),
            here=Count("pk", filter=decided & Q(project=project)),
        )
        .order_by()
    )
    past: dict[UUID, Counter[str]] = defaultdict(Counter)
    for row in counted:
        past[row["expert"]].update(decided=row["decided"], accepted=row["accepted"], here=row["here"])
    return past


def _credentials(ids: Collection[UUID], now: datetime) -> tuple[dict[UUID, set[str]], dict[UUID, set[str]]]:
    classes: dict[UUID, set[str]] = defaultdict(set)
    places: dict[UUID, set[str]] = defaultdict(set)
    held = Credential.objects.counting(now.date()).filter(expert__in=ids)
    for expert_id, credential_class, place in held.values_list("expert_id", "credential_class", "jurisdiction"):
        classes[expert_id].add(credential_class)
        if place:
            places[expert_id].add(place)
    return classes, places


def _of(rows, only: Collection[UUID] | None):  # type: ignore[no-untyped-def]  # Any queryset in, the same kind out.
    return rows if only is None else rows.filter(expert__in=only)
