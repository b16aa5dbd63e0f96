"""Budgets that run out: who is told of what share, when a project stops, and what lets it go on."""

from __future__ import annotations

import pytest

from accounts.models import Mail
from accounts.outbox import drain
from experts.models import Expert
from kernel.errors import Refused
from kernel.money import usd
from labs.models import Event
from payments import ledger
from tasks.actions import publishing
from tasks.actions.budgets import watch_budget
from tasks.actions.claims import claim_next, release_claim
from tasks.errors import NothingToClaim
from tasks.states import ProjectState
from tests.races.threads import at_once
from tests.tasks.factories import NOW, World, claim_for, fund, make_world

# Cap 20 min at $180 is $60; three reviews of 6 min at $350 are $35 each; 20 % fee on all.
CLAIM_MINOR = 7_200 + 3 * 4_200
ONE_AT_A_TIME = pytest.mark.django_db
WITH_COMMITS = pytest.mark.django_db(transaction=True)


def world_for(claims: int, **values: int) -> World:
    """Return three open tasks and a budget that covers so many claims."""
    return make_world(tasks=3, experts=3, budget_minor=claims * CLAIM_MINOR, **values)


def watch(world: World) -> tuple[str, str]:
    """Look at the budget, and return how the project stands."""
    watch_budget(world.project.pk, now=NOW)
    world.project.refresh_from_db()
    return world.project.state, world.project.pause_reason


def told(world: World) -> list[object]:
    """Return what the lab's feed says of money, oldest first."""
    kinds = ("funds.low", "project.paused_for_budget", "project.resumed")
    rows = Event.objects.filter(lab=world.lab, kind__in=kinds).order_by("pk")
    return [row.data["percent"] if row.kind == "funds.low" else row.kind for row in rows]


@ONE_AT_A_TIME
def test_half_of_a_budget_is_told_once() -> None:
    world = world_for(2)
    claim_for(world.cyd)

    standing = [watch(world), watch(world)]

    assert (standing, told(world)) == ([(ProjectState.LIVE, "")] * 2, [50])


@ONE_AT_A_TIME
def test_a_project_stops_where_its_budget_covers_no_claim_on_open_work() -> None:
    world = world_for(2)
    claim_for(world.cyd)
    claim_for(world.dov)

    standing = [watch(world), watch(world)]

    assert standing == [(ProjectState.PAUSED, "budget")] * 2
    assert told(world) == [100, "project.paused_for_budget"]


@ONE_AT_A_TIME
def test_a_project_whose_tasks_are_all_in_hand_goes_on_without_money() -> None:
    world = world_for(3)
    for expert in world.experts:
        claim_for(expert)

    assert (watch(world), told(world)) == ((ProjectState.LIVE, ""), [100])


@ONE_AT_A_TIME
def test_money_lets_it_go_on_at_once_and_its_shares_be_told_anew() -> None:
    world = world_for(1)
    claim_for(world.cyd)
    watch(world)

    fund(world.lab, world.project, 3 * CLAIM_MINOR, by=world.owner)

    world.project.refresh_from_db()
    assert (world.project.state, world.project.budget_alerted_bps) == (ProjectState.LIVE, 0)
    claim_for(world.dov)
    assert (watch(world), told(world)) == (
        (ProjectState.LIVE, ""),
        [100, "project.paused_for_budget", "project.resumed", 50],
    )


@ONE_AT_A_TIME
def test_money_that_covers_no_task_lets_nothing_go_on_nor_does_its_lab() -> None:
    world = world_for(1)
    claim_for(world.cyd)
    watch(world)

    fund(world.lab, world.project, CLAIM_MINOR - 1, by=world.owner)

    assert (watch(world), told(world)) == ((ProjectState.PAUSED, "budget"), [100, "project.paused_for_budget"])
    with pytest.raises(Refused, match=r"allocate \$0.01 more"):
        publishing.resume_project(world.project, by=world.owner, now=NOW)


@ONE_AT_A_TIME
def test_money_that_comes_back_lets_it_go_on_too() -> None:
    world = world_for(1)
    claim = claim_for(world.cyd)
    watch(world)

    release_claim(claim, expert=world.cyd, reason="No time", now=NOW)

    assert (watch(world), told(world)) == (
        (ProjectState.LIVE, ""),
        [100, "project.paused_for_budget", "project.resumed"],
    )


@ONE_AT_A_TIME
def test_a_project_paused_by_its_lab_stays_paused() -> None:
    world = world_for(2)
    publishing.pause_project(world.project, by=world.owner, now=NOW)

    assert watch(world) == (ProjectState.PAUSED, "lab")


@ONE_AT_A_TIME
def test_an_expert_is_told_that_the_budget_is_reached() -> None:
    world = world_for(1)
    claim_for(world.cyd)
    watch(world)

    with pytest.raises(NothingToClaim) as refused:
        claim_next(world.dov, now=NOW)

    assert refused.value.reason == "budget_reached"


@ONE_AT_A_TIME
def test_the_owners_get_one_letter_for_each_share() -> None:
    world = world_for(2)
    claim_for(world.cyd)
    watch(world)
    drain()
    claim_for(world.dov)
    watch(world)
    drain()

    letters = Mail.objects.filter(to=world.owner.email, key__startswith="budget-").order_by("pk")
    assert [letter.subject.rpartition(": ")[2] for letter in letters] == ["50 % of the budget", "100 % of the budget"]


@WITH_COMMITS
def test_of_many_who_look_at_once_one_tells_and_stops_it() -> None:
    world = world_for(1)
    claim_for(world.cyd)

    at_once(lambda _: watch_budget(world.project.pk, now=NOW), range(8))

    assert told(world) == [100, "project.paused_for_budget"]


@WITH_COMMITS
def test_claims_beside_the_watch_never_spend_more_than_there_is() -> None:
    world = world_for(1)

    def act(expert: Expert | None) -> object:
        return claim_next(expert, now=NOW) if expert else watch_budget(world.project.pk, now=NOW)

    at_once(act, [*world.experts, None, None, None])

    budget = ledger.balance(ledger.project_budget(world.project.public_id, "USD"))
    assert (watch(world), budget) == ((ProjectState.PAUSED, "budget"), usd(0))
