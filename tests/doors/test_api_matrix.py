"""Every endpoint against every kind of key: one that the matrix does not name fails, and so does any other answer."""

from __future__ import annotations

import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse

from tests.doors.matrix import ENDPOINTS
from tests.doors.routes import Route, routes
from tests.doors.test_pages_matrix import body_of, outcome
from tests.doors.world import CANARY, KEYS, Doors

API = [route for route in routes() if route.name.startswith("api:") and route.name != "api:nowhere"]
MAY_READ_CONTENT = {"lee", "lee_reads"}


def call(doors: Doors, key: str, method: str, route: Route) -> HttpResponseBase:
    """Call one endpoint with one key, or with none."""
    address = reverse(route.name, kwargs=doors.kwargs(route.name, list(route.keywords)))
    headers = {"Authorization": f"Bearer {doors.keys[key]}"} if key in doors.keys else {}
    if method == "GET":
        return Client().get(address, headers=headers)
    return Client().post(address, b"{}", content_type="application/json", headers=headers)


def test_every_endpoint_is_in_the_matrix_and_nothing_else_is() -> None:
    assert {route.name for route in API} == set(ENDPOINTS)


@pytest.mark.django_db
@pytest.mark.parametrize("route", API, ids=lambda route: route.name)
def test_each_key_gets_the_answer_that_the_matrix_says(route: Route, doors: Doors) -> None:
    found, leaks = {}, []
    for method in ENDPOINTS.get(route.name, {"GET": "", "POST": ""}):
        answers = {}
        for key in sorted(KEYS, key=lambda key: key == "lee"):
            response = call(doors, key, method, route)
            answers[key] = outcome(response)
            if CANARY.encode() in body_of(response) and key not in MAY_READ_CONTENT:
                leaks.append(f"{method} {key}")
        found[method] = "".join(answers[key] for key in KEYS)

    assert found == ENDPOINTS.get(route.name)
    assert leaks == []


@pytest.mark.django_db
def test_what_is_not_an_endpoint_is_a_problem_that_says_so(doors: Doors) -> None:
    response = Client().get("/api/v1/nonsense", headers={"Authorization": f"Bearer {doors.keys['lee']}"})

    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.django_db
def test_a_page_session_opens_no_endpoint(doors: Doors) -> None:
    assert doors.client("lee").get(reverse("api:projects")).status_code == 401
