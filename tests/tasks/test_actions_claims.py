"""Claiming, keeping, giving back and losing a slot: who gets what, under which terms, and what it pays."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEvent
from agreements.actions import sign_version
from agreements.models import AgreementVersion
from experts.models import Expert
from kernel.errors import Refused
from kernel.ids import encode_id
from payments import ledger
from payments.credits import BudgetReached
from payments.models import Hold, PayLine
from tasks.actions import claims, publishing, routes
from tasks.actions.claims import claim_next, expire_claims, extend_cap, release_claim
from tasks.errors import Lapsed, NothingToClaim, NotYours
from tasks.models import Batch, Claim, Eligibility, GuidelineVersion, Offer, Project, Segment, Slot
from tasks.queries import batch_progress
from tasks.states import BatchState, ClaimState, OfferState, ProjectState, SlotState
from tests.tasks.factories import (
    NOW,
    World,
    add_tasks,
    claim_for,
    make_batch,
    make_world,
    publish_version,
    work,
)

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
# Cap 20 min at $180 is $60; three reviews of 6 min at $350 are $35 each; 20 % fee on all.
HOLD_MINOR = 7_200 + 3 * 4_200


@pytest.fixture
def world() -> World:
    return make_world()


def budget(world: World) -> int:
    return ledger.balance(ledger.project_budget(world.project.public_id, "USD")).minor


def held(world: World) -> int:
    return ledger.balance(ledger.project_hold(world.project.public_id, "USD")).minor


def reason(expert: Expert, **kwargs: object) -> str:
    with pytest.raises(NothingToClaim) as refused:
        claim_next(expert, now=NOW, **kwargs)  # type: ignore[arg-type]  # Passed through as given.
    return refused.value.reason


def test_a_claim_keeps_the_terms_of_its_day(world: World) -> None:
    claim = claim_for(world.cyd)

    claim.refresh_from_db()
    assert (claim.rate_minor, claim.tier, claim.card_version, claim.fee_bps) == (180_00, 3, 1, 2_000)
    assert (claim.cap_seconds, claim.review_cap_seconds, claim.review_rate_minor) == (1_200, 360, 350_00)
    assert (claim.fence, claim.lease_until, claim.is_review_drawn) == (1, NOW + timedelta(minutes=15), True)
    assert (claim.agreement_version, claim.slot.state, claim.lab) == (world.version, SlotState.CLAIMED, world.lab)


def test_a_claim_sets_aside_the_most_that_it_can_cost(world: World) -> None:
    claim = claim_for(world.cyd)

    assert claim.hold is not None
    assert (claim.hold.amount_minor, claim.hold.review_minor, claim.hold.review_parts_left) == (HOLD_MINOR, 4_200, 3)
    assert (budget(world), held(world)) == (100_000_00 - HOLD_MINOR, HOLD_MINOR)


def test_a_claim_leaves_one_audit_row(world: World) -> None:
    claim = claim_for(world.cyd)

    rows = AuditEvent.objects.filter(object_id=claim.public_id)
    assert [(row.verb, row.actor, row.details["slot"]) for row in rows] == [
        ("claim.made", world.cyd.user.public_id, claim.slot_id)
    ]


def test_a_claim_takes_few_statements(world: World, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    expert = Expert.objects.select_related("user").get(pk=world.cyd.pk)

    with django_assert_max_num_queries(7):
        claim_next(expert, now=NOW)


def test_slots_go_out_by_priority_and_then_by_age(world: World) -> None:
    first, second, third = Slot.objects.order_by("pk")
    Slot.objects.filter(pk=third.pk).update(priority=5)

    assert [claim_for(expert).slot_id for expert in (world.cyd, world.dov)] == [third.pk, first.pk]
    assert Slot.objects.get(pk=second.pk).state == SlotState.OPEN


def test_the_batch_of_higher_priority_goes_first(world: World) -> None:
    urgent = make_batch(world.project, world.owner, tasks=1, priority=9)

    assert claim_for(world.cyd).batch == urgent
    assert claim_for(world.dov).batch == world.batch


def test_a_batch_can_be_asked_for(world: World) -> None:
    make_batch(world.project, world.owner, tasks=1, priority=9)

    assert claim_next(world.cyd, batch=world.batch, now=NOW).batch == world.batch
    assert claim_next(world.dov, project=world.project, now=NOW).project == world.project


def test_nobody_is_given_one_task_twice() -> None:
    world = make_world(tasks=1, overlap=3)
    claim = claim_for(world.cyd)

    release_claim(claim, expert=world.cyd, reason="Not mine", now=NOW)

    assert reason(world.cyd) == "finished"
    assert claim_for(world.dov).task == claim.task


def test_an_expert_has_one_live_claim(world: World) -> None:
    claim_for(world.cyd)

    assert reason(world.cyd) == "has_live_claim"


def test_the_database_refuses_a_second_live_claim(world: World) -> None:
    first, second = claim_for(world.cyd), claim_for(world.dov)
    Claim.objects.filter(pk=first.pk).update(state=ClaimState.RELEASED, **decided(0))
    twin = copy_of(second, slot=first.slot, task=first.task)

    with pytest.raises(IntegrityError, match="one_live_claim_per_expert"), transaction.atomic():
        twin.save(force_insert=True)


def test_the_database_refuses_a_second_holder_of_a_slot(world: World) -> None:
    first, second = claim_for(world.cyd), claim_for(world.dov)
    Claim.objects.filter(pk=second.pk).update(state=ClaimState.RELEASED, **decided(0))
    twin = copy_of(second, slot=first.slot, task=first.task)

    with pytest.raises(IntegrityError, match="one_holding_claim_per_slot"), transaction.atomic():
        twin.save(force_insert=True)


def decided(seconds: int) -> dict[str, object]:
    return {"decided_at": NOW, "approved_seconds": seconds, "billable_seconds": seconds}


def copy_of(claim: Claim, **changes: object) -> Claim:
    values = {field.attname: getattr(claim, field.attname) for field in Claim._meta.concrete_fields}
    values.pop("hold_id")
    values.pop("id")
    for name, value in changes.items():
        values.pop(f"{name}_id", None)
        values[name] = value
    return Claim(**values)


def test_the_terms_of_a_claim_never_change(world: World) -> None:
    claim = claim_for(world.cyd)

    with pytest.raises(IntegrityError, match="terms of a claim"), transaction.atomic():
        Claim.objects.filter(pk=claim.pk).update(rate_minor=1)


def test_without_a_signature_of_the_newest_version_there_is_no_claim(world: World) -> None:
    newer = publish_version(world.version.agreement_id)
    before = reason(world.cyd)

    sign_newer(newer, world.cyd)

    assert before == "nda_unsigned"
    assert claim_for(world.cyd).agreement_version == newer


def sign_newer(version: AgreementVersion, expert: Expert) -> None:
    sign_version(
        version,
        user=expert.user,
        typed_name=expert.user.name,
        consent=True,
        ip=None,
        user_agent="",
        now=NOW,
    )


def test_who_is_not_eligible_hears_the_rule(world: World) -> None:
    Expert.objects.filter(pk=world.cyd.pk).update(country="KE")
    routes.compute_eligibility(world.project, now=NOW, only=[world.cyd.pk])

    assert reason(world.cyd) == "country_without_payout_rail"


def test_who_is_away_claims_nothing(world: World) -> None:
    Expert.objects.filter(pk=world.cyd.pk).update(state="AWAY")

    assert reason(Expert.objects.get(pk=world.cyd.pk)) == "not_active"


def test_a_disabled_account_claims_nothing_at_once(world: World) -> None:
    type(world.cyd.user).objects.filter(pk=world.cyd.user_id).update(is_active=False)

    with pytest.raises(NothingToClaim):
        claim_for(world.cyd)


def test_paused_work_says_so(world: World) -> None:
    Batch.objects.filter(pk=world.batch.pk).update(state=BatchState.PAUSED)
    by_batch = reason(world.cyd)
    Project.objects.filter(pk=world.project.pk).update(state=ProjectState.PAUSED)

    assert (by_batch, reason(world.cyd)) == ("paused", "paused")


def test_when_all_is_held_the_answer_says_when_to_look_again() -> None:
    world = make_world(tasks=1)
    claim_for(world.dov)

    with pytest.raises(NothingToClaim) as refused:
        claim_for(world.cyd)

    assert (refused.value.reason, refused.value.retry_after) == ("all_held", 30)


def test_a_finished_batch_says_so() -> None:
    world = make_world(tasks=1)
    Slot.objects.update(state=SlotState.VOID)

    assert reason(world.cyd) == "finished"


def test_a_draining_batch_still_hands_out_its_work(world: World) -> None:
    publishing.drain_batch(world.batch, by=world.owner, now=NOW)

    assert claim_for(world.cyd).batch == world.batch


def test_a_budget_below_the_hold_claims_nothing() -> None:
    world = make_world(budget_minor=HOLD_MINOR)
    claim_for(world.dov)

    assert (reason(world.cyd), budget(world)) == ("budget_reached", 0)


def test_who_loses_the_race_for_the_last_money_is_given_other_work_once(world: World) -> None:
    Eligibility.objects.update(hold_minor=1)  # As if others had taken the money since the statement looked.
    with transaction.atomic():
        legs = [
            (ledger.project_budget(world.project.public_id, "USD"), 100_000_00),
            (ledger.lab_prepaid(world.lab, "USD"), -100_000_00),
        ]
        ledger.post("deallocate", legs, key="take-all", at=NOW)

    assert reason(world.cyd) == "budget_reached"
    assert (Claim.objects.count(), Slot.objects.filter(state=SlotState.OPEN).count()) == (0, 3)


def test_seats_are_for_those_who_accepted_one() -> None:
    world = make_world(assignment="seats")
    before = reason(world.cyd)
    make_seat(world, world.cyd)

    assert before == "no_seat"
    assert claim_for(world.cyd).state == ClaimState.WORKING


def make_seat(world: World, expert: Expert) -> Offer:
    return Offer.objects.create(
        expert=expert,
        batch=world.batch,
        guaranteed_minutes=60,
        rate_minor=180_00,
        score=500,
        state=OfferState.ACCEPTED,
        state_changed_at=NOW,
        created_at=NOW,
        answered_at=NOW,
        expires_at=NOW + HOUR,
    )


@pytest.mark.parametrize(("hours", "rule"), [(10, "day_limit"), (0, "")])
def test_ten_hours_a_day_are_the_most(world: World, hours: int, rule: str) -> None:
    spend(world, hours, since=NOW - timedelta(hours=9))
    if not rule:
        assert claim_for(world.cyd).state == ClaimState.WORKING
        return

    with pytest.raises(NothingToClaim) as refused:
        claim_next(world.cyd, now=NOW + 2 * HOUR)

    assert refused.value.reason == rule


def test_forty_hours_a_week_are_the_most(world: World) -> None:
    for day in range(4):
        spend(world, 10, since=NOW + timedelta(days=day))
    friday = NOW + timedelta(days=4)

    with pytest.raises(NothingToClaim) as refused:
        claim_next(world.cyd, now=friday)

    assert refused.value.reason == "week_limit"
    assert claim_next(world.cyd, now=NOW + timedelta(days=7)).state == ClaimState.WORKING


def spend(world: World, hours: int, *, since: datetime) -> None:
    if not hours:
        return
    other = world.dov
    claim = Claim.objects.filter(expert=other).first() or claim_for(other)
    Segment.objects.create(
        claim=claim, expert=world.cyd, during=DateTimeTZRange(since, since + hours * HOUR), kind="work"
    )


def test_guidelines_are_read_inside_the_first_claim() -> None:
    world = make_world(guideline_seconds=300)
    publishing.publish_guideline(world.project, text="Be exact.", by=world.owner, now=NOW)

    first = claim_for(world.cyd)
    release_claim(first, expert=world.cyd, reason="", now=NOW)
    second = claim_for(world.cyd)

    assert (first.cap_seconds, second.cap_seconds) == (1_500, 1_200)
    assert first.guideline == GuidelineVersion.objects.get()


def test_new_guidelines_are_paid_for_again() -> None:
    world = make_world(guideline_seconds=300)
    publishing.publish_guideline(world.project, text="Be exact.", by=world.owner, now=NOW)
    release_claim(claim_for(world.cyd), expert=world.cyd, reason="", now=NOW)
    publishing.publish_guideline(world.project, text="Be exact and brief.", by=world.owner, now=NOW)

    assert claim_for(world.cyd).cap_seconds == 1_500


def test_work_that_is_not_drawn_for_review_holds_no_review() -> None:
    world = make_world(review_policy="none", reviewers=0)

    claim = claim_for(world.cyd)

    assert (claim.is_review_drawn, held(world)) == (False, 7_200)


def test_released_work_frees_its_slot_and_is_paid_within_the_allowance(world: World) -> None:
    claim = claim_for(world.cyd)
    end = work(claim, world.cyd, 900, since=NOW)

    release_claim(claim, expert=world.cyd, reason="Too far from my field", now=end)

    claim.refresh_from_db()
    line = PayLine.objects.get()
    assert (claim.state, claim.billable_seconds, claim.approved_seconds) == (ClaimState.RELEASED, 900, 600)
    assert (line.seconds, line.amount_minor, line.fee_minor, line.reason) == (600, 3_000, 0, "released")
    assert (held(world), budget(world), claim.slot.state) == (0, 100_000_00 - 3_000, SlotState.OPEN)


def test_the_allowance_is_ten_minutes_a_week(world: World) -> None:
    for hour in range(2):
        since = NOW + hour * HOUR
        claim = claim_for(world.cyd, now=since)
        release_claim(claim, expert=world.cyd, reason="", now=work(claim, world.cyd, 400, since=since))

    next_week = NOW + timedelta(days=7)
    claim = claim_for(world.cyd, now=next_week)
    release_claim(claim, expert=world.cyd, reason="", now=work(claim, world.cyd, 400, since=next_week))

    assert list(PayLine.objects.order_by("decided_at").values_list("seconds", flat=True)) == [400, 200, 400]


def test_nobody_releases_the_claim_of_another(world: World) -> None:
    claim = claim_for(world.cyd)

    with pytest.raises(NotYours):
        release_claim(claim, expert=world.dov, reason="", now=NOW)


def test_a_claim_ends_once(world: World) -> None:
    claim = claim_for(world.cyd)
    release_claim(claim, expert=world.cyd, reason="", now=NOW)

    with pytest.raises(Refused):
        release_claim(claim, expert=world.cyd, reason="", now=NOW)

    assert Hold.objects.get().state == "RELEASED"


def test_a_lapsed_claim_is_free_at_once_for_the_next_claimer() -> None:
    world = make_world(tasks=1)
    claim = claim_for(world.cyd)

    taken = claim_for(world.dov, now=NOW + timedelta(minutes=15))

    claim.refresh_from_db()
    assert (claim.state, claim.end_reason, taken.slot) == (ClaimState.EXPIRED, "The lease ran out.", claim.slot)


def test_a_lease_that_runs_is_left_alone(world: World) -> None:
    claim_for(world.cyd)

    assert expire_claims(NOW + timedelta(minutes=14, seconds=59), 100) == 0


def test_an_own_lapsed_claim_never_stands_in_the_way(world: World) -> None:
    lapsed = claim_for(world.cyd)

    claim = claim_for(world.cyd, now=NOW + HOUR)

    assert claim.task != lapsed.task


def test_expired_work_is_paid_what_was_counted(world: World) -> None:
    claim = claim_for(world.cyd)
    end = work(claim, world.cyd, 300, since=NOW)

    expire_claims(end + timedelta(minutes=16), 100)

    assert [(line.seconds, line.reason) for line in PayLine.objects.all()] == [(300, "expired")]


def test_the_cap_is_raised_by_a_quarter_once(world: World) -> None:
    claim = claim_for(world.cyd)

    raised = extend_cap(claim.pk, expert=world.cyd, fence=1, now=NOW)

    assert (raised.cap_seconds, held(world)) == (1_500, HOLD_MINOR + 1_800)
    with pytest.raises(Refused):
        extend_cap(claim.pk, expert=world.cyd, fence=1, now=NOW)


def test_a_cap_is_not_raised_beyond_the_budget() -> None:
    world = make_world(budget_minor=HOLD_MINOR)
    claim = claim_for(world.cyd)

    with pytest.raises(BudgetReached):
        extend_cap(claim.pk, expert=world.cyd, fence=1, now=NOW)

    claim.refresh_from_db()
    assert (claim.cap_seconds, claim.is_cap_extended) == (1_200, False)


def test_a_lapsed_claim_raises_nothing(world: World) -> None:
    claim = claim_for(world.cyd)

    with pytest.raises(Lapsed):
        extend_cap(claim.pk, expert=world.cyd, fence=1, now=NOW + HOUR)


def test_a_cancelled_batch_pays_the_time_of_those_at_work(world: World) -> None:
    claim = claim_for(world.cyd)
    end = work(claim, world.cyd, 900, since=NOW)
    publishing.cancel_batch(world.batch, by=world.owner, now=end)

    ended = claims.close_out_batch(world.batch, by=world.owner, now=end)

    claim.refresh_from_db()
    line = PayLine.objects.get()
    assert (ended, claim.state, claim.slot.state) == (1, ClaimState.CLOSED_OUT, SlotState.VOID)
    assert (line.seconds, line.amount_minor, line.fee_minor, line.reason) == (900, 4_500, 0, "closed_out")
    assert claims.close_out_batch(world.batch, by=world.owner, now=end) == 0


def test_a_revoked_signature_closes_out_what_it_opened(world: World) -> None:
    claim = claim_for(world.cyd)

    ended = claims.close_out_unsigned(Claim.objects.filter(expert=world.cyd), now=NOW)

    claim.refresh_from_db()
    assert (ended, claim.state, claim.slot.state) == (1, ClaimState.CLOSED_OUT, SlotState.OPEN)


def test_slots_add_up_whatever_happens(world: World) -> None:
    add_tasks(world.batch, 2)
    claim_for(world.cyd)
    release_claim(claim_for(world.dov), expert=world.dov, reason="", now=NOW)

    progress = batch_progress(world.batch)
    assert (progress.created, progress.open, progress.claimed) == (5, 4, 1)


def test_the_hold_is_known_by_the_claim(world: World) -> None:
    claim = claim_for(world.cyd)

    assert Hold.objects.get().subject == encode_id("clm", claim.pk)


def test_what_each_claim_runs_is_planned_by_key_however_small_the_tables_were() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT proname FROM pg_proc WHERE 'enable_seqscan=off' = ANY(proconfig) ORDER BY proname")
        names = [name for (name,) in cursor.fetchall()]

    assert names == [
        "payments_apply_postings",
        "payments_post",
        "tasks_commit_to_batch",
        "tasks_slots_have_parents",
        "tasks_take_review",
        "tasks_take_work",
    ]
