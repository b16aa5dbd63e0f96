"""What strangers send to each field of the API: named and refused, never a 5xx, and nothing half-written."""

from __future__ import annotations

import json

import pytest
from django.apps import apps
from django.db import connection

from tasks.models import Project, Task
from tests.bad_input import (
    BAD_BODIES,
    BAD_IDS,
    BAD_INTEGERS,
    BAD_NAMES,
    BAD_TEXTS,
    BAD_TIMES,
    NUL,
    SURROGATE,
    WRONG_TYPES,
)
from tests.labs.factories import ApiClient, make_client
from tests.tasks.factories import World, make_lab, make_world, submitted

pytestmark = pytest.mark.django_db

PROJECT: dict[str, object] = {
    "name": "Bedside",
    "code_name": "Saltmarsh",
    "kind": "demonstration",
    "domain": "psychiatry",
    "tier_min": 3,
    "expected_seconds": 600,
}
NAMES = {"name", "code_name", "domain", "agreement", "kind", "currency", "review_policy", "assignment"}
TEXTS = {"description"}
CAPS = {"beyond_int4", "null"}  # A cap may be as large as that, or none.
LISTS = {"credential_classes", "languages", "countries", "content_flags", "jurisdictions_wanted"}
NUMBERS = {"tier_min", "tier_max", "expected_seconds", "cap_seconds", "overlap_max", "review_share_bps", "seat_minutes"}
WRITTEN = ("tasks.Project", "tasks.Batch", "tasks.Task", "tasks.Slot", "tasks.StagedLine", "tasks.IngestRun",
           "tasks.Export", "tasks.Review", "tasks.GuidelineVersion", "agreements.Agreement",
           "agreements.AgreementVersion", "payments.Posting", "labs.Event", "accounts.AuditEvent")  # fmt: skip


@pytest.fixture
def world() -> World:
    return make_world(tasks=1)


@pytest.fixture
def lab(world: World) -> ApiClient:
    return make_client(world.lab, world.owner)


def dumped(value: object) -> bytes:
    return json.dumps(value).encode()


def rows() -> dict[str, int]:
    return {name: apps.get_model(name).objects.count() for name in WRITTEN}


def refused(lab: ApiClient, path: str, body: object, *, method: str = "post", pointer: str = "") -> None:
    """Send it and see it refused by name, with nothing written."""
    before = rows()

    answer = lab.send(method, path, body if isinstance(body, bytes) else dumped(body))

    assert answer.status_code in (400, 413, 415, 422), (answer.status_code, answer.content[:500])
    assert rows() == before
    if pointer and answer.status_code == 422 and "errors" in answer.json():
        named = [error["pointer"] for error in answer.json()["errors"]]
        assert any(one == "/" or one.startswith(pointer) for one in named), named


def bad_values(field: str) -> list[object]:
    if field in NUMBERS:
        return list(BAD_INTEGERS.values())
    if field in LISTS:
        lists: list[object] = [[NUL], [SURROGATE], ["a", "a"], [["a"]], ["x" * 100], [str(n) for n in range(500)]]
        return [*lists, "en", {}]
    return [*(BAD_NAMES if field in NAMES else BAD_TEXTS).values(), *WRONG_TYPES.values()]


@pytest.mark.parametrize("field", sorted(NAMES | TEXTS | NUMBERS | LISTS))
def test_a_project_s_field(world: World, lab: ApiClient, field: str) -> None:
    good = {**PROJECT, "agreement": world.project.agreement.public_id}

    for value in bad_values(field):
        refused(lab, "/projects", {**good, field: value}, pointer=f"/{field}")
        refused(lab, f"/projects/{world.project.public_id}", {field: value}, method="patch", pointer=f"/{field}")


@pytest.mark.parametrize(
    "path", ["/projects", "/agreements", "/exports", "/batches/{batch}:cancel", "/batches/{batch}/tasks"]
)
def test_a_body(world: World, lab: ApiClient, path: str) -> None:
    bodies = {name: raw for name, raw in BAD_BODIES.items() if raw or not path.endswith(":cancel")}

    for raw in bodies.values():
        refused(lab, path.format(batch=world.batch.public_id), raw)


