"""Routing, first shape: everybody is judged in bulk, the best are offered seats, and each hears why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import Sum
from pytest_django import DjangoAssertNumQueries

from accounts.models import Notification, OutboxItem
from accounts.outbox import drain, due
from agreements.actions import revoke_signature
from agreements.models import Signature
from experts.models import Domain, Expert, TierGrant
from kernel.db import app_now
from kernel.errors import LostRace, Refused
from labs.models import Member
from payments.models import PayLine
from tasks.actions import offers, publishing, routes
from tasks.actions.claims import claim_next
from tasks.actions.reviews import lab_accept
from tasks.errors import NotYours
from tasks.models import Claim, Eligibility, Offer
from tasks.states import ClaimState, OfferState
from tests.tasks.factories import NOW, World, claim_for, make_batch, make_experts, make_world, submitted, work

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    """Return a batch of 60 min of work for which seats are offered."""
    return make_world(tasks=6, assignment="seats")


def eligibility(world: World, expert: Expert) -> Eligibility:
    return Eligibility.objects.get(project=world.project, expert=expert)


def offered(world: World) -> list[Offer]:
    return offers.make_offers(world.batch, now=NOW)


def test_everybody_with_a_tier_is_judged_with_their_terms(world: World) -> None:
    row, judge = eligibility(world, world.cyd), eligibility(world, world.ada)

    assert (row.is_eligible, row.can_review, row.tier, row.rate_minor, row.fee_bps) == (True, False, 3, 180_00, 2_000)
    assert (row.review_rate_minor, row.hold_minor) == (350_00, 7_200 + 3 * 4_200)
    assert (judge.is_eligible, judge.can_review, judge.rate_minor) == (False, True, 260_00)
    assert [reason["rule"] for reason in judge.reasons] == ["tier_high"]
    assert [reason["rule"] for reason in row.review_reasons] == ["no_reviewer_mark", "review_tier_low"]


def test_a_tier_of_the_parent_domain_counts_below_it(world: World) -> None:
    (other,) = make_experts(1, domain=Domain.objects.get(slug="medicine"), tier=3, names=("Kim",))

    routes.compute_eligibility(world.project, now=NOW, only=[other.pk])

    assert eligibility(world, other).is_eligible


def test_the_nearest_tier_counts(world: World) -> None:
    TierGrant.objects.create(
        expert=world.cyd,
        domain=Domain.objects.get(slug="medicine"),
        tier=1,
        granted_by=world.owner,
        reason="Earlier",
        granted_at=NOW,
    )

    routes.compute_eligibility(world.project, now=NOW, only=[world.cyd.pk])

    assert eligibility(world, world.cyd).tier == 3


def test_who_loses_a_tier_is_judged_again(world: World) -> None:
    TierGrant.objects.filter(expert=world.cyd).update(revoked_at=NOW, revoked_by=world.owner, revoke_reason="Lapsed")

    routes.compute_eligibility(world.project, now=NOW)

    assert [reason["rule"] for reason in eligibility(world, world.cyd).reasons] == ["no_tier"]


def test_a_member_of_the_lab_is_kept_from_its_work(world: World) -> None:
    Member.objects.create(lab=world.lab, user=world.cyd.user, role="member", added_at=NOW)

    routes.compute_eligibility(world.project, now=NOW)

    assert [reason["rule"] for reason in eligibility(world, world.cyd).reasons] == ["own_lab"]


def test_judging_takes_as_many_statements_for_twenty_as_for_two(
    world: World,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    routes.compute_eligibility(world.project, now=NOW)
    statements = 12

    with django_assert_num_queries(statements):
        routes.compute_eligibility(world.project, now=NOW)
    make_experts(20, domain=world.project.domain, tier=3)
    with django_assert_num_queries(statements):
        assert routes.compute_eligibility(world.project, now=NOW) == 22


def test_no_more_minutes_are_guaranteed_than_are_funded(world: World) -> None:
    make_experts(10, domain=world.project.domain, tier=3)
    routes.compute_eligibility(world.project, now=NOW)

    made = offered(world)

    assert [offer.guaranteed_minutes for offer in made] == [30, 30]
    assert Offer.objects.aggregate(total=Sum("guaranteed_minutes"))["total"] <= 60


def test_a_small_budget_guarantees_what_it_covers() -> None:
    world = make_world(tasks=6, assignment="seats", budget_minor=4 * (7_200 + 3 * 4_200))

    assert [offer.guaranteed_minutes for offer in offered(world)] == [40]


def test_each_answer_of_an_overlap_gets_its_own_person() -> None:
    world = make_world(tasks=1, overlap=2, assignment="seats", overlap_max=2)

    assert [offer.guaranteed_minutes for offer in offered(world)] == [10, 10]


def test_the_best_come_first_and_hear_why(world: World) -> None:
    Expert.objects.filter(pk=world.cyd.pk).update(weekly_hours=2)

    first, second = sorted(offered(world), key=lambda offer: -offer.score)

    assert (first.expert_id, second.expert_id) == (world.dov.pk, world.cyd.pk)
    assert first.reasons == ["Tier 3 in Psychiatry", "40 h free this week", "Agreement signed"]
    assert second.reasons[1] == "2 h free this week"


def test_who_has_no_time_is_offered_nothing(world: World) -> None:
    Expert.objects.filter(pk=world.cyd.pk).update(weekly_hours=0)

    assert {offer.expert_id for offer in offered(world)} == {world.dov.pk}


def test_the_record_of_accepted_work_counts(world: World) -> None:
    done = make_world_history(world)

    (offer,) = [offer for offer in offered(world) if offer.expert_id == done.pk]

    assert "1 of 1 answers accepted" in offer.reasons
    assert "1 answers given in this project" in offer.reasons


def make_world_history(world: World) -> Expert:
    """Let Dov answer one task of an open batch and have it accepted."""
    type(world.project).objects.filter(pk=world.project.pk).update(assignment="open")
    submission = submitted(world, 60, expert=world.dov)
    Claim.objects.filter(pk=submission.claim_id).update(state=ClaimState.ACCEPTED, decided_at=NOW, approved_seconds=60)
    type(world.project).objects.filter(pk=world.project.pk).update(assignment="seats")
    return world.dov


def test_nobody_is_offered_a_seat_twice(world: World) -> None:
    offered(world)

    assert offered(world) == []


def test_an_accepted_seat_opens_the_batch(world: World) -> None:
    offer = Offer.objects.get(expert=world.cyd) if offered(world) else None
    assert offer is not None

    offers.accept_offer(offer, expert=world.cyd, now=NOW)

    assert (offer.state, offer.answered_at) == (OfferState.ACCEPTED, NOW)
    assert claim_for(world.cyd).batch == world.batch


def test_a_seat_counts_the_minutes_paid_on_it(world: World) -> None:
    offered(world)
    offer = offers.accept_offer(Offer.objects.get(expert=world.cyd), expert=world.cyd, now=NOW)
    submission = submitted(world, 600)
    claim = Claim.objects.select_related("project").get(pk=submission.claim_id)

    lab_accept(submission, by=world.owner, now=NOW + HOUR)

    offer.refresh_from_db()
    assert (offer.worked_minutes, claim.batch) == (10, world.batch)


def test_a_declined_offer_is_not_made_again_and_goes_to_others(world: World) -> None:
    offered(world)

    offers.decline_offer(Offer.objects.get(expert=world.cyd), expert=world.cyd, now=NOW)

    assert OutboxItem.objects.filter(kind="tasks.route_batch").exists()
    assert world.cyd.pk not in {offer.expert_id for offer in offered(world)}


def test_an_offer_is_answered_by_its_expert_in_time_and_once(world: World) -> None:
    offered(world)
    offer = Offer.objects.get(expert=world.cyd)

    with pytest.raises(NotYours):
        offers.accept_offer(offer, expert=world.dov, now=NOW)
    with pytest.raises(LostRace):
        offers.accept_offer(offer, expert=world.cyd, now=NOW + timedelta(hours=24))
    offers.accept_offer(offer, expert=world.cyd, now=NOW)
    with pytest.raises(Refused):
        offers.decline_offer(offer, expert=world.cyd, now=NOW)


def test_an_unanswered_offer_expires(world: World) -> None:
    offered(world)

    early = offers.expire_offers(now=NOW + timedelta(hours=23), limit=10)
    late = offers.expire_offers(now=NOW + timedelta(hours=24), limit=10)

    assert (early, late) == (0, 2)
    assert set(Offer.objects.values_list("state", flat=True)) == {OfferState.EXPIRED}


def test_a_seat_can_be_given_back(world: World) -> None:
    offered(world)
    offer = offers.accept_offer(Offer.objects.get(expert=world.cyd), expert=world.cyd, now=NOW)

    with pytest.raises(NotYours):
        offers.release_offer(offer, expert=world.dov, now=NOW)

    assert offers.release_offer(offer, expert=world.cyd, now=NOW).state == OfferState.RELEASED


def test_seats_of_a_cancelled_batch_are_paid_their_close_out_minutes(world: World) -> None:
    offered(world)
    for expert in (world.cyd, world.dov):
        offers.accept_offer(Offer.objects.get(expert=expert), expert=expert, now=NOW)
    Offer.objects.filter(expert=world.dov).update(worked_seconds=25 * 60)
    publishing.cancel_batch(world.batch, by=world.owner, now=NOW)

    ended = offers.withdraw_seats(world.batch, by=world.owner, now=NOW)

    paid = dict(PayLine.objects.values_list("expert", "seconds"))
    assert (ended, paid) == (2, {world.cyd.pk: 900, world.dov.pk: 300})
    assert set(Offer.objects.values_list("state", flat=True)) == {OfferState.WITHDRAWN}


def test_close_out_minutes_are_paid_as_far_as_the_budget_goes() -> None:
    world = make_world(tasks=6, assignment="seats", budget_minor=7_200 + 3 * 4_200)
    offered(world)
    offers.accept_offer(Offer.objects.get(), expert=Offer.objects.get().expert, now=NOW)
    Offer.objects.update(guaranteed_minutes=1_000)
    type(world.project).objects.update(closeout_minutes=900)

    assert offers.withdraw_seats(world.batch, by=world.owner, now=NOW) == 1
    assert PayLine.objects.count() == 0


def test_an_open_project_offers_no_seats() -> None:
    world = make_world(tasks=6)

    assert offered(world) == []


def test_launching_a_batch_ends_in_offers_and_notices() -> None:
    now = app_now().replace(microsecond=0)
    world = make_world(tasks=6, assignment="seats", now=now)

    drain()

    assert Offer.objects.filter(batch=world.batch, state=OfferState.OFFERED).count() == 2
    told = Notification.objects.filter(user=world.cyd.user, text__contains="guaranteed minutes")
    assert [row.url for row in told] == ["/work/offers/"]


def test_a_new_expert_is_offered_what_is_there() -> None:
    world = make_world(tasks=6, experts=0, assignment="seats", now=app_now())
    drain()
    (kim,) = make_experts(1, domain=world.project.domain, tier=3, names=("Kim",))

    with transaction.atomic():
        due("tasks.expert_changed", expert=kim.pk)
    drain()

    assert Offer.objects.get(expert=kim).guaranteed_minutes == 30


def test_a_withdrawn_signature_ends_the_claim_with_its_pay() -> None:
    now = app_now().replace(microsecond=0)
    world = make_world(now=now)
    claim = claim_next(world.cyd, now=now)
    work(claim, world.cyd, 300, since=now)

    revoke_signature(
        Signature.objects.get(user=world.cyd.user), by=world.cyd.user, reason="I no longer wish to", now=now
    )
    drain()

    claim.refresh_from_db()
    assert (claim.state, PayLine.objects.get().seconds) == (ClaimState.CLOSED_OUT, 300)


def test_cancelling_closes_out_pays_and_settles_in_the_background() -> None:
    now = app_now().replace(microsecond=0)
    world = make_world(now=now)
    claim = claim_next(world.cyd, now=now)
    work(claim, world.cyd, 300, since=now)

    publishing.cancel_batch(world.batch, by=world.owner, now=now)
    drain()

    world.batch.refresh_from_db()
    assert world.batch.settled_at is not None
    assert PayLine.objects.get().reason == "closed_out"
    assert Notification.objects.filter(user=world.cyd.user, text__contains="called this batch off").count() == 1


def test_the_clock_and_the_sweeps_run_as_jobs() -> None:
    start = app_now() - timedelta(days=4)
    world = make_world(tasks=6, now=start)
    submission = submitted(world, 60, now=start)
    claim_next(world.dov, now=start)
    make_batch(world.project, world.owner, tasks=1, now=start)

    with transaction.atomic():
        for kind in ("tasks.expire_claims", "tasks.expire_offers", "tasks.accept_by_clock", "tasks.rates_changed"):
            due(kind)
        due("tasks.funds_received", lab=world.lab.pk)
        due("tasks.project_changed", project=world.project.pk)
    drain()

    states = dict(Claim.objects.values_list("expert", "state"))
    assert states == {world.cyd.pk: ClaimState.ACCEPTED, world.dov.pk: ClaimState.EXPIRED}
    assert submission.claim.state == ClaimState.SUBMITTED
