"""What strangers send to every field that the API describes: refused by name, and nothing breaks or changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.apps import apps
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from labs.doors import throttles
from labs.models import Lab
from tasks.kinds.schemas import MAX_ERRORS
from tests.bad_input import BAD_BODIES, BAD_IDS, NUL
from tests.doors.described import Field, Operation, fields, operations, public_ids, resolved
from tests.doors.world import Doors
from tests.labs.factories import ApiClient
from tests.tasks.factories import pay_in

pytestmark = pytest.mark.django_db

OPERATIONS = operations()
# Bytes are uploaded, and what comes with a DELETE means nothing.
CHANGING = [each for each in OPERATIONS if each.method in {"post", "patch"} and each.name != "upload_file"]
WRITING = [each for each in CHANGING if each.body]
LISTS = [each for each in OPERATIONS if each.name.startswith("list_")]
FIELDS = [(each, field) for each in WRITING for field in fields(each.body or {})]
OBJECTS = [(each, field) for each, field in FIELDS if field.properties is not None]
PARAMETERS = [(each, parameter) for each in OPERATIONS for parameter in each.parameters]
WORDS = [NUL, "x" * 5_000, "' OR 1=1 --", "\u202e", "%", "é", "-1", "99999999999999999999", "null"]
# Written by whoever calls, refused or not.
NOTED = ("accounts_auditevent", "labs_apikey", "labs_idempotencyrecord")

MONEY: dict[str, Any] = {"amount_minor": 100_00, "currency": "USD"}
NOTES = "The advice names the wrong hour for the level, and its own correction contradicts that afterwards, twice over."
LINE = {"external_id": "a", "payload": {"prompt": "When?"}, "metadata": {}, "tags": []}
GOOD: dict[str, Any] = {
    "create_webhook": {"url": "https://lab.invalid/second"},
    "update_webhook": {"description": "Second"},
    "create_key": {"label": "Second", "scopes": ["results:read"]},
    "update_key": {"allowed_networks": ["127.0.0.0/8"]},
    "create_funding": {"amount": MONEY, "method": "invoice"},
    "create_agreement": {"title": "NDA", "code_name": "Heron"},
    "draft_agreement_version": {"text": "# NDA"},
    "create_project": {
        "name": "Bedside", "code_name": "Heron", "kind": "demonstration", "domain": "psychiatry", "tier_min": 3,
        "expected_seconds": 600,
    },
    "update_project": {"name": "Bedside"},
    "publish_guideline": {"text": "# Rules"},
    "answer_question": {"text": "Since Monday."},
    "allocate_budget": {"amount": MONEY},
    "deallocate_budget": {"amount": MONEY},
    "create_batch": {"name": "Night", "tasks": [LINE]},
    "update_batch": {"priority": 1},
    "cancel_batch": {},
    "post_tasks": [LINE],
    "update_task": {"priority": 1},
    "fix_submission": {"response": {"answer": "Twelve hours.", "citations": []}},
    "reject_submission": {"category": "incorrect", "notes": NOTES},
    "create_export": {"shape": "sft"},
    "open_case": {"words": NOTES},
    "appeal_case": {"words": NOTES},
}  # fmt: skip
# What a case is about has to be decided first: tests/tasks/test_views_cases.py.
NOT_YET = {"open_case", "appeal_case"}


@pytest.fixture(autouse=True)
def no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a key call as fast as it can."""
    monkeypatch.setattr(throttles, "BURST", 1_000_000)


@pytest.fixture
def lab(doors: Doors) -> ApiClient:
    return ApiClient(doors.keys["lee"])


def good_body(operation: Operation, doors: Doors) -> Any:
    """Return a body that is taken."""
    ids = public_ids(doors)
    named = {
        "create_project": {"agreement": ids["agreement_id"]},
        "create_export": {"project": ids["project_id"]},
        "open_case": {"submission": ids["submission_id"]},
    }
    body = GOOD[operation.name]
    return body | named.get(operation.name, {}) if isinstance(body, dict) else body


