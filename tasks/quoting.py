"""What a batch will cost, who can do it and by when, before anybody is asked: a quote, and how it comes about."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from payments.queries import RateQuote, project_funds, rates_by_tier
from payments.rates import WHOLE_BPS, cost_minor, fee_minor, hold_minor, pay_minor
from tasks import routing, rules
from tasks.eligibility import Candidate, Demand, why_not_work
from tasks.models import Batch, Claim, Project, ReviewPolicy, Slot, WorkKind
from tasks.states import ClaimState, SlotState

ENOUGH_ANSWERS: Final = 20  # From so many on, a project's own median says how long an answer takes.
MOST_ANSWERS: Final = 500
# How much of the eligible experts' time a batch gets: half of it in one case of two, a fifth in nine of ten.
SHARE_P50, SHARE_P90 = 0.5, 0.2
WEEK = timedelta(days=7)
NOBODY: Final = "No expert is eligible now."
NO_RATE: Final = "The rate card has no rate for these tiers today."
# What a lab can relax; an expert's own standing is not its to change.
RELAXED: Final = {
    "tier_low": "Lower tier_min.",
    "tier_high": "Raise tier_max.",
    "credential": "Ask for other credentials, or none.",
    "jurisdiction": "Want more jurisdictions, or any.",
    "jurisdiction_barred": "Bar fewer jurisdictions.",
    "language": "Ask for fewer languages.",
    "country": "Open more countries.",
    "content": "Fewer content flags, or more who opt in.",
}


@dataclass(frozen=True, slots=True)
class TierShare:
    """A tier of those who can do the work: how many, what an hour costs, and how many answers fall to them."""

    tier: int
    experts: int
    rate_minor: int
    answers: int


@dataclass(frozen=True, slots=True)
class Widening:
    """A rule that alone stands between the work and some experts."""

    rule: str
    experts: int
    advice: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What was found. Money in minor units of ``currency``; ``most_minor`` is the sum of all holds there can be."""

    answers: int
    seconds_per_answer: int
    is_measured: bool
    currency: str
    pay_minor: int
    review_minor: int
    fee_minor: int
    most_minor: int
    available_minor: int
    tiers: list[TierShare]
    eligible_experts: int
    free_seconds_this_week: int
    finish_p50: datetime | None
    finish_p90: datetime | None
    reason: str
    widening: list[Widening]

    @property
    def total_minor(self) -> int:
        """What it is expected to cost."""
        return self.pay_minor + self.review_minor + self.fee_minor


def quote_of(batch: Batch, now: datetime) -> Quote:
    """Quote the answers that a batch still wants, by today's rates and those who are eligible today."""
    project = batch.project
    rates = rates_by_tier(project.domain, project.kind, project.currency, now.date())
    demand = routing.demand_of(project, rates)
    judged = [(one, why_not_work(one, demand)) for one in routing.candidates_for(project, now)]
    able = [one for one, reasons in judged if not reasons]
    answers = Slot.objects.filter(batch=batch, kind=WorkKind.WORK, state=SlotState.OPEN).count()
    seconds, is_measured = _seconds_per_answer(project)
    tiers = _tiers(able, rates, demand, answers)
    free = _free_seconds(able, now)
    pay = sum(share.answers * pay_minor(seconds, share.rate_minor) for share in tiers)
    review, fee = _reviews_and_fee(project, rates, demand, answers, tiers, seconds)
    return Quote(
        answers=answers,
        seconds_per_answer=seconds,
        is_measured=is_measured,
        currency=project.currency,
        pay_minor=pay,
        review_minor=review,
        fee_minor=fee,
        most_minor=_most(project, rates, demand, answers, len(able)),
        available_minor=project_funds(project.public_id, project.currency).available.minor,
        tiers=tiers,
        eligible_experts=len(able),
        free_seconds_this_week=free,
        finish_p50=_finish(answers * seconds, able, free, SHARE_P50, now),
        finish_p90=_finish(answers * seconds, able, free, SHARE_P90, now),
        reason="" if able else (NOBODY if demand.tiers_with_rate else NO_RATE),
        widening=_widening([reasons[0].rule for _, reasons in judged if len(reasons) == 1]),
    )


