"""Requests are sent again where that can help, and never have two effects."""

from __future__ import annotations

import time
from typing import Any

import pytest

from guildhall import (
    ApiError,
    AuthenticationError,
    BadAnswer,
    ConflictError,
    ForbiddenError,
    Guildhall,
    InvalidError,
    NetworkError,
    NotFoundError,
    RateLimitedError,
    Retries,
    ServerError,
)
from tests.client.misbehaving import DROPPED, Reply, refuses, says, serving

BUSY = refuses(503, "busy")


@pytest.mark.parametrize(
    "trouble",
    [
        BUSY,
        refuses(429, "rate_limited"),
        refuses(500, "broken"),
        refuses(409, "idempotency_in_flight"),
        Reply(502, b"<h1>Bad gateway</h1>", {"Content-Type": "text/html"}),
        DROPPED,
        Reply(body=b'{"id": "bat_1"}', sends=4),
    ],
    ids=["503", "429", "500", "in flight", "gateway", "no answer", "half an answer"],
)
def test_a_post_is_sent_again_as_it_was_under_the_same_key(trouble: Reply) -> None:
    with serving(trouble, trouble, says({"id": "bat_1"})) as site, site.client() as lab:
        made = lab.batches.create("prj_1", name="Nächte")

    assert made == {"id": "bat_1"}
    assert len(site.requests) == 3
    assert len({request.key for request in site.requests}) == 1
    assert {request.body for request in site.requests} == {'{"name": "Nächte"}'.encode()}


def test_each_post_has_a_key_of_its_own() -> None:
    with serving(says({})) as site, site.client() as lab:
        lab.batches.launch("bat_1")
        lab.batches.launch("bat_1")
        lab.batches.launch("bat_1", idempotency_key="mine")

    first, second, third = (request.key for request in site.requests)
    assert first != second
    assert third == "mine"


def test_a_site_that_nobody_serves_is_named() -> None:
    with serving(says({})) as site:
        pass  # Nobody listens any more.

    with site.client() as lab, pytest.raises(NetworkError, match=site.address):
        lab.me()


def test_attempts_end() -> None:
    with serving(BUSY) as site, site.client() as lab, pytest.raises(ServerError) as refusal:
        lab.me()

    assert refusal.value.code == "busy"
    assert len(site.requests) == 4


def test_nothing_is_sent_before_the_time_that_the_server_asks_for() -> None:
    slow = refuses(429, "rate_limited", headers={"Retry-After": "1"})
    with serving(slow, says({"lab": "lab_1"})) as site, site.client() as lab:
        began = time.monotonic()
        lab.me()

    assert time.monotonic() - began >= 1.0
    assert len(site.requests) == 2


def test_an_hour_is_not_waited_for() -> None:
    slow = refuses(429, "rate_limited", headers={"Retry-After": "3600"})
    with serving(slow) as site, site.client() as lab, pytest.raises(RateLimitedError) as refusal:
        lab.me()

    assert refusal.value.retry_after == 3600
    assert len(site.requests) == 1


@pytest.mark.parametrize(("attempt", "most"), [(1, 1), (2, 2), (3, 4), (4, 8), (9, 8)])
def test_pauses_are_drawn_from_twice_as_long_each_time_up_to_a_bound(attempt: int, most: float) -> None:
    retries = Retries(attempts=20, first_seconds=1, most_seconds=8)

    pauses = [retries.pause(attempt) or 0 for _ in range(500)]

    assert most * 0.9 < max(pauses) <= most
    assert min(pauses) < most * 0.1


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidError),
        (401, AuthenticationError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (409, ConflictError),
        (410, ApiError),
        (413, InvalidError),
        (415, InvalidError),
        (422, InvalidError),
    ],
)
def test_a_refusal_is_raised_at_once_with_all_that_it_says(status: int, kind: type[ApiError]) -> None:
    errors = [{"pointer": "/name", "code": "required", "detail": "Give a name."}]
    reply = refuses(status, "some_code", errors=errors, request_id="req_1")
    with serving(reply) as site, site.client() as lab, pytest.raises(kind) as refusal:
        lab.batches.create("prj_1", name="")

    error = refusal.value
    assert type(error) is kind
    assert (error.status, error.title, error.code, error.detail) == (status, "No", "some_code", "Not so.")
    assert (error.errors, error.request_id) == (errors, "req_1")
    assert len(site.requests) == 1


def test_an_answer_that_is_no_problem_says_where_it_came_from() -> None:
    moved = Reply(301, b"", {"Location": "https://elsewhere.example/"})
    with serving(moved) as site, site.client() as lab, pytest.raises(ApiError, match=r"leads to https://elsewhere"):
        lab.me()

    assert len(site.requests) == 1


def test_a_page_instead_of_json_is_named_as_such() -> None:
    page = Reply(200, b"<h1>Welcome to our network</h1>", {"Content-Type": "text/html"})
    with serving(page) as site, site.client() as lab, pytest.raises(BadAnswer, match="Is this the address"):
        lab.me()


def test_what_a_lost_answer_deleted_already_is_deleted() -> None:
    with serving(DROPPED, refuses(404, "not_found")) as site, site.client() as lab:
        lab.files.delete("file_1")

    assert site.called == ["DELETE /files/file_1"] * 2


def test_what_was_never_there_cannot_be_deleted() -> None:
    with serving(refuses(404, "not_found")) as site, site.client() as lab, pytest.raises(NotFoundError):
        lab.files.delete("file_1")


@pytest.mark.parametrize("address", ["", "guildhall.example", "ftp://guildhall.example", "https://", "https://[::1"])
def test_an_address_that_is_none_is_refused_before_anything_is_sent(address: str) -> None:
    with pytest.raises(ValueError, match="not the address of a site"):
        Guildhall("gh_test_key", address)


@pytest.mark.parametrize("key", ["", "gh test", "gh_test_é", "gh_test_\n"])
def test_a_key_that_is_none_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(ValueError, match="This is no key") as refusal:
        Guildhall(key, "https://guildhall.example")

    assert not key or key not in str(refusal.value)


def test_a_list_is_read_page_by_page_as_it_is_needed() -> None:
    pages: list[dict[str, Any]] = [
        {"data": [{"id": "bat_3"}, {"id": "bat_2"}], "next_cursor": "c.1"},
        {"data": [{"id": "bat_1"}], "next_cursor": None},
    ]
    with serving(*map(says, pages)) as site, site.client() as lab:
        batches = lab.batches.all(state="RUNNING")
        first = [next(batches)["id"], next(batches)["id"]]
        asked_by_then = len(site.requests)
        rest = [batch["id"] for batch in batches]

    assert (first, asked_by_then, rest) == (["bat_3", "bat_2"], 1, ["bat_1"])
    assert [request.query for request in site.requests] == [
        {"state": "RUNNING", "limit": "200"},
        {"state": "RUNNING", "limit": "200", "cursor": "c.1"},
    ]
