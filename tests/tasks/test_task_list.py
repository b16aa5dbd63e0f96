"""The list of a batch's tasks: by state, by tag, page after page, without content unless it is asked for."""

from __future__ import annotations

from typing import Any

import pytest

from agreements.models import ContentAccess
from tasks.models import Slot, Task, TaskTag
from tests.labs.factories import ApiClient, make_client
from tests.tasks.factories import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world(tasks=1, overlap_max=3)


@pytest.fixture
def lab(world: World) -> ApiClient:
    return make_client(world.lab, world.owner)


@pytest.fixture
def posted(world: World, lab: ApiClient) -> World:
    """Six tasks, t-0 to t-5: the even ones are tagged even, the first four low, and t-1 and t-2 are accepted."""
    tags = [["even"] * (number % 2 == 0) + ["low"] * (number < 4) for number in range(6)]
    lab.lines(
        f"/batches/{world.batch.public_id}/tasks",
        [
            {"external_id": f"t-{number}", "payload": {"prompt": "CANARY?"}, "tags": some, "overlap": 2}
            for number, some in enumerate(tags)
        ],
    )
    done = Task.objects.filter(external_id__in=("t-1", "t-2"))
    Slot.objects.filter(task__in=done).update(state="ACCEPTED")
    return world


def listed(lab: ApiClient, world: World, **query: str) -> list[str]:
    """Follow the pages to the end, and return the external ids."""
    found: list[str] = []
    while True:
        body = page(lab, world, **query)
        found += [task["external_id"] for task in body["data"]]
        if body["next_cursor"] is None:
            return found
        query["cursor"] = body["next_cursor"]


def page(lab: ApiClient, world: World, **query: str) -> dict[str, Any]:
    answer = lab.get(f"/batches/{world.batch.public_id}/tasks", **query)
    assert answer.status_code == 200, answer.content
    return dict(answer.json())


@pytest.mark.parametrize("limit", ["1", "2", "50"])
@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"tag": "low"}, ["t-3", "t-2", "t-1", "t-0"]),
        ({"state": "ACCEPTED"}, ["t-2", "t-1"]),
        ({"state": "OPEN", "tag": "low"}, ["t-3", "t-0"]),
        ({"external_id": "t-0", "tag": "low"}, ["t-0"]),
        ({"external_id": "t-0", "state": "OPEN"}, ["t-0"]),
        ({"external_id": "t-0", "state": "VOID", "tag": "low"}, []),
        ({"tag": "LOW"}, []),
    ],
)
def test_what_is_asked_for_comes_newest_first_page_after_page(
    posted: World, lab: ApiClient, limit: str, query: dict[str, str], wanted: list[str]
) -> None:
    assert listed(lab, posted, limit=limit, **query) == wanted


@pytest.mark.parametrize("query", [{"tag": ""}, {"tag": "x" * 201}, {"tag": "a\x00"}, {"state": "DONE"}])
def test_a_filter_that_nothing_can_meet_is_refused_by_name(
    posted: World, lab: ApiClient, query: dict[str, str]
) -> None:
    answer = lab.get(f"/batches/{posted.batch.public_id}/tasks", **query)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/?{next(iter(query))}")


def test_another_batch_of_the_same_tags_is_another_list(posted: World, lab: ApiClient) -> None:
    batch = lab.post(f"/projects/{posted.project.public_id}/batches", {"name": "Other"}).json()["id"]
    lab.lines(f"/batches/{batch}/tasks", [{"external_id": "t-9", "payload": {"prompt": "?"}, "tags": ["low"]}])

    assert listed(lab, posted, tag="low") == ["t-3", "t-2", "t-1", "t-0"]


def test_tags_that_become_one_when_cleaned_are_kept_once(world: World, lab: ApiClient) -> None:
    rows: list[object] = [{"external_id": "a", "payload": {"prompt": "?"}, "tags": ["dose", " dose"]}]
    lab.lines(f"/batches/{world.batch.public_id}/tasks", rows)

    assert list(TaskTag.objects.values_list("tag", "task__external_id")) == [("dose", "a")]


def test_content_is_opened_on_request_after_an_access_row_for_each_task(posted: World, lab: ApiClient) -> None:
    body = page(lab, posted, tag="even", limit="2", expand="payload")

    assert [(task["payload"], task["metadata"]) for task in body["data"]] == [({"prompt": "CANARY?"}, None)] * 2
    assert body["next_cursor"] is not None
    seen = ContentAccess.objects.filter(purpose="api").values_list("subject", "count")
    assert sorted(seen) == sorted((task["id"], 1) for task in body["data"])


def test_a_page_with_content_is_bounded(posted: World, lab: ApiClient) -> None:
    path = f"/batches/{posted.batch.public_id}/tasks"

    assert lab.get(path, expand="payload", limit="21").status_code == 422
    assert len(page(lab, posted, expand="payload")["data"]) == 7
    assert b"CANARY" not in lab.get(path).content
