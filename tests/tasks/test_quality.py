"""What a lab is told of a project's quality: figures where they are defined, and reasons where they are not."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agreements.models import ContentAccess
from kernel.sealing import seal_json
from tasks.models import Project, Task
from tests.labs.factories import ApiClient, make_client
from tests.tasks.factories import NOW, World, claim_for, hand_in, make_world, work

pytestmark = pytest.mark.django_db

REPLY: dict[str, object] = {"prompt": "Is it safe?", "response": "It is safe at any dose."}
SOUND: dict[str, object] = {"spans": [], "verdict": "sound"}
WRONG: dict[str, object] = {
    "spans": [{"start": 0, "end": 5, "label": "contradicted", "evidence": "The label says otherwise."}],
    "verdict": "misleading",
}


@pytest.fixture
def world() -> World:
    return make_world(tasks=2, overlap=2, experts=2, payload=REPLY, kind="factuality", overlap_max=2)


@pytest.fixture
def lab(world: World) -> ApiClient:
    return make_client(world.lab, world.owner)


def answer(world: World, *responses: dict[str, object]) -> None:
    """Let each expert in turn answer the next task with each of these."""
    for expert in world.experts:
        now = NOW
        for response in responses:
            claim = claim_for(expert, now=now)
            now = work(claim, expert, 300, since=now)
            hand_in(claim, expert, now=now, response=response)


def quality(lab: ApiClient, project: Project) -> dict[str, Any]:
    found = lab.get(f"/projects/{project.public_id}/quality")
    assert found.status_code == 200, found.content
    shown: dict[str, Any] = found.json()
    return shown


def test_answers_that_agree_by_more_than_chance_say_so(world: World, lab: ApiClient) -> None:
    answer(world, SOUND, WRONG)

    overall = quality(lab, world.project)["agreement"][0]

    assert overall == {
        "measure": "verdict",
        "level": "nominal",
        "tag": None,
        "items": 2,
        "answers": 4,
        "alpha": 1.0,
        "alpha_reason": "",
        "ac1": 1.0,
        "ac1_reason": "",
    }


def test_agreement_comes_by_tag(world: World, lab: ApiClient) -> None:
    first, second = Task.objects.order_by("id")
    Task.objects.filter(pk=first.pk).update(tags=["dose"])
    Task.objects.filter(pk=second.pk).update(tags=["dose", "renal"])
    answer(world, SOUND, WRONG)

    rows = quality(lab, world.project)["agreement"]

    assert [(row["measure"], row["tag"], row["items"]) for row in rows[:3]] == [
        ("verdict", None, 2),
        ("verdict", "dose", 2),
        ("verdict", "renal", 1),
    ]
    assert rows[2]["alpha"] is None
    assert rows[2]["alpha_reason"].startswith("All answers are the same")


def test_gold_is_scored_and_is_no_work_to_agree_on(world: World, lab: ApiClient) -> None:
    gold = Task.objects.order_by("id")[0]
    key = bytes(world.project.data_key)
    Task.objects.filter(pk=gold.pk).update(gold=seal_json(key, SOUND, about=f"{gold.public_id}/gold"))
    answer(world, SOUND, WRONG)

    shown = quality(lab, world.project)

    assert shown["gold"] == {"answers": 2, "score": 1.0, "reason": ""}
    assert shown["agreement"][0]["items"] == 1


def test_nothing_answered_says_why_nothing_is_known(world: World, lab: ApiClient) -> None:
    shown = quality(lab, world.project)

    assert shown["agreement"][0]["alpha_reason"] == "No task has two answers that can be compared."
    assert shown["gold"]["reason"] == "No task with a right answer of its own has been answered."
    assert shown["decisions"]["reason"] == "Nothing has been decided yet."
    assert shown["active_seconds"] == {"answers": 0, "p10": None, "p50": None, "p90": None}


def test_times_and_decisions_are_counted(world: World, lab: ApiClient) -> None:
    answer(world, SOUND, WRONG)
    waiting = lab.get("/submissions").json()["data"]
    assert lab.post(f"/submissions/{waiting[0]['id']}:accept").status_code == 200

    shown = quality(lab, world.project)

    assert shown["active_seconds"] == {"answers": 4, "p10": 300, "p50": 300, "p90": 300}
    assert (shown["decisions"]["handed_in"], shown["decisions"]["accepted"]) == (4, 1)
    assert (shown["decisions"]["return_rate"], shown["decisions"]["reject_rate"]) == (0.0, 0.0)


def test_free_text_is_not_compared(lab: ApiClient, world: World) -> None:
    Project.objects.filter(pk=world.project.pk).update(kind="demonstration")

    shown = quality(lab, world.project)

    assert (shown["agreement"], shown["agreement_reason"][:27]) == ([], "Answers of this kind are fr")


def test_reading_answers_leaves_an_access_row(world: World, lab: ApiClient) -> None:
    answer(world, SOUND, WRONG)

    quality(lab, world.project)

    row = ContentAccess.objects.get(purpose="quality")
    assert (row.subject, row.count) == (world.project.public_id, 4)


def test_comparing_answers_reads_no_payload(world: World, lab: ApiClient) -> None:
    answer(world, SOUND)

    with CaptureQueriesContext(connection) as sent:
        quality(lab, world.project)

    assert [one["sql"] for one in sent if '"tasks_task"."payload' in one["sql"]] == []
