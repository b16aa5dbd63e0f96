"""One task, steered by its lab: sooner or later, or not at all, with what was begun paid for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from accounts.outbox import drain
from kernel.errors import Refused
from payments.models import Hold, PayLine
from tasks.actions import publishing, reviews, submissions, timing
from tasks.actions.claims import release_claim
from tasks.models import Batch, Claim, Slot, Task
from tests.labs.factories import ApiClient, make_client, ok
from tests.races.threads import at_once, failures
from tests.tasks.factories import NOW, RESPONSE, World, claim_for, make_world, submitted, work

pytestmark = pytest.mark.django_db(transaction=True)
NOTES = "The advice on lithium levels names the wrong hour, and its own correction contradicts that afterwards, twice."


@pytest.fixture
def world() -> World:
    return make_world(tasks=2, overlap=2, overlap_max=2)


@pytest.fixture
def lab(world: World) -> ApiClient:
    return make_client(world.lab, world.owner)


@pytest.fixture
def task(world: World) -> Task:
    """The task that was posted last."""
    return Task.objects.filter(batch=world.batch).order_by("-pk")[0]


def cancel(task: Task, world: World, *, after_seconds: int = 0) -> Task:
    return publishing.cancel_task(task, by=world.owner, now=NOW + timedelta(seconds=after_seconds))


def states(task: Task) -> list[str]:
    return list(Slot.objects.filter(task=task, kind="work").order_by("number").values_list("state", flat=True))


def test_a_task_of_a_higher_priority_is_handed_out_first(world: World, lab: ApiClient, task: Task) -> None:
    publishing.update_batch(world.batch, {"priority": 5}, by=world.owner, now=NOW)

    changed = ok(lab.patch(f"/tasks/{task.public_id}", {"priority": 7}))

    assert (changed["priority"], changed["id"]) == (7, task.public_id)
    assert set(Slot.objects.filter(task=task).values_list("priority", flat=True)) == {12}
    assert claim_for(world.cyd).task_id == task.pk


def test_what_comes_back_of_a_task_has_its_new_priority(world: World, task: Task) -> None:
    Slot.objects.filter(task=task).update(priority=F("priority") + 1)
    claim = claim_for(world.cyd)

    publishing.update_task(task, priority=-3, by=world.owner, now=NOW)
    release_claim(claim, expert=world.cyd, reason="", now=NOW)

    assert set(Slot.objects.filter(task=task).values_list("state", "priority")) == {("OPEN", -2)}


@pytest.mark.parametrize("body", [{}, {"priority": 1_001}, {"priority": "1"}, {"priority": 1, "tags": []}])
def test_nothing_else_of_a_task_changes(lab: ApiClient, task: Task, body: dict[str, object]) -> None:
    assert lab.patch(f"/tasks/{task.public_id}", body).status_code == 422
    assert Task.objects.get(pk=task.pk).priority == 0


def test_a_cancelled_task_is_handed_out_no_more(world: World, lab: ApiClient, task: Task) -> None:
    shown = ok(lab.post(f"/tasks/{task.public_id}:cancel", key="once"))
    again = lab.post(f"/tasks/{task.public_id}:cancel", key="once")

    assert (shown["cancelled_at"] is not None, shown["slots"]["void"], states(task)) == (True, 2, ["VOID", "VOID"])
    assert (again.json(), again.headers["Idempotent-Replayed"]) == (shown, "true")
    assert {claim_for(expert).task_id for expert in (world.cyd, world.dov)} != {task.pk}
    assert Batch.objects.get(pk=world.batch.pk).state == "RUNNING"


def test_work_under_way_on_a_cancelled_task_is_closed_out_and_paid_whole(world: World, task: Task) -> None:
    publishing.update_task(task, priority=9, by=world.owner, now=NOW)
    claim = claim_for(world.cyd)
    work(claim, world.cyd, 600, since=NOW)

    cancel(task, world, after_seconds=600)
    drain()

    ended = Claim.objects.get(pk=claim.pk)
    assert (ended.state, ended.approved_seconds, ended.end_reason) == (
        "CLOSED_OUT",
        600,
        "The client called this task off.",
    )
    assert (states(task), PayLine.objects.get().amount_minor) == (["VOID", "VOID"], 30_00)
    assert not Hold.objects.filter(state="OPEN").exists()


def test_work_that_was_handed_in_is_still_decided_and_not_given_to_another(world: World, task: Task) -> None:
    publishing.update_task(task, priority=9, by=world.owner, now=NOW)
    submission = submitted(world)
    cancel(task, world, after_seconds=900)
    drain()

    reviews.lab_reject(
        submission, category="incorrect", notes=NOTES, by=world.owner, now=NOW + timedelta(seconds=1_000)
    )

    assert Claim.objects.get(pk=submission.claim_id).state == "REJECTED"
    assert states(task) == ["VOID", "VOID"]
    assert PayLine.objects.get().reason == "rejected"


def test_a_draining_batch_completes_when_its_last_task_is_cancelled(world: World) -> None:
    publishing.drain_batch(world.batch, by=world.owner, now=NOW)

    for task in Task.objects.filter(batch=world.batch).select_related("batch"):
        cancel(task, world)
    drain()

    assert Batch.objects.get(pk=world.batch.pk).state == "COMPLETED"


def test_a_task_is_cancelled_once_and_not_when_all_of_it_is_decided(world: World, task: Task) -> None:
    cancel(task, world)
    other = Task.objects.filter(batch=world.batch).exclude(pk=task.pk).get()
    Slot.objects.filter(task=other).update(state="ACCEPTED")

    for each in (task, other):
        with pytest.raises(Refused):
            cancel(each, world)
    with pytest.raises(Refused):
        publishing.update_task(task, priority=1, by=world.owner, now=NOW)


def test_tasks_of_a_batch_that_is_over_stay_as_they_are(world: World, lab: ApiClient, task: Task) -> None:
    publishing.cancel_batch(world.batch, by=world.owner, now=NOW)

    answers = [lab.post(f"/tasks/{task.public_id}:cancel"), lab.patch(f"/tasks/{task.public_id}", {"priority": 1})]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "refused")] * 2


def test_a_task_cancelled_while_its_work_is_given_back_is_never_open_again() -> None:
    world = make_world(tasks=8, experts=8, reviewers=0, review_policy="none")
    claims = [(claim_for(expert), expert) for expert in world.experts]

    def run(job: tuple[str, Claim, Any]) -> object:
        what, claim, expert = job
        if what == "cancel":
            return cancel(Task.objects.select_related("batch").get(pk=claim.task_id), world)
        if what == "release":
            return release_claim(claim, expert=expert, reason="", now=NOW)
        timing.take_over(claim.pk, expert=expert, session="tab", now=NOW)
        return submissions.submit(claim.pk, expert=expert, fence=1, response=RESPONSE, attestations={}, now=NOW)

    outcomes = at_once(run, [(what, *pair) for pair in claims for what in ("cancel", "release", "submit")])
    drain()

    assert all(isinstance(error, Refused) for error in failures(outcomes)), failures(outcomes)
    assert set(Slot.objects.filter(kind="work").values_list("state", flat=True)) <= {"VOID", "SUBMITTED"}
