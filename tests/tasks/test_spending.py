"""What was spent, cut by project, batch, tier and week: the cuts differ, their sum does not."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tasks.actions import reviews
from tasks.models import Project
from tests.labs.factories import ApiClient, make_client, ok
from tests.tasks.factories import NOW, World, make_batch, make_lab, make_world, submitted

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)


@pytest.fixture
def world() -> World:
    return make_world(tasks=1)


@pytest.fixture
def client(world: World) -> ApiClient:
    return make_client(world.lab, world.owner)


def accept_one(world: World, *, weeks: int = 0, seconds: int = 600) -> None:
    """Let Cyd do a task and the lab accept it, some weeks after the world began."""
    now = NOW + weeks * WEEK
    reviews.lab_accept(submitted(world, seconds, now=now), by=world.owner, now=now + timedelta(hours=1))


def test_two_weeks_and_two_batches_add_up_to_what_the_balance_calls_spent(world: World, client: ApiClient) -> None:
    accept_one(world)
    second = make_batch(world.project, world.owner, tasks=1, now=NOW + WEEK)
    accept_one(world, weeks=1, seconds=1_200)

    by_project = ok(client.get("/spend"))
    by_week = ok(client.get("/spend", by="week,batch"))

    assert by_project["data"] == [
        {
            "project": world.project.public_id,
            "project_name": "Bedside",
            "batch": None,
            "batch_name": None,
            "tier": None,
            "week_start": None,
            "lines": 2,
            "seconds": 1_800,
            "pay_minor": 90_00,
            "fee_minor": 18_00,
            "total_minor": 108_00,
        }
    ]
    parts = [(row["batch"], row["week_start"], row["total_minor"]) for row in by_week["data"]]
    assert parts == [(world.batch.public_id, "2026-11-02", 36_00), (second.public_id, "2026-11-09", 72_00)]
    assert (by_week["by"], by_week["total_minor"]) == (["batch", "week"], 108_00)
    assert ok(client.get("/balance"))["spent_minor"] == 108_00


def test_a_project_and_a_span_of_weeks_narrow_it(world: World, client: ApiClient) -> None:
    accept_one(world)

    narrowed = [
        ok(client.get("/spend", **query))["total_minor"]
        for query in (
            {"project": world.project.public_id, "since": "2026-11-02", "until": "2026-11-02"},
            {"since": "2026-11-03"},
            {"until": "2026-11-01"},
            {"project": "prj_" + "0" * 26},
        )
    ]

    assert narrowed == [36_00, 0, 0, 0]


def test_the_file_has_the_same_columns_whatever_is_asked_and_no_formula_runs(world: World, client: ApiClient) -> None:
    Project.objects.filter(pk=world.project.pk).update(name="=HYPERLINK(0)")
    accept_one(world)

    answer = client.get("/spend", by="tier,project", format="csv")

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert list(csv.reader(io.StringIO(answer.content.decode()))) == [
        ["project", "project_name", "batch", "batch_name", "tier", "week_start", "lines", "seconds", "pay_minor",
         "fee_minor", "total_minor", "currency"],
        [world.project.public_id, "'=HYPERLINK(0)", "", "", "3", "", "1", "600", "3000", "600", "3600", "USD"],
    ]  # fmt: skip


def test_another_lab_and_test_mode_spent_nothing(world: World) -> None:
    accept_one(world)

    seen = [
        ok(each.get("/spend", by="project,batch,tier,week"))
        for each in (make_client(*make_lab("Eve's")), make_client(world.lab, mode="test"))
    ]

    assert [(each["data"], each["currency"]) for each in seen] == [([], "USD"), ([], "XTS")]


@pytest.mark.parametrize(
    "query",
    [
        {"by": ""},
        {"by": "expert"},
        {"by": "tier,tier"},
        {"by": "tier,"},
        {"project": "prj_x"},
        {"project": "a\x00b"},
        {"since": "yesterday"},
        {"since": "2026-13-01"},
        {"until": "2026-W48-1"},
        {"until": "\u0662026-11-01"},
        {"currency": "usd"},
        {"format": "xlsx"},
        {"limit": "5"},
    ],
)
def test_what_means_nothing_is_refused(client: ApiClient, query: dict[str, str]) -> None:
    assert client.get("/spend", **query).status_code == 422


def test_it_costs_the_same_for_one_row_and_for_three(world: World, client: ApiClient) -> None:
    counts = []
    for weeks in ((0,), (1, 2)):
        for week in weeks:
            make_batch(world.project, world.owner, tasks=1, now=NOW + week * WEEK)
            accept_one(world, weeks=week)
        ok(client.get("/me"))  # Notes the key's use, once a minute.
        with CaptureQueriesContext(connection) as statements:
            assert ok(client.get("/spend", by="batch,week"))["data"]
        counts.append(len(statements))

    assert counts[0] == counts[1]
