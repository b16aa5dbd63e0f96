"""Who may do the work and who may review it: one rule, one sentence."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from tasks.eligibility import Candidate, Demand, review_tier_min, why_not_review, why_not_work

CYD = Candidate(
    expert_id=UUID(int=1),
    user_id=UUID(int=2),
    mode="live",
    is_active=True,
    country="US",
    has_payout_rail=True,
    languages=frozenset({"en"}),
    content_flags_accepted=frozenset(),
    tier=3,
    has_reviewer_mark=False,
    credential_classes=frozenset(),
    jurisdictions=frozenset(),
)
DEMAND = Demand(
    mode="live", domain_name="psychiatry", tier_min=3, tier_max=3, tiers_with_rate=frozenset({1, 2, 3, 4, 5})
)


def rules(candidate: Candidate, demand: Demand) -> list[str]:
    return [reason.rule for reason in why_not_work(candidate, demand)]


def test_an_expert_who_fits_may_work() -> None:
    assert why_not_work(CYD, DEMAND) == []


@pytest.mark.parametrize(
    ("holds", "asks", "rule"),
    [
        ({"is_active": False}, {}, "not_active"),
        ({"mode": "test"}, {}, "mode"),
        ({"has_payout_rail": False}, {}, "country_without_payout_rail"),
        ({}, {"own_people": frozenset({UUID(int=2)})}, "own_lab"),
        ({"tier": None}, {}, "no_tier"),
        ({"tier": 2}, {}, "tier_low"),
        ({"tier": 4}, {}, "tier_high"),
        ({}, {"tiers_with_rate": frozenset({4})}, "no_rate"),
        ({}, {"credential_classes": frozenset({"bar_admission"})}, "credential"),
        ({}, {"jurisdictions_wanted": frozenset({"US-NY"})}, "jurisdiction"),
        (
            {"jurisdictions": frozenset({"US-CA"})},
            {"jurisdictions_barred": frozenset({"US-CA"})},
            "jurisdiction_barred",
        ),
        ({}, {"jurisdictions_barred": frozenset({"US"})}, "jurisdiction_barred"),
        ({}, {"languages": frozenset({"de"})}, "language"),
        ({}, {"countries": frozenset({"DE", "AT"})}, "country"),
        ({}, {"content_flags": frozenset({"self_harm"})}, "content"),
    ],
)
def test_each_rule_keeps_out_whom_it_names(holds: dict[str, object], asks: dict[str, object], rule: str) -> None:
    assert rules(replace(CYD, **holds), replace(DEMAND, **asks)) == [rule]  # type: ignore[arg-type]  # One field each.


@pytest.mark.parametrize(
    ("holds", "asks"),
    [
        ({"credential_classes": frozenset({"degree"})}, {"credential_classes": frozenset({"degree", "bar_admission"})}),
        ({"jurisdictions": frozenset({"US-NY"})}, {"jurisdictions_wanted": frozenset({"US-NY", "US-CA"})}),
        ({"languages": frozenset({"en", "de"})}, {"languages": frozenset({"de"})}),
        ({"content_flags_accepted": frozenset({"self_harm"})}, {"content_flags": frozenset({"self_harm"})}),
        ({"tier": 5}, {"tier_max": 5}),
        ({"country": "AT"}, {"countries": frozenset({"DE", "AT"})}),
    ],
)
def test_who_holds_what_is_asked_for_may_work(holds: dict[str, object], asks: dict[str, object]) -> None:
    assert rules(replace(CYD, **holds), replace(DEMAND, **asks)) == []  # type: ignore[arg-type]  # One field each.


def test_a_simulated_expert_has_whatever_a_test_project_asks_for_beyond_the_tier() -> None:
    asks = {"languages": frozenset({"fi"}), "countries": frozenset({"FI"}), "credential_classes": frozenset({"degree"})}
    demand = replace(DEMAND, mode="test", tier_min=4, tier_max=4, **asks)

    assert rules(replace(CYD, mode="test"), demand) == ["tier_low"]


def test_every_rule_in_the_way_is_said_at_once() -> None:
    candidate = replace(CYD, is_active=False, tier=2, languages=frozenset())

    assert rules(candidate, replace(DEMAND, languages=frozenset({"en"}))) == ["not_active", "tier_low", "language"]


def test_a_reason_is_a_sentence_with_the_figures() -> None:
    (reason,) = why_not_work(replace(CYD, tier=2), DEMAND)

    assert reason.detail == "This work asks for tier 3 in psychiatry; you hold tier 2."
    assert reason.as_json() == {"rule": "tier_low", "detail": reason.detail}


def test_words_are_joined_as_people_would() -> None:
    demand = replace(DEMAND, countries=frozenset({"DE", "AT", "CH"}))

    assert why_not_work(CYD, demand)[0].detail == "This work is open in AT, CH or DE only."


@pytest.mark.parametrize(("tier_min", "wanted"), [(1, 2), (3, 4), (4, 5), (5, 5)])
def test_a_reviewer_is_one_tier_above_where_there_is_one(tier_min: int, wanted: int) -> None:
    assert (review_tier_min(tier_min), replace(DEMAND, tier_min=tier_min).review_tier_min) == (wanted, wanted)


@pytest.mark.parametrize(
    ("tier", "mark", "wrong"),
    [
        (4, True, []),
        (5, True, []),
        (3, True, ["review_tier_low"]),
        (None, True, ["review_tier_low"]),
        (4, False, ["no_reviewer_mark"]),
        (2, False, ["no_reviewer_mark", "review_tier_low"]),
    ],
)
def test_a_reviewer_has_the_mark_and_the_tier(tier: int | None, mark: bool, wrong: list[str]) -> None:
    candidate = replace(CYD, tier=tier, has_reviewer_mark=mark)

    assert [reason.rule for reason in why_not_review(candidate, DEMAND)] == wrong
