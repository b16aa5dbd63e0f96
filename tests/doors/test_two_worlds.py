"""Each of a lab's keys tries every id of the other world: what it hears is what it hears of an id that is nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse
from pytest_django.plugin import DjangoDbBlocker

from accounts.models import User
from accounts.outbox import drain
from experts.models import Expert
from kernel.db import app_now
from kernel.ids import encode_id, uuid7
from labs.models import Lab
from labs.webhooks.actions import create_endpoint, send_trial
from tasks.actions import posting, publishing
from tasks.actions.exporting import request_export
from tasks.models import Submission
from tests.doors.routes import Route, routes
from tests.doors.test_pages_matrix import body_of
from tests.doors.world import Doors
from tests.labs.factories import make_key
from tests.tasks.play import make_play

NAMED = [route for route in routes() if route.name.startswith("api:") and route.keywords]
METHODS = ("GET", "POST", "PATCH", "DELETE")


@pytest.fixture(scope="module")
def lab(doors: Doors, django_db_blocker: DjangoDbBlocker) -> tuple[Lab, User]:
    """Return Lee's lab."""
    with django_db_blocker.unblock():
        return Lab.objects.get(pk=doors.ids["lab_id"]), doors.people["lee"]


@pytest.fixture(scope="module")
def trial(lab: tuple[Lab, User], django_db_blocker: DjangoDbBlocker) -> Iterator[dict[str, Any]]:
    """Let Lee's lab try everything out, and return the ids of what came of it."""
    with django_db_blocker.unblock():
        yield tried(*lab)


def tried(lab: Lab, owner: User) -> dict[str, Any]:
    """Post a test batch, have it done and exported, and listen to it."""
    now, play = app_now(), make_play(lab=(lab, owner))
    lines = [{"external_id": "a", "payload": {"prompt": "When are lithium levels taken?"}}]
    batch = posting.create_batch_with_tasks(play.project, {"name": "Trial"}, lines, by=owner, now=now)
    publishing.launch_batch(batch, by=owner, now=now)
    drain(100)
    endpoint, _ = create_endpoint(lab, mode="test", url="https://lab.invalid/trial", by=owner, now=now)
    submission = Submission.objects.filter(claim__batch=batch).select_related("claim")[0]
    return {
        "project_id": play.project.pk,
        "batch_id": batch.pk,
        "task_id": submission.claim.task_id,
        "submission_id": submission.pk,
        "agreement_id": play.version.agreement_id,
        "version_id": play.version.pk,
        "export_id": request_export(play.project, shape="sft", batch=None, by=owner, now=now).pk,
        "endpoint_id": endpoint.pk,
        "delivery_id": send_trial(endpoint, by=owner, now=now).pk,
    }


def call(key: str, method: str, route: Route, ids: dict[str, Any]) -> HttpResponseBase:
    """Call an endpoint with a key."""
    address = reverse(route.name, kwargs={name: ids[name] for name in route.keywords})
    headers = {"Authorization": f"Bearer {key}"}
    return Client().generic(method, address, b"{}", content_type="application/json", headers=headers)


def heard(response: HttpResponseBase) -> tuple[int, bytes]:
    """Return all of an answer but the number of the request."""
    return response.status_code, body_of(response).replace(response["X-Request-Id"].encode(), b"")


def suffixes(ids: dict[str, Any]) -> set[bytes]:
    """Return ids as the API writes them, without what they begin with."""
    return {encode_id("x", pk).partition("_")[2].encode() for pk in ids.values()}


def written(text: bytes) -> set[bytes]:
    """Return the ids in an answer, without what they begin with."""
    return set(re.findall(rb"[a-z]{3}_([0-9a-z]{26})", text))


@pytest.mark.django_db
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("route", NAMED, ids=lambda route: route.name)
def test_a_test_key_hears_nothing_of_live_rows(route: Route, method: str, doors: Doors, lab: tuple[Lab, User]) -> None:
    key = make_key(*lab, mode="test", now=app_now())[1]
    nowhere = {name: uuid7() for name in route.keywords}

    answer = heard(call(key, method, route, doors.ids))

    assert answer[0] in (404, 405)
    assert answer == heard(call(key, method, route, nowhere))


@pytest.mark.django_db
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("route", NAMED, ids=lambda route: route.name)
def test_a_live_key_hears_nothing_of_test_rows(route: Route, method: str, doors: Doors, trial: dict[str, Any]) -> None:
    ids = {name: trial.get(name) or uuid7() for name in route.keywords}  # Some kinds of row exist in one world only.

    answer = heard(call(doors.keys["lee"], method, route, ids))

    assert answer[0] in (404, 405)
    assert answer == heard(call(doors.keys["lee"], method, route, {name: uuid7() for name in route.keywords}))


@pytest.mark.django_db
def test_the_rows_that_are_not_heard_of_are_there(trial: dict[str, Any], lab: tuple[Lab, User]) -> None:
    key = make_key(*lab, mode="test", now=app_now())[1]

    found = {
        route.name: call(key, "GET", route, trial).status_code for route in NAMED if set(route.keywords) <= set(trial)
    }

    assert [name for name, status in found.items() if status == 404] == []


@pytest.mark.django_db
def test_lists_hold_rows_of_the_keys_own_world_only(doors: Doors, trial: dict[str, Any], lab: tuple[Lab, User]) -> None:
    keys = {"live": doors.keys["lee"], "test": make_key(*lab, mode="test", now=app_now())[1]}
    lists = [route for route in routes() if route.name.startswith("api:") and not route.keywords]

    seen = {mode: b"".join(body_of(call(key, "GET", route, {})) for route in lists) for mode, key in keys.items()}

    live_ids = {name: doors.ids[name] for name in trial}
    for mode, (own, other) in {"live": (live_ids, trial), "test": (trial, live_ids)}.items():
        assert suffixes(own) & written(seen[mode])
        assert suffixes(other) & written(seen[mode]) == set()


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/balance", "/ledger", "/spend"])
def test_a_live_key_asks_in_vain_for_play_money(path: str, doors: Doors) -> None:
    headers = {"Authorization": f"Bearer {doors.keys['lee']}"}

    answer = Client().get(f"/api/v1{path}", {"currency": "XTS"}, headers=headers)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/?currency")


@pytest.mark.django_db
def test_a_test_key_sees_play_money_whatever_it_asks_for(lab: tuple[Lab, User], doors: Doors) -> None:
    headers = {"Authorization": f"Bearer {make_key(*lab, mode='test', now=app_now())[1]}"}

    answer = Client().get("/api/v1/balance", {"currency": "USD"}, headers=headers)

    assert answer.json()["currency"] == "XTS"


@pytest.mark.django_db
def test_operators_never_meet_a_simulated_expert(doors: Doors, trial: dict[str, Any]) -> None:
    names = [expert.user.name.encode() for expert in Expert.objects.filter(mode="test").select_related("user")]
    operators = ("vic", "fin", "tess", "olga")
    desks = [route for route in routes() if not route.name.startswith("api:") and not route.keywords]

    pages = {
        (persona, route.name): body_of(doors.client(persona).get(reverse(route.name)))
        for persona in operators
        for route in desks
        if route.pattern.startswith(("desk", "home"))
    }

    assert len(pages) > 8
    assert [at for at, page in pages.items() if any(name in page for name in names)] == []