def send(lab: ApiClient, operation: Operation, doors: Doors, body: object) -> Any:
    """Send a body to an operation; what it posts is wanted whole."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    query = "?mode=all_or_nothing" if operation.name == "post_tasks" else ""
    return lab.send(operation.method, operation.address(doors) + query, raw)


def pointers(answer: Any) -> set[str]:
    """Return the places that a refusal names."""
    return {error["pointer"] for error in answer.json().get("errors", [])}


def all_rows() -> dict[str, str]:
    """Return a hash of each table's rows."""
    # A model that other tests made for themselves has no table here.
    ours = [model for model in apps.get_models() if not model.__module__.startswith("tests.")]
    tables = {model._meta.db_table for model in ours} - {*NOTED}
    question = " UNION ALL ".join(
        f"SELECT '{table}', coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '') FROM {table} t"  # noqa: S608  # Ours.
        for table in sorted(tables)
    )
    with connection.cursor() as cursor:
        cursor.execute(question)
        return dict(cursor.fetchall())


@pytest.fixture(scope="module")
def rows_before(doors: Doors, django_db_blocker: DjangoDbBlocker) -> dict[str, str]:
    """Return what stands in the world: each test finds it so, for what tests write is rolled back."""
    with django_db_blocker.unblock():
        return all_rows()


@pytest.fixture
def unchanged(db: None, rows_before: dict[str, str]) -> Iterator[None]:
    """See afterwards that no row changed: so every list is as it was."""
    yield
    assert all_rows() == rows_before


def named(pairs: list[tuple[Operation, Any]]) -> list[str]:
    """Name cases by operation and place."""
    return [f"{operation.name}:{getattr(place, 'pointer', None) or '/'}" for operation, place in pairs]


@pytest.mark.parametrize("operation", WRITING, ids=lambda each: each.name)
def test_a_good_body_is_taken(operation: Operation, doors: Doors, lab: ApiClient) -> None:
    pay_in(Lab.objects.get(pk=doors.ids["lab_id"]), MONEY["amount_minor"], currency="USD")

    answer = send(lab, operation, doors, good_body(operation, doors))

    assert answer.status_code in ({409} if operation.name in NOT_YET else {200, 201, 202}), answer.content
    assert [each.name for each in LISTS if lab.get(each.address(doors)).status_code != 200] == []


@pytest.mark.parametrize(("operation", "field"), FIELDS, ids=named(FIELDS))
def test_a_wrong_value_is_refused_where_it_stands(
    operation: Operation, field: Field, doors: Doors, lab: ApiClient, unchanged: None
) -> None:
    good = good_body(operation, doors)

    answers = {
        name: send(lab, operation, doors, field.put(good, value)) for name, value in field.wrong_values().items()
    }

    found = {name: (answer.status_code, answer.content[:200]) for name, answer in answers.items()}
    assert {name: said for name, said in found.items() if said[0] not in {400, 413, 422}} == {}
    told = {name: pointers(answer) for name, answer in answers.items() if answer.status_code == 422}
    assert {name: where for name, where in told.items() if not is_named(field, name, where)} == {}


@pytest.mark.parametrize(("operation", "place"), OBJECTS, ids=named(OBJECTS))
def test_no_field_is_taken_that_is_not_described(
    operation: Operation, place: Field, doors: Doors, lab: ApiClient, unchanged: None
) -> None:
    known = set(place.properties or {})
    columns = {field.attname for model in apps.get_models() for field in model._meta.concrete_fields}
    shown = {name for status in ("200", "201", "202") for name in shown_by(operation, status)}
    odd = {"__proto__", "constructor", "id[]", "owner.id", *(name.upper() for name in known)}
    unknown = sorted((columns | shown | odd) - known)
    good = good_body(operation, doors)
    size = MAX_ERRORS if place.told_as != place.pointer else len(unknown)
    parts = [dict.fromkeys(unknown[at : at + size], 1) for at in range(0, len(unknown), size)]

    answers = [send(lab, operation, doors, place.put(good, {**inside(good, place), **part})) for part in parts]

    assert {answer.status_code for answer in answers} == {422}
    errors = [error for answer in answers for error in answer.json()["errors"] if error["code"] == "unknown_field"]
    assert {error["pointer"] for error in errors} == {f"{place.told_as}/{name}" for name in unknown}


