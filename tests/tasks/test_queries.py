"""What doors are told: progress that adds up, and a reason for every empty hand, in as many queries as before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from pytest_django import DjangoAssertNumQueries

from tasks import queries
from tasks.actions.claims import claim_next, release_claim
from tasks.errors import NothingToClaim
from tasks.models import Eligibility, Offer, Slot
from tasks.queries import Progress
from tasks.states import OfferState
from tests.tasks.factories import NOW, World, claim_for, make_batch, make_world, submitted, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


def test_progress_counts_every_slot_once(world: World) -> None:
    submitted(world, 60)
    claim_for(world.dov)

    progress = queries.batch_progress(world.batch)

    assert progress == Progress(created=3, open=1, claimed=1, submitted=1, accepted=0, void=0)


def test_review_slots_are_no_progress_of_the_batch(world: World) -> None:
    submitted(world, 60)

    assert Slot.objects.filter(kind="review").count() == 1
    assert queries.batch_progress(world.batch).created == 3


def test_the_live_claim_is_the_one_at_work(world: World) -> None:
    before = queries.live_claim(world.cyd)
    claim = claim_for(world.cyd)
    during = queries.live_claim(world.cyd)
    release_claim(claim, expert=world.cyd, reason="", now=NOW)

    assert (before, during, queries.live_claim(world.cyd)) == (None, claim, None)
    assert list(queries.claims_of(world.cyd)) == [claim]
    assert list(queries.claims_of(world.dov)) == []


def test_offers_that_wait_are_counted(world: World) -> None:
    Offer.objects.create(
        expert=world.cyd,
        batch=world.batch,
        guaranteed_minutes=60,
        rate_minor=180_00,
        score=1,
        state=OfferState.OFFERED,
        state_changed_at=NOW,
        created_at=NOW,
        expires_at=NOW,
    )

    assert (queries.open_offer_count(world.cyd), queries.open_offer_count(world.dov)) == (1, 0)


def test_seconds_of_the_day_and_of_the_week_are_told_apart(world: World) -> None:
    claim = claim_for(world.cyd)
    release_claim(claim, expert=world.cyd, reason="", now=work(claim, world.cyd, 300, since=NOW))

    assert queries.seconds_spent(world.cyd, NOW + timedelta(hours=1)) == (300, 300)
    assert queries.seconds_spent(world.cyd, NOW + timedelta(days=1)) == (0, 300)
    assert queries.seconds_spent(world.cyd, NOW + timedelta(days=7)) == (0, 0)


def test_without_any_project_the_answer_is_still_a_sentence(world: World) -> None:
    Eligibility.objects.all().delete()

    (reason,) = queries.why_nothing(world.cyd, NOW)

    assert (reason.rule, reason.detail[-1]) == ("no_work", ".")


def test_what_is_nearest_to_work_is_said_first() -> None:
    unsigned = make_world(is_signed=False)
    other = make_batch(unsigned.project, unsigned.owner, tasks=1)
    Eligibility.objects.filter(expert=unsigned.dov).update(
        is_eligible=False, reasons=[{"rule": "tier_low", "detail": "Too low."}]
    )

    ready, barred = (queries.why_nothing(expert, NOW)[0] for expert in (unsigned.cyd, unsigned.dov))

    assert (ready.rule, barred.rule, other.project.code_name) == ("nda_unsigned", "tier_low", "Saltmarsh")
    assert barred.detail == "Saltmarsh: Too low."


def test_a_reviewer_hears_what_is_missing(world: World) -> None:
    without_work = queries.why_nothing(world.ada, NOW, "review")[0].rule
    unsigned = make_world(is_signed=False)

    assert without_work == "no_reviews"
    assert queries.why_nothing(unsigned.ada, NOW, "review")[0].rule == "nda_unsigned"


def test_reasons_take_as_many_queries_for_three_projects_as_for_one(
    world: World,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    statements = 3
    with django_assert_num_queries(statements):
        queries.why_nothing(world.cyd, NOW)
    for _ in range(2):
        make_world()

    with django_assert_num_queries(statements):
        queries.why_nothing(world.cyd, NOW)


def test_an_empty_hand_names_the_budget_only_where_work_is_open(world: World) -> None:
    Eligibility.objects.filter(expert=world.cyd).update(hold_minor=F("hold_minor") * 10_000)

    with pytest.raises(NothingToClaim) as refused:
        claim_next(world.cyd, now=NOW)
    Slot.objects.update(state="VOID")

    assert refused.value.reason == "budget_reached"
    assert queries.why_nothing(world.cyd, NOW)[0].rule == "finished"
