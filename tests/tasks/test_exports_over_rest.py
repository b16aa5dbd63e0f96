"""Exports over REST: formats, downloads that go on, manifests, schemas, and increments that neither miss nor repeat."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from typing import Any

import jsonschema_rs
import orjson
import pyarrow.parquet as pq
import pytest

from accounts.models import OutboxItem
from accounts.outbox import drain
from agreements.models import ContentAccess
from kernel.db import app_now
from tasks.actions import exporting
from tasks.actions.reviews import lab_accept
from tasks.exports.files import path_of
from tasks.models import Export, Submission
from tests.labs.factories import ApiClient, make_client
from tests.races.threads import at_once
from tests.tasks.factories import NOW, World, make_project, make_world, submitted

ONE_AT_A_TIME = pytest.mark.django_db
HOUR = timedelta(hours=1)
WITH_COMMITS = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    return make_world(tasks=6, experts=6)


@pytest.fixture
def lab(world: World) -> ApiClient:
    return make_client(world.lab, world.owner)


def hand_in_all(world: World) -> list[Submission]:
    """Let every expert hand one answer in."""
    return [submitted(world, expert=expert, now=NOW) for expert in world.experts]


def accept(world: World, *submissions: Submission) -> None:
    for submission in submissions:
        lab_accept(submission, by=world.owner, now=app_now())


def export(lab: ApiClient, world: World, **wanted: str) -> dict[str, Any]:
    """Ask for an export of the project, or of one batch, let it be made, and return it."""
    of = {} if "batch" in wanted else {"project": world.project.public_id}
    asked = lab.post("/exports", {**of, "shape": "sft", **wanted})
    assert asked.status_code == 202, asked.content
    drain()
    made: dict[str, Any] = lab.get(f"/exports/{asked.json()['id']}").json()
    return made


def download(lab: ApiClient, made: dict[str, Any], **headers: str) -> Any:
    return lab.client.get(f"/api/v1/exports/{made['id']}/download", headers=headers, **lab._headers())


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def names(raw: bytes) -> list[str]:
    return [orjson.loads(line)["submission_id"] for line in raw.splitlines()]


@ONE_AT_A_TIME
def test_parquet_holds_the_rows_that_json_lines_hold(world: World, lab: ApiClient) -> None:
    accept(world, *hand_in_all(world)[:3])

    lines = body(download(lab, export(lab, world)))
    answer = download(lab, export(lab, world, format="parquet"))

    table = pq.read_table(io.BytesIO(body(answer)))
    assert answer.headers["Content-Type"] == "application/vnd.apache.parquet"
    assert table.column("submission_id").to_pylist() == names(lines)
    assert table.column("messages").to_pylist() == [orjson.loads(line)["messages"] for line in lines.splitlines()]


@ONE_AT_A_TIME
def test_every_exported_row_fits_its_published_schema(world: World, lab: ApiClient) -> None:
    accept(world, *hand_in_all(world)[:2])
    made = export(lab, world)

    schemas = {each["schema_id"]: each["schema"] for each in lab.get("/schemas").json()}

    rows = [orjson.loads(line) for line in body(download(lab, made)).splitlines()]
    assert len(rows) == 2
    assert [list(jsonschema_rs.validator_for(schemas[made["schema_id"]]).iter_errors(row)) for row in rows] == [[], []]


@ONE_AT_A_TIME
def test_a_download_goes_on_where_it_broke_off(world: World, lab: ApiClient) -> None:
    accept(world, *hand_in_all(world)[:3])
    made = export(lab, world)
    whole = download(lab, made)
    plain, etag = body(whole), whole.headers["ETag"]

    rest = download(lab, made, range="bytes=100-", if_range=etag)

    assert (rest.status_code, rest.headers["Content-Range"]) == (206, f"bytes 100-{len(plain) - 1}/{len(plain)}")
    assert body(rest) == plain[100:]
    assert int(rest.headers["Content-Length"]) == len(plain) - 100


@ONE_AT_A_TIME
def test_a_range_of_another_file_brings_the_whole(world: World, lab: ApiClient) -> None:
    accept(world, *hand_in_all(world)[:1])
    made = export(lab, world)

    answer = download(lab, made, range="bytes=100-", if_range='"another"')

    assert (answer.status_code, hashlib.sha256(body(answer)).hexdigest()) == (200, made["sha256"])


@ONE_AT_A_TIME
def test_a_range_past_the_end_is_told_the_size(world: World, lab: ApiClient) -> None:
    accept(world, *hand_in_all(world)[:1])
    made = export(lab, world)

    answer = download(lab, made, range=f"bytes={made['size_bytes']}-")

    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{made['size_bytes']}")


@ONE_AT_A_TIME
def test_each_download_leaves_one_access_row(world: World, lab: ApiClient) -> None:
    accept(world, *hand_in_all(world)[:2])
    made = export(lab, world)

    body(download(lab, made))
    body(download(lab, made, range="bytes=0-9"))

    rows = ContentAccess.objects.filter(subject=made["id"], purpose="download")
    assert list(rows.values_list("count", flat=True)) == [2, 2]


@ONE_AT_A_TIME
def test_a_manifest_says_what_the_file_holds(world: World, lab: ApiClient) -> None:
    accept(world, *hand_in_all(world)[:2])
    made = export(lab, world, format="parquet")

    manifest = lab.get(f"/exports/{made['id']}/manifest").json()

    plain = body(download(lab, made))
    assert manifest["files"] == [
        {
            "name": f"{made['id']}.parquet",
            "format": "parquet",
            "rows": 2,
            "size_bytes": len(plain),
            "sha256": hashlib.sha256(plain).hexdigest(),
        }
    ]
    assert (manifest["schema_id"], manifest["kind"], manifest["kind_version"]) == (
        made["schema_id"],
        "demonstration",
        1,
    )
    assert (manifest["since"], manifest["next_since"]) == (None, made["next_since"])


@ONE_AT_A_TIME
def test_an_unfinished_export_has_no_manifest(world: World, lab: ApiClient) -> None:
    asked = lab.post("/exports", {"project": world.project.public_id, "shape": "sft"}).json()

    answer = lab.get(f"/exports/{asked['id']}/manifest")

    assert (answer.status_code, answer.json()["code"]) == (409, "export_not_ready")


@ONE_AT_A_TIME
def test_the_next_export_holds_what_the_one_before_did_not(world: World, lab: ApiClient) -> None:
    handed_in = hand_in_all(world)
    accept(world, *handed_in[:2])
    first = export(lab, world)
    accept(world, *handed_in[2:])

    second = export(lab, world, since=first["next_since"])
    third = export(lab, world, since=second["next_since"])

    assert names(body(download(lab, first))) == [each.public_id for each in handed_in[:2]]
    assert names(body(download(lab, second))) == [each.public_id for each in handed_in[2:]]
    assert (third["rows"], second["since"]) == (0, first["next_since"])


@ONE_AT_A_TIME
@pytest.mark.parametrize("since", ["since_", "since_xyz", "2026-11-02T00:00:00Z", "since_" + "f" * 16, "evt_1"])
def test_what_is_no_cursor_is_refused_by_name(world: World, lab: ApiClient, since: str) -> None:
    answer = lab.post("/exports", {"project": world.project.public_id, "shape": "sft", "since": since})

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/since")


@ONE_AT_A_TIME
def test_an_export_whose_job_was_given_up_has_failed_and_says_what_to_do(world: World, lab: ApiClient) -> None:
    asked = lab.post("/exports", {"project": world.project.public_id, "shape": "sft"}).json()
    OutboxItem.objects.filter(kind="tasks.make_export").update(dead_at=NOW)

    exporting.fail_given_up(NOW)

    shown = lab.get(f"/exports/{asked['id']}").json()
    assert (shown["state"], shown["reason"]) == ("FAILED", exporting.GAVE_UP)
    assert lab.get(f"/exports/{asked['id']}/download").status_code == 409


@ONE_AT_A_TIME
def test_a_file_is_taken_back_after_thirty_days(world: World, lab: ApiClient) -> None:
    made = export(lab, world)
    path = path_of(Export.objects.get().file_name)

    expired = [exporting.expire_old(app_now() + exporting.KEPT + apart, 10) for apart in (-HOUR, HOUR)]

    assert (expired, path.exists()) == ([0, 1], False)
    answer = lab.get(f"/exports/{made['id']}/download")
    assert (answer.status_code, answer.json()["code"]) == (410, "export_gone")


@ONE_AT_A_TIME
def test_a_file_that_was_left_behind_is_taken_back_the_next_time(world: World, lab: ApiClient) -> None:
    export(lab, world)
    path = path_of(Export.objects.get().file_name)
    Export.objects.update(state="EXPIRED")

    taken = [exporting.expire_old(NOW, 10) for _ in range(2)]

    assert (taken, path.exists()) == ([1, 0], False)


@ONE_AT_A_TIME
def test_a_file_that_ends_early_breaks_the_download(world: World, lab: ApiClient) -> None:
    accept(world, *hand_in_all(world))
    made = export(lab, world)
    path_of(Export.objects.get().file_name).write_bytes(b"")

    with pytest.raises(OSError, match=f"ends {made['size_bytes']} bytes early"):
        body(download(lab, made))


@ONE_AT_A_TIME
def test_a_file_that_is_missing_is_told_before_anything_is_sent(world: World, lab: ApiClient) -> None:
    made = export(lab, world)
    path_of(Export.objects.get().file_name).unlink()

    answer = lab.get(f"/exports/{made['id']}/download")

    assert (answer.status_code, answer.json()["code"]) == (410, "export_gone")


@ONE_AT_A_TIME
def test_a_cursor_goes_on_with_its_own_project_or_batch_only(world: World, lab: ApiClient) -> None:
    accept(world, *hand_in_all(world))
    other = make_project(world.lab, world.owner, domain=world.project.domain, version=world.version)
    of_batch = export(lab, world, batch=world.batch.public_id)["next_since"]
    of_project = export(lab, world)["next_since"]
    wrong = [
        {"project": world.project.public_id, "since": of_batch},
        {"batch": world.batch.public_id, "since": of_project},
        {"project": other.public_id, "since": of_project},
    ]

    answers = [lab.post("/exports", {**body, "shape": "canonical"}) for body in wrong]

    assert [(each.status_code, each.json()["errors"][0]["code"]) for each in answers] == [(422, "not_yours")] * 3


@WITH_COMMITS
def test_increments_beside_acceptances_miss_nothing_and_repeat_nothing(world: World, lab: ApiClient) -> None:
    handed_in = hand_in_all(world)
    exported: list[str] = []

    def follow(_: object) -> None:
        since = ""
        for _ in range(12):
            made = export(lab, world, **({"since": since} if since else {}))
            exported.extend(names(body(download(lab, made))))
            since = made["next_since"]

    outcomes = at_once(lambda part: follow(part) if part is None else accept(world, part), [None, *handed_in])
    assert [outcome for outcome in outcomes if isinstance(outcome, Exception)] == []
    assert sorted(exported) == sorted(each.public_id for each in handed_in)