@pytest.mark.parametrize("operation", CHANGING, ids=lambda each: each.name)
def test_a_body_that_is_no_object_is_refused(
    operation: Operation, doors: Doors, lab: ApiClient, unchanged: None
) -> None:
    bodies = {**{name: raw for name, raw in BAD_BODIES.items() if raw}, "text": b'"a"', "number": b"7", "null": b"null"}

    answers = {name: send(lab, operation, doors, raw) for name, raw in bodies.items()}

    found = {name: answer.status_code for name, answer in answers.items()}
    assert {name: status for name, status in found.items() if status not in {400, 413, 422}} == {}


@pytest.mark.parametrize("operation", [each for each in CHANGING if each.method == "post"], ids=lambda each: each.name)
def test_a_key_of_a_request_that_is_none_is_refused(
    operation: Operation, doors: Doors, lab: ApiClient, unchanged: None
) -> None:
    raw = json.dumps(good_body(operation, doors)).encode() if operation.body else b""

    answers = [lab.send("post", operation.address(doors), raw, key=name) for name in ("é", "a b", "x" * 256, "\x7f")]

    assert [answer.status_code for answer in answers] == [422] * 4


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if "{" in each.path], ids=lambda each: each.name)
def test_an_id_that_is_none_finds_nothing(operation: Operation, doors: Doors, lab: ApiClient, unchanged: None) -> None:
    names = [each["name"] for each in operation.raw["parameters"] if each["in"] == "path"]
    raw = json.dumps(good_body(operation, doors)).encode() if operation.body else b""

    addresses = [operation.address(doors, **{name: text}) for name in names for text in BAD_IDS.values()]

    assert {lab.send(operation.method, address, raw).status_code for address in addresses} == {404}


@pytest.mark.parametrize(("operation", "parameter"), PARAMETERS, ids=[f"{a.name}:{b['name']}" for a, b in PARAMETERS])
def test_a_parameter_that_means_nothing_is_refused_or_finds_nothing(
    operation: Operation, parameter: dict[str, Any], doors: Doors, lab: ApiClient
) -> None:
    raw = json.dumps(good_body(operation, doors)).encode() if operation.body else b""
    queries = [urlencode({parameter["name"]: word}) for word in WORDS]

    answers = [lab.send(operation.method, f"{operation.address(doors)}?{query}", raw) for query in queries]

    found = {word: answer.status_code for word, answer in zip(WORDS, answers, strict=True)}
    empty = {word for word, answer in zip(WORDS, answers, strict=True) if answer.json().get("data") == []}
    assert {word: status for word, status in found.items() if status != 422 and word not in empty} == {}


def is_named(field: Field, wrong: str, where: set[str]) -> bool:
    """Does a refusal name the field? What is too large or too deep is refused as a whole."""
    starts = (field.pointer, field.told_as)
    return any(each.startswith(starts) for each in where) or (wrong in {"too_long", "deep"} and where == {"/"})


def shown_by(operation: Operation, status: str) -> set[str]:
    """Return the fields that an operation answers with."""
    content = operation.raw["responses"].get(status, {}).get("content", {})
    return set(resolved(content.get("application/json", {}).get("schema", {})).get("properties", {}))


def inside(body: Any, place: Field) -> dict[str, Any]:
    """Return what a body holds at a place."""
    for step in place.steps:
        body = body[0] if step == "0" else body.get(step, {})
    return dict(body)