def test_a_line_of_a_posting(world: World, lab: ApiClient) -> None:
    path = f"/batches/{world.batch.public_id}/tasks?mode=all_or_nothing"

    for name, raw in BAD_BODIES.items():
        before = rows()
        answer = lab.lines(path, [raw.replace(b"\n", b"") + b"\n"])

        assert answer.status_code == (422 if raw else 200), (name, answer.content[:300])
        if raw:
            assert {error["line"] for error in answer.json()["errors"]} <= {1, 2}
            assert rows() == before


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("external_id", [*BAD_NAMES.values(), *WRONG_TYPES.values(), ""]),
        ("payload", [None, "x", [], {}, {"prompt": NUL}, {"prompt": SURROGATE}, {"prompt": 7}]),
        ("tags", ["t", [NUL], [""], [7], ["t"] * 2, [str(n) for n in range(51)]]),
        ("metadata", ["x", [], 1, {"a": NUL}, {"a": 2**53 + 1}, {NUL: 1}]),
        ("gold", ["x", {}, {"answer": ""}, {"answer": 7}]),
        ("overlap", [0, 99, *BAD_INTEGERS.values()]),
        ("priority", [value for value in BAD_INTEGERS.values() if value != -1]),
        ("colour", ["red"]),
    ],
)
def test_a_field_of_a_line(world: World, lab: ApiClient, field: str, values: list[object]) -> None:
    before = rows()

    for value in values:
        row = {"external_id": "a", "payload": {"prompt": "?"}, field: value}
        answer = lab.lines(f"/batches/{world.batch.public_id}/tasks?mode=all_or_nothing", [dumped(row) + b"\n"])

        assert answer.status_code == 422, (value, answer.content[:300])
        assert {error["line"] for error in answer.json()["errors"]} == {1}
        assert len(answer.content) < 20_000
    assert rows() == before


@pytest.mark.parametrize(
    ("path", "field", "values"),
    [
        ("/agreements", "title", {**BAD_NAMES, **WRONG_TYPES}),
        ("/agreements", "code_name", {**BAD_NAMES, **WRONG_TYPES}),
        ("/agreements/{agreement}/versions", "text", {**BAD_TEXTS, **WRONG_TYPES, "blank": " "}),
        ("/agreements/{agreement}/versions", "note", {**BAD_TEXTS, **WRONG_TYPES}),
        ("/agreements/{agreement}/versions", "urgent", {"text": "yes", "number": 1, "null": None}),
        ("/projects/{project}/guidelines", "text", {**BAD_TEXTS, **WRONG_TYPES, "blank": " "}),
        ("/projects/{project}/guidelines", "note", {**BAD_TEXTS, **WRONG_TYPES}),
        ("/projects/{project}/batches", "name", {**BAD_NAMES, **WRONG_TYPES}),
        ("/projects/{project}/batches", "priority", {n: v for n, v in BAD_INTEGERS.items() if n != "negative"}),
        ("/projects/{project}/batches", "cap_minor", {n: v for n, v in BAD_INTEGERS.items() if n not in CAPS}),
        ("/projects/{project}/batches", "due_at", {n: v for n, v in BAD_TIMES.items() if n != "null"}),
        ("/projects/{project}/batches", "tasks", {"text": "x", "object": {}, "number": 7, "null": None, "lines": [1]}),
        ("/projects/{project}/budget:allocate", "amount", {**WRONG_TYPES, "minor": {"amount_minor": 1}}),
        ("/batches/{batch}:cancel", "reason", {**BAD_TEXTS, **WRONG_TYPES}),
        ("/exports", "shape", {**BAD_NAMES, **WRONG_TYPES}),
        ("/exports", "format", {**BAD_NAMES, **WRONG_TYPES}),
        ("/exports", "project", {**BAD_NAMES, **WRONG_TYPES, **BAD_IDS}),
        ("/exports", "since", {**BAD_NAMES, **WRONG_TYPES, **BAD_IDS}),
    ],
)
def test_every_other_field(world: World, lab: ApiClient, path: str, field: str, values: dict[str, object]) -> None:
    good: dict[str, dict[str, object]] = {
        "/agreements": {"title": "NDA", "code_name": "Heron"},
        "/agreements/{agreement}/versions": {"text": "# NDA"},
        "/projects/{project}/guidelines": {"text": "# Rules"},
        "/projects/{project}/batches": {"name": "Night"},
        "/exports": {"project": world.project.public_id, "shape": "sft"},
    }
    at = path.format(
        project=world.project.public_id, batch=world.batch.public_id, agreement=world.project.agreement.public_id
    )

    for value in values.values():
        refused(lab, at, {**good.get(path, {}), field: value}, pointer=f"/{field}")


