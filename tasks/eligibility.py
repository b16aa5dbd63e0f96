"""May this expert do this project's work, or review it, and if not, why not: pure, one sentence a rule."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

REVIEW_TIER_STEP = 1
HIGHEST_TIER = 5
SIMULATED = "test"  # The mode in which experts are simulated.


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that stands in the way, and a sentence for the person it stands before."""

    rule: str
    detail: str

    def as_json(self) -> dict[str, str]:
        """Return it as it is stored."""
        return {"rule": self.rule, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of an expert, seen from one project's domain."""

    expert_id: UUID
    user_id: UUID
    mode: str
    is_active: bool
    country: str
    has_payout_rail: bool
    languages: frozenset[str]
    content_flags_accepted: frozenset[str]
    tier: int | None
    has_reviewer_mark: bool
    credential_classes: frozenset[str]
    jurisdictions: frozenset[str]
    weekly_hours: int = 20


@dataclass(frozen=True, slots=True)
class Demand:
    """What a project asks of those who work on it."""

    mode: str
    domain_name: str
    tier_min: int
    tier_max: int
    tiers_with_rate: frozenset[int]
    credential_classes: frozenset[str] = frozenset()
    jurisdictions_wanted: frozenset[str] = frozenset()
    jurisdictions_barred: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    countries: frozenset[str] = frozenset()
    content_flags: frozenset[str] = frozenset()
    own_people: frozenset[UUID] = frozenset()  # Users who act for the lab.

    @property
    def review_tier_min(self) -> int:
        """The lowest tier that may review: one above the project's lowest, where there is one above."""
        return review_tier_min(self.tier_min)


def review_tier_min(tier_min: int) -> int:
    """Return the lowest tier that may review work open from ``tier_min`` on."""
    return min(tier_min + REVIEW_TIER_STEP, HIGHEST_TIER)


def why_not_work(candidate: Candidate, demand: Demand) -> list[Reason]:
    """Return every rule that keeps this expert from the work; none means they may do it."""
    return [*_standing(candidate, demand), *_tier_for_work(candidate, demand), *_fit(candidate, demand)]


def why_not_review(candidate: Candidate, demand: Demand) -> list[Reason]:
    """Return every rule that keeps this expert from reviewing; none means they may."""
    return [*_standing(candidate, demand), *_tier_for_review(candidate, demand), *_fit(candidate, demand)]


def _standing(candidate: Candidate, demand: Demand) -> list[Reason]:
    reasons = []
    if candidate.mode != demand.mode:
        reasons.append(Reason("mode", "This work is in the other world: test work is for simulated experts only."))
    if not candidate.is_active:
        reasons.append(
            Reason("not_active", "Your account is not taking work. Set yourself available to be offered it.")
        )
    if not candidate.has_payout_rail:
        reasons.append(
            Reason("country_without_payout_rail", f"We cannot pay into {candidate.country} yet, so we ask for no work.")
        )
    if candidate.user_id in demand.own_people:
        reasons.append(Reason("own_lab", "You act for the client of this work."))
    return reasons


def _tier_for_work(candidate: Candidate, demand: Demand) -> list[Reason]:
    tier, name = candidate.tier, demand.domain_name
    if tier is None:
        return [Reason("no_tier", f"You hold no tier in {name}. Apply for one to be offered this work.")]
    if tier < demand.tier_min:
        return [Reason("tier_low", f"This work asks for tier {demand.tier_min} in {name}; you hold tier {tier}.")]
    if tier > demand.tier_max:
        return [Reason("tier_high", f"This work is for tiers up to {demand.tier_max} in {name}; you hold tier {tier}.")]
    return _rate(tier, demand)


def _tier_for_review(candidate: Candidate, demand: Demand) -> list[Reason]:
    tier, name, wanted = candidate.tier, demand.domain_name, demand.review_tier_min
    reasons = []
    if not candidate.has_reviewer_mark:
        reasons.append(Reason("no_reviewer_mark", f"You hold no reviewer's mark in {name}."))
    if tier is None or tier < wanted:
        held = "no tier" if tier is None else f"tier {tier}"
        reasons.append(
            Reason("review_tier_low", f"Reviewing this work asks for tier {wanted} in {name}; you hold {held}.")
        )
        return reasons
    return reasons + _rate(tier, demand)


def _rate(tier: int, demand: Demand) -> list[Reason]:
    if tier in demand.tiers_with_rate:
        return []
    return [Reason("no_rate", f"The rate card has no rate for tier {tier} in {demand.domain_name} today.")]


def _fit(candidate: Candidate, demand: Demand) -> list[Reason]:
    if demand.mode == SIMULATED and candidate.mode == SIMULATED:
        return []  # Whatever a test project asks for beyond the tier, those who play its experts have it.
    reasons = []
    if demand.credential_classes and not demand.credential_classes & candidate.credential_classes:
        reasons.append(
            Reason("credential", f"This work asks for a verified credential: {_any_of(demand.credential_classes)}.")
        )
    if demand.jurisdictions_wanted and not demand.jurisdictions_wanted & candidate.jurisdictions:
        reasons.append(
            Reason("jurisdiction", f"This work asks for a credential in {_any_of(demand.jurisdictions_wanted)}.")
        )
    if barred := demand.jurisdictions_barred & (candidate.jurisdictions | {candidate.country}):
        reasons.append(Reason("jurisdiction_barred", f"This work is closed to {_any_of(barred)}."))
    if missing := demand.languages - candidate.languages:
        reasons.append(Reason("language", f"This work is in {_any_of(missing)}, which your profile does not name."))
    if demand.countries and candidate.country not in demand.countries:
        reasons.append(Reason("country", f"This work is open in {_any_of(demand.countries)} only."))
    if unaccepted := demand.content_flags - candidate.content_flags_accepted:
        reasons.append(
            Reason("content", f"This work holds content that you have not opted into: {_any_of(unaccepted)}.")
        )
    return reasons


def _any_of(words: frozenset[str]) -> str:
    """Write a set as people would: sorted, with "or" before the last."""
    ordered = [word.replace("_", " ") for word in sorted(words)]
    return ordered[0] if len(ordered) == 1 else f"{', '.join(ordered[:-1])} or {ordered[-1]}"