def shares_of(total: int, weights: list[int]) -> list[int]:
    """Split a whole number by weights into whole parts that sum to it, the largest remainders first."""
    whole = sum(weights)
    parts = [total * weight // whole for weight in weights]
    by_rest = sorted(range(len(weights)), key=lambda place: -(total * weights[place] % whole))
    for place in by_rest[: total - sum(parts)]:
        parts[place] += 1
    return parts


def _seconds_per_answer(project: Project) -> tuple[int, bool]:
    """Return what an answer takes, by the project's own newest accepted ones where there are enough."""
    done = Claim.objects.filter(project=project, kind=WorkKind.WORK, state=ClaimState.ACCEPTED)
    newest = done.order_by("-decided_at").values_list("billable_seconds", flat=True)[:MOST_ANSWERS]
    taken = [seconds for seconds in newest if seconds is not None]
    if len(taken) < ENOUGH_ANSWERS:
        return project.expected_seconds, False
    return int(median(taken)), True


def _tiers(able: list[Candidate], rates: dict[int, RateQuote], demand: Demand, answers: int) -> list[TierShare]:
    """Spread the answers over the tiers of the able; with nobody able, evenly over the tiers that are asked for."""
    mix = Counter(one.tier for one in able if one.tier is not None)
    weights = mix or Counter(tier for tier in rates if demand.tier_min <= tier <= demand.tier_max)
    tiers = sorted(weights)
    if not tiers:
        return []
    parts = shares_of(answers, [weights[tier] for tier in tiers])
    return [TierShare(tier, mix[tier], rates[tier].rate_minor, part) for tier, part in zip(tiers, parts, strict=True)]


def _reviews_and_fee(
    project: Project,
    rates: dict[int, RateQuote],
    demand: Demand,
    answers: int,
    tiers: list[TierShare],
    seconds: int,
) -> tuple[int, int]:
    """Return what reviews are expected to cost, each half its cap at the lowest reviewer's rate, and the fee on all."""
    fee_bps = next(iter(rates.values())).fee_bps if rates else 0
    reviewers = [quote.rate_minor for tier, quote in rates.items() if tier >= demand.review_tier_min]
    one = pay_minor(project.review_cap_seconds // 2, min(reviewers, default=0))
    share = {ReviewPolicy.NONE: 0, ReviewPolicy.SAMPLED: project.review_share_bps, ReviewPolicy.ALL: WHOLE_BPS}
    count = answers * share[ReviewPolicy(project.review_policy)] * project.review_layers // WHOLE_BPS
    fee = sum(part.answers * fee_minor(pay_minor(seconds, part.rate_minor), fee_bps) for part in tiers)
    return count * one, fee + count * fee_minor(one, fee_bps)


def _most(project: Project, rates: dict[int, RateQuote], demand: Demand, answers: int, experts: int) -> int:
    """Return what all holds come to at the dearest tier, with everybody's first reading of the guidelines."""
    asked = [quote for tier, quote in rates.items() if demand.tier_min <= tier <= demand.tier_max]
    if not asked:
        return 0
    dearest = max(asked, key=lambda quote: quote.rate_minor)
    reviewers = [quote.rate_minor for tier, quote in rates.items() if tier >= demand.review_tier_min]
    parts = 0 if project.review_policy == ReviewPolicy.NONE else project.review_layers * rules.REVIEW_ROUNDS
    one = hold_minor(
        project.cap_seconds,
        dearest.rate_minor,
        dearest.fee_bps,
        review_cap_seconds=project.review_cap_seconds,
        review_rate_minor=max(reviewers, default=0),
        review_parts=parts,
    )
    reading = cost_minor(project.guideline_seconds, dearest.rate_minor, dearest.fee_bps)
    return answers * one + min(experts, answers) * reading


def _week_seconds(one: Candidate) -> int:
    return min(one.weekly_hours * 3_600, rules.WEEK_SECONDS)


def _free_seconds(able: list[Candidate], now: datetime) -> int:
    """Add up what the able still have of the hours that they offer this week."""
    worked = routing.worked_seconds([one.expert_id for one in able], now)
    return sum(max(_week_seconds(one) - worked[one.expert_id], 0) for one in able)


def _finish(seconds: int, able: list[Candidate], free: int, share: float, now: datetime) -> datetime | None:
    """Return when the work is done with this share of the able's time: what is left of this week, then whole weeks."""
    weekly = share * sum(_week_seconds(one) for one in able)
    if not weekly:
        return None
    left, rest_of_week = share * free, rules.week_start(now) + WEEK - now
    if seconds <= left:
        return now + rest_of_week * (seconds / left)
    return now + rest_of_week + WEEK * ((seconds - left) / weekly)


def _widening(only: list[str]) -> list[Widening]:
    counted = Counter(rule for rule in only if rule in RELAXED)
    return [Widening(rule, experts, RELAXED[rule]) for rule, experts in counted.most_common()]