@pytest.mark.parametrize("path", ["/batches/{batch}", "/tasks/{task}"])
def test_a_priority_that_is_changed(world: World, lab: ApiClient, path: str) -> None:
    task = Task.objects.get(batch=world.batch)
    at = path.format(batch=world.batch.public_id, task=task.public_id)

    for name, value in BAD_INTEGERS.items():
        if name != "negative":
            refused(lab, at, {"priority": value}, method="patch", pointer="/priority")
    for raw in BAD_BODIES.values():
        if raw:
            refused(lab, at, raw, method="patch")


@pytest.mark.parametrize("value", [NUL, "", "x" * 201, "' OR 1=1 --", "\u202e", "%"])
def test_what_a_list_of_tasks_is_filtered_by(world: World, lab: ApiClient, value: str) -> None:
    for name in ("state", "tag", "external_id", "expand"):
        answer = lab.get(f"/batches/{world.batch.public_id}/tasks", **{name: value})

        assert answer.status_code == 422 or answer.json()["data"] == []


def test_an_amount_of_money(world: World, lab: ApiClient) -> None:
    path = f"/projects/{world.project.public_id}/budget:allocate"

    for amount in (value for name, value in BAD_INTEGERS.items() if name != "beyond_int4"):  # An amount one may own.
        refused(lab, path, {"amount": {"amount_minor": amount, "currency": "USD"}}, pointer="/amount")
    for currency in [*BAD_NAMES.values(), *WRONG_TYPES.values(), "usd", "EUR", "XTS", "US"]:
        refused(lab, path, {"amount": {"amount_minor": 100, "currency": currency}}, pointer="/amount")


def test_an_id_in_a_path_or_a_parameter(lab: ApiClient) -> None:
    for text in BAD_IDS.values():
        in_path = lab.get(f"/tasks/{text}")
        in_query = lab.get("/submissions", task=text)

        assert (in_path.status_code, in_query.status_code) == (404, 422)


@pytest.mark.parametrize("value", [NUL, "x" * 5_000, "é", "' OR 1=1 --", "\u202e"])
def test_a_parameter(world: World, lab: ApiClient, value: str) -> None:
    for path in ("/projects", "/batches", "/submissions", "/exports", "/events"):
        for name in ("limit", "cursor", "state", "after", "expand", value):
            assert lab.get(path, **{name: value}).status_code == 422
    found = lab.get(f"/batches/{world.batch.public_id}/tasks", external_id=value)
    assert found.status_code == 422 or found.json()["data"] == []


def test_a_verdict_s_fields() -> None:
    world = make_world(tasks=1)
    lab = make_client(world.lab, world.owner)
    submission = submitted(world)
    path = f"/submissions/{submission.public_id}"

    for value in (*BAD_TEXTS.values(), *WRONG_TYPES.values(), "short"):
        refused(lab, f"{path}:reject", {"category": "incorrect", "notes": value}, pointer="/notes")
    for value in (*BAD_NAMES.values(), *WRONG_TYPES.values()):
        refused(lab, f"{path}:reject", {"category": value, "notes": "x" * 100}, pointer="/category")
    for value in (*WRONG_TYPES.values(), {"answer": NUL}, {"answer": SURROGATE}, {"answer": "a", "b": 1}):
        refused(lab, f"{path}:fix", {"response": value})
    for verb in ("accept", "fix", "reject"):
        refused(lab, f"{path}:{verb}", {"colour": "red"}, pointer="/colour")


def test_every_field_of_every_table_is_refused_where_it_is_not_listed(world: World, lab: ApiClient) -> None:
    listed = {*PROJECT, *NAMES, *TEXTS, *LISTS, *NUMBERS}
    names = {field.attname for model in apps.get_models() for field in model._meta.concrete_fields} - listed

    answer = lab.patch(f"/projects/{world.project.public_id}", dict.fromkeys(sorted(names), 1))

    assert answer.status_code == 422
    assert Project.objects.filter(pk=world.project.pk).values().get()["lab_id"] == world.lab.pk
    unknown = {error["pointer"] for error in answer.json()["errors"] if error["code"] == "unknown_field"}
    assert {"/id", "/lab_id", "/mode", "/state", "/data_key", "/allowance_bps", "/closeout_minutes"} <= unknown


def test_what_was_refused_left_every_list_readable(world: World, lab: ApiClient) -> None:
    for path in ("/projects", "/batches", "/agreements", "/submissions", "/exports", "/events"):
        assert lab.get(path).status_code == 200
    assert make_client(make_lab("Eve's")[0]).get("/projects").json()["data"] == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tasks_stagedline")
        assert cursor.fetchone() == (0,)
