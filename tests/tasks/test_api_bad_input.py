"""What strangers send in lines, currencies and answers: refused by name, and nothing half-written.

Every field of every body, as the API's description names them, is tried in tests/doors/test_api_bad_input.py.
"""

from __future__ import annotations

import json

import pytest
from django.apps import apps

from tests.bad_input import BAD_BODIES, BAD_INTEGERS, BAD_NAMES, NUL, SURROGATE, WRONG_TYPES
from tests.labs.factories import ApiClient, make_client
from tests.tasks.factories import World, make_world, submitted

pytestmark = pytest.mark.django_db

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


def refused(lab: ApiClient, path: str, body: object, *, pointer: str) -> None:
    """Send it and see it refused by name, with nothing written."""
    before = rows()

    answer = lab.send("post", path, dumped(body))

    assert (answer.status_code, rows()) == (422, before)
    assert {error["pointer"][: len(pointer)] for error in answer.json()["errors"]} == {pointer}


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


@pytest.mark.parametrize("currency", ["usd", "EUR", "XTS", "US"])
def test_money_of_another_currency(world: World, lab: ApiClient, currency: str) -> None:
    path = f"/projects/{world.project.public_id}/budget:allocate"

    refused(lab, path, {"amount": {"amount_minor": 100, "currency": currency}}, pointer="/amount")


@pytest.mark.parametrize(
    "value", [*WRONG_TYPES.values(), {"answer": NUL}, {"answer": SURROGATE}, {"answer": "a", "b": 1}]
)
def test_a_version_of_the_lab_s_own_that_is_no_answer(world: World, lab: ApiClient, value: object) -> None:
    submission = submitted(world)

    refused(lab, f"/submissions/{submission.public_id}:fix", {"response": value}, pointer="/response")
