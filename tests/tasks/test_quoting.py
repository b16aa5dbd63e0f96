"""A quote before launch: what it adds up from, who can do it by when, and what would widen the pool."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experts.models import Expert
from tasks.models import Batch, Project
from tasks.quoting import TierShare, Widening, quote_of, shares_of
from tests.labs.factories import make_client
from tests.tasks.factories import NOW, claim_for, hand_in, make_world, work

HOUR = 3_600
WEEK = timedelta(days=7)


@pytest.mark.django_db
def test_a_quote_adds_up() -> None:
    world = make_world(tasks=6)

    quote = quote_of(world.batch, NOW)

    # Six answers of ten minutes at $180, six reviews of three minutes at $260, a fifth on top of each.
    assert (quote.answers, quote.seconds_per_answer, quote.is_measured) == (6, 600, False)
    assert quote.tiers == [TierShare(3, 2, 180_00, 6)]
    assert (quote.pay_minor, quote.review_minor) == (6 * 30_00, 6 * 13_00)
    assert quote.fee_minor == 6 * 6_00 + 6 * 2_60
    assert quote.total_minor == quote.pay_minor + quote.review_minor + quote.fee_minor
    assert quote.available_minor == 100_000_00


@pytest.mark.django_db
def test_no_claim_can_cost_more_than_the_most_of_its_quote() -> None:
    world = make_world(tasks=2)
    quote = quote_of(world.batch, NOW)

    held = sum(claim.hold.amount_minor for claim in (claim_for(world.cyd), claim_for(world.dov)) if claim.hold)

    assert held == quote.most_minor


@pytest.mark.django_db
def test_hours_of_this_week_are_those_not_worked_yet() -> None:
    world = make_world(tasks=2)
    Expert.objects.filter(pk=world.cyd.pk).update(weekly_hours=10)
    Expert.objects.filter(pk=world.dov.pk).update(weekly_hours=60)
    claim = claim_for(world.cyd)
    hand_in(claim, world.cyd, now=work(claim, world.cyd, 600, since=NOW))

    quote = quote_of(world.batch, NOW + timedelta(hours=1))

    assert quote.free_seconds_this_week == 10 * HOUR - 600 + 40 * HOUR


@pytest.mark.django_db
def test_more_work_than_a_week_has_takes_weeks() -> None:
    world = make_world(tasks=60)  # Ten hours of work, for two experts of ten hours a week each.
    Expert.objects.filter(pk__in=[expert.pk for expert in world.experts]).update(weekly_hours=10)
    monday = NOW.replace(hour=0)

    quote = quote_of(world.batch, monday)

    assert quote.finish_p50 == monday + WEEK
    assert quote.finish_p90 == monday + WEEK * 2.5


@pytest.mark.django_db
def test_a_rule_that_alone_keeps_experts_out_is_named() -> None:
    world = make_world(tasks=1, experts=3)
    Project.objects.update(languages=["fr"])
    Expert.objects.filter(pk=world.cyd.pk).update(languages=["fr"])

    quote = quote_of(Batch.objects.get(), NOW)

    # The reviewers speak no French either, but their tier is too high as well: one rule less would not let them in.
    assert (quote.eligible_experts, quote.widening) == (1, [Widening("language", 2, "Ask for fewer languages.")])


@pytest.mark.django_db
def test_with_nobody_able_a_quote_says_so_and_still_knows_the_price() -> None:
    world = make_world(tasks=2)
    Expert.objects.update(state="AWAY")

    quote = quote_of(world.batch, NOW)

    assert (quote.finish_p50, quote.finish_p90, quote.reason) == (None, None, "No expert is eligible now.")
    assert quote.tiers == [TierShare(3, 0, 180_00, 2)]


@pytest.mark.django_db
def test_a_quote_comes_over_rest_and_twice_the_same_by_one_key() -> None:
    world = make_world(tasks=2)
    lab = make_client(world.lab, world.owner)
    path = f"/batches/{world.batch.public_id}:quote"

    first, again = lab.post(path, key="q-1"), lab.post(path, key="q-1")

    assert (first.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert first.json() == again.json()
    assert first.json()["total_minor"] == quote_of(Batch.objects.get(), NOW).total_minor


@given(st.integers(0, 10_000), st.lists(st.integers(1, 500), min_size=1, max_size=5))
def test_shares_are_whole_and_sum_to_the_whole(total: int, weights: list[int]) -> None:
    parts = shares_of(total, weights)

    assert sum(parts) == total
    assert all(abs(part - total * weight / sum(weights)) < 1 for part, weight in zip(parts, weights, strict=True))
