"""Posting tasks over HTTP: what is stored, what is said of each line, and that nothing is ever half there."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest

from kernel.errors import LostRace
from kernel.ids import decode_id
from kernel.sealing import Sealed, open_sealed
from tasks.actions import ingest, publishing
from tasks.models import Batch, IngestRun, Slot, StagedLine, Task
from tasks.states import BatchState
from tests.labs.factories import NOW, ApiClient, make_client
from tests.tasks.factories import World, make_world

pytestmark = pytest.mark.django_db

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.fixture
def world() -> World:
    return make_world(tasks=1, overlap_max=3)


@pytest.fixture
def batch(world: World) -> Batch:
    return publishing.create_batch(world.project, name="Second", by=world.owner, now=NOW)


@pytest.fixture
def lab(world: World) -> ApiClient:
    return make_client(world.lab, world.owner)


def line(external_id: str, prompt: str = "When are lithium levels taken?", **more: object) -> dict[str, object]:
    return {"external_id": external_id, "payload": {"prompt": prompt}, **more}


def post(lab: ApiClient, batch: Batch, rows: list[object], query: str = "", **options: Any) -> Any:
    return lab.lines(f"/batches/{batch.public_id}/tasks{query}", rows, **options)


def figures(response: Any) -> tuple[int, int, int, int]:
    body = response.json()
    return body["lines"], body["accepted"], body["duplicates"], body["rejected"]


def test_lines_become_tasks_with_a_slot_for_each_answer_wanted(lab: ApiClient, batch: Batch) -> None:
    response = post(lab, batch, [line("a"), line("b", overlap=3, priority=5, tags=["dose"])])

    assert (response.status_code, figures(response)) == (200, (2, 2, 0, 0))
    a, b = Task.objects.filter(batch=batch).order_by("external_id")
    assert (a.overlap, b.overlap, b.tags) == (1, 3, ["dose"])
    assert list(Slot.objects.filter(task=b).order_by("number").values_list("number", "state", "priority")) == [
        (1, "OPEN", 5),
        (2, "OPEN", 5),
        (3, "OPEN", 5),
    ]
    assert Batch.objects.get(pk=batch.pk).state == BatchState.STAGED
    assert not StagedLine.objects.exists()


def test_content_is_sealed_under_the_project_s_key(lab: ApiClient, batch: Batch) -> None:
    post(lab, batch, [line("a", "CANARY-7391", metadata={"mine": "CANARY-7392"})])

    task = Task.objects.get(batch=batch)
    key = bytes(batch.project.data_key)
    assert b"CANARY" not in bytes(task.payload) + bytes(task.metadata or b"")
    assert orjson.loads(open_sealed(Sealed(key, bytes(task.payload), f"{task.public_id}/payload"))) == {
        "prompt": "CANARY-7391"
    }
    assert orjson.loads(open_sealed(Sealed(key, bytes(task.metadata or b""), f"{task.public_id}/metadata"))) == {
        "mine": "CANARY-7392"
    }


def test_a_bad_line_is_named_and_the_others_are_stored(lab: ApiClient, batch: Batch) -> None:
    response = post(lab, batch, [line("a"), b"{nonsense\n", line("c", zeal=1), b"\n", line("d", "")])

    assert figures(response) == (4, 1, 0, 3)
    assert [
        (error["line"], error["external_id"], error["code"], error["pointer"]) for error in response.json()["errors"]
    ] == [
        (2, "", "json", "/"),
        (3, "c", "unknown_field", "/zeal"),
        (5, "d", "too_short", "/payload/prompt"),
    ]
    assert Batch.objects.get(pk=batch.pk).state == BatchState.DRAFT


def test_all_or_nothing_stores_nothing_when_one_line_is_bad(lab: ApiClient, batch: Batch) -> None:
    response = post(lab, batch, [line("a"), line("b", "")], "?mode=all_or_nothing")

    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["errors"][0]["line"] == 2
    assert (Task.objects.filter(batch=batch).count(), StagedLine.objects.count(), IngestRun.objects.count()) == (
        0,
        0,
        0,
    )


def test_saying_the_same_again_changes_nothing(lab: ApiClient, batch: Batch) -> None:
    post(lab, batch, [line("a", tags=["t"]), line("b")])

    again = post(lab, batch, [line("b"), {"tags": ["t"], **line("a")}, line("c"), line("c")])

    assert figures(again) == (4, 1, 3, 0)
    assert Task.objects.filter(batch=batch).count() == 3


def test_another_content_under_a_known_id_is_a_conflict(lab: ApiClient, batch: Batch) -> None:
    post(lab, batch, [line("a")])

    again = post(lab, batch, [line("a", "Something else?"), line("b"), line("b", tags=["t"])])

    assert figures(again) == (3, 1, 0, 2)
    assert [(error["line"], error["code"]) for error in again.json()["errors"]] == [(1, "conflict"), (3, "conflict")]


def test_a_conflict_stops_all_or_nothing_as_well(lab: ApiClient, batch: Batch) -> None:
    post(lab, batch, [line("a")])

    again = post(lab, batch, [line("b"), line("a", "Something else?")], "?mode=all_or_nothing")

    assert again.status_code == 422
    assert list(Task.objects.filter(batch=batch).values_list("external_id", flat=True)) == ["a"]
    assert not StagedLine.objects.exists()


def test_a_json_array_is_taken_as_well(lab: ApiClient, batch: Batch) -> None:
    response = lab.post(f"/batches/{batch.public_id}/tasks", [line("a"), line("b", "")])

    assert figures(response) == (2, 1, 0, 1)
    assert response.json()["errors"][0]["line"] == 2


@pytest.mark.parametrize("rows", [[line(str(n)) for n in range(1_001)], {"a": 1}, "text"])
def test_an_array_that_is_none_or_too_long_is_refused(lab: ApiClient, batch: Batch, rows: object) -> None:
    response = lab.post(f"/batches/{batch.public_id}/tasks", rows)

    assert (response.status_code, Task.objects.filter(batch=batch).count()) == (422, 0)


def test_a_line_over_a_megabyte_is_refused_and_the_next_is_read(lab: ApiClient, batch: Batch) -> None:
    huge = orjson.dumps(line("huge", "x" * 1_100_000)) + b"\n"

    response = post(lab, batch, [line("a"), huge, huge[:700_000] + b"\n", line("b")])

    assert figures(response) == (4, 2, 0, 2)
    assert [error["code"] for error in response.json()["errors"]] == ["too_large", "json"]


def test_lines_cross_chunks_unharmed(lab: ApiClient, batch: Batch) -> None:
    rows: list[object] = [line(f"task-{number}", "é" * (number % 700) + "?") for number in range(1_500)]

    response = post(lab, batch, rows)

    assert figures(response) == (1_500, 1_500, 0, 0)


def test_more_than_the_most_lines_is_refused_whole(
    lab: ApiClient, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.api.bodies.MAX_LINES", 3)

    response = post(lab, batch, [line(str(number)) for number in range(4)])

    assert (response.status_code, response.json()["code"]) == (413, "too_large")
    assert (Task.objects.filter(batch=batch).count(), StagedLine.objects.count()) == (0, 0)


def test_a_body_cut_short_leaves_nothing(lab: ApiClient, batch: Batch) -> None:
    raw = orjson.dumps(line("a")) + b"\n"
    extra: dict[str, Any] = {"CONTENT_LENGTH": str(len(raw) + 500), "wsgi.input": BytesIO(raw)}

    response = lab.client.generic(
        "POST",
        f"/api/v1/batches/{batch.public_id}/tasks",
        raw,
        content_type="application/x-ndjson",
        HTTP_AUTHORIZATION=f"Bearer {lab.text}",
        **extra,
    )

    assert (response.status_code, response.json()["code"]) == (400, "unreadable_body")
    assert (Task.objects.filter(batch=batch).count(), StagedLine.objects.count()) == (0, 0)


def test_a_batch_that_drains_takes_no_more(lab: ApiClient, world: World) -> None:
    publishing.drain_batch(world.batch, by=world.owner, now=NOW)

    response = post(lab, world.batch, [line("late")])

    assert (response.status_code, response.json()["code"]) == (409, "batch_takes_no_tasks")


def test_a_running_batch_takes_more(lab: ApiClient, world: World) -> None:
    response = post(lab, world.batch, [line("more")])

    assert figures(response) == (1, 1, 0, 0)


def test_a_repeated_key_posts_once_and_answers_the_same(lab: ApiClient, batch: Batch) -> None:
    first = post(lab, batch, [line("a"), line("b", "")], key="nightly-1")
    again = post(lab, batch, [line("a"), line("b", "")], key="nightly-1")
    other = post(lab, batch, [line("c")], key="nightly-1")

    assert (again.status_code, again.content, again.headers["Idempotent-Replayed"]) == (200, first.content, "true")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Task.objects.filter(batch=batch).count() == 1


def test_a_refused_posting_gives_its_key_back(lab: ApiClient, batch: Batch) -> None:
    post(lab, batch, [line("a", "")], "?mode=all_or_nothing", key="k")

    again = post(lab, batch, [line("a")], "?mode=all_or_nothing", key="k")

    assert figures(again) == (1, 1, 0, 0)


def test_lines_lost_from_staging_are_noticed(world: World, batch: Batch) -> None:
    run = ingest.open_ingest(batch, ingest_mode="partial", key="", by=world.owner, now=NOW)
    run.staged = 5

    with pytest.raises(LostRace):
        ingest.merge_ingest(run, ingest.Tally(lines=5), by=world.owner, now=NOW)


def test_a_posting_that_broke_off_is_swept(world: World, batch: Batch) -> None:
    run = ingest.open_ingest(batch, ingest_mode="partial", key="", by=world.owner, now=NOW)
    fresh = ingest.open_ingest(batch, ingest_mode="partial", key="", by=world.owner, now=NOW + timedelta(minutes=14))
    StagedLine.objects.create(
        id=run.pk, run_id=run.pk, line=1, external_id="a", payload=b"x", payload_sha256=b"x", overlap=1, priority=0
    )

    swept = ingest.sweep_ingest(NOW + timedelta(minutes=16))

    assert (swept, StagedLine.objects.count()) == (1, 0)
    assert list(IngestRun.objects.values_list("pk", flat=True)) == [fresh.pk]


def test_a_test_key_does_not_find_a_live_batch(world: World, batch: Batch) -> None:
    lab = make_client(world.lab, world.owner, mode="test")

    response = post(lab, batch, [line("a")])

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_the_real_clinicians_are_posted_in_one_request(world: World) -> None:
    path = DATA / "clinicians-factuality.ndjson"
    if not path.exists():
        pytest.skip("The folder of real inputs is not beside this repository.")
    values = {"kind": "factuality", "name": "Facts", "code_name": "Harbour", "domain": world.project.domain}
    settings = {"tier_min": 3, "agreement": world.project.agreement, "expected_seconds": 600, **values}
    project = publishing.create_project(world.lab, mode="live", values=settings, by=world.owner, now=NOW)
    batch = publishing.create_batch(project, name="All", by=world.owner, now=NOW)

    response = post(make_client(world.lab, world.owner), batch, [path.read_bytes()])

    assert figures(response) == (1_000, 1_000, 0, 0)
    assert Task.objects.filter(batch=batch).count() == Slot.objects.filter(batch=batch).count() == 1_000


def test_a_summary_names_its_run_and_batch(lab: ApiClient, batch: Batch) -> None:
    body = post(lab, batch, [line("a")]).json()

    assert (body["batch"], body["mode"], body["errors"]) == (batch.public_id, "partial", [])
    assert IngestRun.objects.get(pk=decode_id("ing", body["id"])).accepted == 1
