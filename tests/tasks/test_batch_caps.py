"""What a batch may cost: claims that would pass its cap are not given, and what is not spent makes room again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db.models import F, Sum

from experts.models import Expert
from kernel.errors import Refused
from payments.models import Hold, PayLine
from tasks.actions import publishing, reviews
from tasks.actions.claims import claim_next, extend_cap, release_claim
from tasks.errors import NothingToClaim
from tasks.models import Batch, Claim
from tests.labs.factories import ApiClient, make_client
from tests.races.threads import at_once, failures
from tests.tasks.factories import NOW, World, claim_for, hand_in, make_batch, make_world, submitted, work

pytestmark = pytest.mark.django_db(transaction=True)
HOLD = 7_200  # Twenty minutes at $180, with the fee, unreviewed.


def capped(cap_minor: int, **values: Any) -> World:
    """Return a world whose one running batch has a cap that was given before its launch."""
    world = make_world(**{"tasks": 4, "review_policy": "none", "reviewers": 0, **values})
    Batch.objects.filter(pk=world.batch.pk).update(cap_minor=cap_minor)
    world.batch.refresh_from_db()
    return world


def committed(world: World) -> int:
    return Batch.objects.get(pk=world.batch.pk).committed_minor


def held_and_spent(world: World) -> int:
    """Add up, from the money's own rows, what the batch's claims hold and have cost."""
    claims = Claim.objects.filter(batch=world.batch)
    held = Hold.objects.filter(pk__in=claims.values("hold")).aggregate(sum=Sum("amount_minor", default=0))["sum"]
    names = [claim.public_id for claim in claims]
    spent = PayLine.objects.filter(subject__in=names).aggregate(sum=Sum(F("amount_minor") + F("fee_minor"), default=0))
    return int(held + spent["sum"])


def test_a_cap_for_seven_makes_seven_claims_for_twenty_who_want_one() -> None:
    world = capped(8 * HOLD - 1, tasks=30, experts=20, budget_minor=10**9)

    outcomes = at_once(lambda expert: claim_next(expert, now=NOW), world.experts)

    refused = failures(outcomes, of=NothingToClaim)
    assert (len(refused), len(failures(outcomes))) == (13, 13)
    assert {error.reason for error in refused if isinstance(error, NothingToClaim)} == {"cap_reached"}
    assert (Claim.objects.count(), committed(world), held_and_spent(world)) == (7, 7 * HOLD, 7 * HOLD)


def test_claims_and_endings_at_once_leave_a_cap_that_adds_up() -> None:
    world = capped(6 * HOLD, tasks=60, experts=12, budget_minor=10**9)

    def claim_and_let_go(expert: Expert) -> int:
        taken = 0
        for turn in range(6):
            now = NOW + timedelta(minutes=2 * turn)
            try:
                claim = claim_next(expert, now=now)
            except NothingToClaim:
                continue
            taken += 1
            end = work(claim, expert, 60, since=now)
            if turn % 2 == 0:
                release_claim(claim, expert=expert, reason="", now=end)
            else:
                hand_in(claim, expert, now=end)
        return taken

    outcomes = at_once(claim_and_let_go, world.experts)

    assert failures(outcomes) == []
    assert Claim.objects.count() > 6
    assert committed(world) == held_and_spent(world) <= 6 * HOLD


def test_claims_endings_a_change_of_priority_and_a_cancellation_at_once_never_wait_for_each_other() -> None:
    world = capped(9 * HOLD, tasks=40, experts=16, budget_minor=10**9)
    held = [(claim_next(expert, now=NOW), expert) for expert in world.experts[:8]]
    steps: list[Callable[[], object]] = [partial(claim_next, expert, now=NOW) for expert in world.experts[8:]]
    steps += [partial(release_claim, claim, expert=expert, reason="", now=NOW) for claim, expert in held]
    batches = [Batch.objects.select_related("project__lab").get(pk=world.batch.pk) for _ in range(3)]
    steps += [
        partial(publishing.update_batch, batches[number], {"priority": number + 1}, by=world.owner, now=NOW)
        for number in range(2)
    ]
    steps.append(partial(publishing.cancel_batch, batches[2], by=world.owner, now=NOW))

    outcomes = at_once(lambda step: step(), steps)

    assert all(isinstance(error, Refused) for error in failures(outcomes)), failures(outcomes)
    assert Batch.objects.get(pk=world.batch.pk).state == "CANCELLED"
    assert committed(world) == held_and_spent(world)


def test_what_a_decision_does_not_spend_makes_room_again() -> None:
    world = capped(HOLD + 3_600)
    submission = submitted(world, 600)
    with pytest.raises(NothingToClaim) as full:
        claim_next(world.dov, now=NOW)

    reviews.lab_accept(submission, by=world.owner, now=NOW + timedelta(hours=1))

    assert (full.value.reason, committed(world)) == ("cap_reached", 3_600)
    assert claim_next(world.dov, now=NOW + timedelta(hours=1)).batch_id == world.batch.pk


def test_reviewed_work_is_counted_with_its_reviews() -> None:
    world = capped(100_000, review_policy="all", reviewers=2, tasks=1)
    submitted(world, 600)
    at_hand_in = committed(world)
    review = claim_for(world.ada, kind="review", now=NOW + timedelta(minutes=20))
    end = work(review, world.ada, 120, since=NOW + timedelta(minutes=20))

    reviews.decide_review(review.pk, expert=world.ada, fence=1, decision="ACCEPT", now=end)

    assert at_hand_in > HOLD
    assert committed(world) == held_and_spent(world) < at_hand_in
    assert not Hold.objects.filter(state="OPEN").exists()


def test_another_batch_is_worked_on_when_the_first_has_reached_its_cap() -> None:
    world = capped(HOLD - 1)
    other = make_batch(world.project, world.owner, tasks=1, priority=-5)

    assert claim_next(world.cyd, now=NOW).batch_id == other.pk


def test_a_claim_that_holds_more_than_the_least_is_refused_by_the_check_itself() -> None:
    world = capped(HOLD, guideline_seconds=600)
    world.project.guidelines.create(number=1, text="Read me.", published_at=NOW)

    with pytest.raises(Refused):
        claim_next(world.cyd, now=NOW)

    assert (Claim.objects.count(), committed(world)) == (0, 0)


def test_a_claim_s_own_cap_is_not_raised_past_the_batch_s() -> None:
    world = capped(HOLD + 1_800)
    claim = claim_for(world.cyd)
    extend_cap(claim.pk, expert=world.cyd, fence=1, now=NOW)
    after = committed(world)
    other = capped(HOLD + 1_799)
    tight = claim_for(other.cyd)

    with pytest.raises(Refused, match="will spend"):
        extend_cap(tight.pk, expert=other.cyd, fence=1, now=NOW)

    assert (after, committed(other), Claim.objects.get(pk=tight.pk).cap_seconds) == (HOLD + 1_800, HOLD, 1_200)


@pytest.fixture
def lab() -> tuple[World, ApiClient]:
    world = make_world(tasks=1, review_policy="none", reviewers=0)
    return world, make_client(world.lab, world.owner)


def test_a_cap_is_given_with_the_batch_and_moved_while_it_runs(lab: tuple[World, ApiClient]) -> None:
    world, client = lab
    lines = [{"external_id": "a", "payload": {"prompt": "When?"}}]
    made = client.post(
        f"/projects/{world.project.public_id}/batches", {"name": "Small", "cap_minor": 9_000, "tasks": lines}
    ).json()
    path = f"/batches/{made['id']}"
    client.post(f"{path}:launch")
    client.patch(path, {"priority": 9})
    claim = claim_for(world.cyd)

    lower = client.patch(path, {"cap_minor": HOLD - 1})
    moved = client.patch(path, {"cap_minor": HOLD}).json()
    lifted = client.patch(path, {"cap_minor": None}).json()
    again = client.patch(path, {"cap_minor": 9_000})

    assert (made["cap_minor"], claim.batch.public_id) == (9_000, made["id"])
    assert (lower.status_code, again.status_code) == (409, 409)
    assert (moved["cap_minor"], moved["committed_minor"], lifted["cap_minor"]) == (HOLD, HOLD, None)


def test_a_batch_launched_without_a_cap_gets_none(lab: tuple[World, ApiClient]) -> None:
    world, client = lab

    answer = client.patch(f"/batches/{world.batch.public_id}", {"cap_minor": 10_000, "name": "Renamed"})

    assert (answer.status_code, "without a cap" in answer.json()["detail"]) == (409, True)
    assert client.patch(f"/batches/{world.batch.public_id}", {}).status_code == 200
    assert Batch.objects.get(pk=world.batch.pk).name == "First"


@pytest.mark.parametrize("cap", [0, -1, "100", 1.5, 10**15 + 1, True])
def test_a_cap_is_a_whole_number_above_nothing(lab: tuple[World, ApiClient], cap: object) -> None:
    world, client = lab

    answer = client.post(f"/projects/{world.project.public_id}/batches", {"name": "Small", "cap_minor": cap})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/cap_minor")
