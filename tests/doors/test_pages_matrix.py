"""Every page against every persona: a page that the matrix does not name fails, and so does any other answer."""

from __future__ import annotations

import pytest
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse

from tests.doors.matrix import MAY_SEE_CONTENT, OUTSIDE, PAGES
from tests.doors.routes import Route, routes
from tests.doors.world import CANARY, PERSONAS, Doors

OURS = [route for route in routes() if not route.name.startswith("api:") and route.name not in OUTSIDE]
WITH_ONE_METHOD = [route for route in OURS if len(PAGES.get(route.name, {})) == 1]
LETTERS = {400: "b", 401: "K", 403: "-", 404: "0", 405: "m", 409: "c", 422: "b", 503: "s"}
BODIES = {
    "tasks:beat": {"fence": 1, "nonce": "x", "counter": 1, "is_visible": True, "had_input": True, "queued": 0},
    "tasks:draft": {"revision": 0, "body": {"answer": "Mine now"}},
    "tasks:extend": {"what": "lease", "fence": 1},
    "tasks:research": {"on": True, "fence": 1},
    "tasks:pause": {"on": True, "fence": 1},
}


def outcome(response: HttpResponseBase) -> str:
    """Return how a door answered, as one letter of the matrix."""
    to = response.headers.get("Location", "")
    if response.status_code == 302 and "/accounts/login/" in to:
        return "L"
    if response.status_code == 302 and "/reauthenticate/" in to:
        return "R"
    assert response.status_code < 500 or response.status_code == 503, f"{response.status_code}"
    return {400: "b", 401: "K", 403: "-", 404: "0", 405: "m", 409: "c", 415: "b", 422: "b", 503: "s"}.get(
        response.status_code, "+"
    )


def ask(client: Client, method: str, route: Route, doors: Doors) -> HttpResponseBase:
    """Knock at one door."""
    address = reverse(route.name, kwargs=doors.kwargs(route.name, list(route.keywords)))
    if method == "POST" and route.name in BODIES:
        return client.post(
            address, BODIES[route.name], content_type="application/json", headers={"Accept": "application/json"}
        )
    return client.get(address) if method == "GET" else client.post(address)


def body_of(response: HttpResponseBase) -> bytes:
    """Return all bytes of an answer, streamed or not."""
    return b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]


def test_every_page_is_in_the_matrix_and_nothing_else_is() -> None:
    assert {route.name for route in routes() if not route.name.startswith("api:")} == {*PAGES, *OUTSIDE}


@pytest.mark.django_db
@pytest.mark.parametrize("route", OURS, ids=lambda route: route.name)
def test_each_persona_gets_the_answer_that_the_matrix_says(
    route: Route, doors: Doors, clients: dict[str, Client]
) -> None:
    found: dict[str, str] = {}
    leaks = []
    for method in PAGES.get(route.name, {"GET": "", "POST": ""}):
        answers = ""
        for persona in _refused_first(PAGES.get(route.name, {}).get(method, "")):
            response = ask(clients[persona], method, route, doors)
            answers += f"{persona} {outcome(response)} "
            if CANARY.encode() in body_of(response) and persona not in MAY_SEE_CONTENT.get(route.name, ()):
                leaks.append(f"{method} {persona}")
        by_persona = dict(zip(answers.split()[::2], answers.split()[1::2], strict=True))
        found[method] = "".join(by_persona[persona] for persona in PERSONAS)

    assert found == PAGES.get(route.name)
    assert leaks == []


def _refused_first(expected: str) -> list[str]:
    """Return the personas, those let in last: what they change must not reach the others."""
    let_in = {persona for persona, answer in zip(PERSONAS, expected, strict=False) if answer == "+"}
    return sorted(PERSONAS, key=lambda persona: persona in let_in)


@pytest.mark.django_db
@pytest.mark.parametrize("route", WITH_ONE_METHOD, ids=lambda route: route.name)
def test_a_page_takes_no_other_method(route: Route, doors: Doors, clients: dict[str, Client]) -> None:
    (method,) = PAGES[route.name]

    response = ask(clients["cyd"], "GET" if method == "POST" else "POST", route, doors)

    assert response.status_code in (403, 404, 405)
