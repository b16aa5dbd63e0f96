"""Refusals and a busy database are answers, in the form the asker reads."""

import json

import psycopg
import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.test import Client, RequestFactory

from kernel.errors import Busy, FieldError, IllegalMove, Invalid, Refused
from kernel.http import RefusedMiddleware, as_busy, client_ip, fragment_or_redirect, show_refusal


def database_error(sqlstate: str | None) -> OperationalError:
    """Give the error Django raises for PostgreSQL's ``sqlstate``."""
    error = OperationalError("words of the database")
    cause = psycopg.OperationalError("words of the driver")
    cause.sqlstate = sqlstate
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03", "57P01", "08006", None])
def test_a_busy_database_says_when_to_ask_again(sqlstate):
    middleware = RefusedMiddleware(lambda request: HttpResponse())

    response = middleware.process_exception(RequestFactory().get("/"), database_error(sqlstate))

    assert (response.status_code, response["Retry-After"]) == (503, "2")
    assert b"words of" not in response.content


@pytest.mark.parametrize("error", [database_error("53100"), ValueError("a mistake")])
def test_a_mistake_still_crashes(error):
    assert RefusedMiddleware(lambda request: HttpResponse()).process_exception(RequestFactory().get("/"), error) is None


@pytest.mark.parametrize("sqlstate", ["57014", "53300"])
def test_a_swamped_database_asks_for_more_patience(sqlstate):
    busy = as_busy(database_error(sqlstate))

    assert (busy.status, busy.retry_after) == (503, 5)


def test_a_lost_connection_is_a_busy_database():
    assert isinstance(as_busy(InterfaceError("the connection is closed")), Busy)


@pytest.mark.parametrize(("refused", "status"), [(Refused("No."), 409), (IllegalMove("No."), 409), (Busy(), 503)])
def test_scripts_read_refusals_as_json(refused, status):
    response = show_refusal(RequestFactory().get("/", headers={"accept": "application/json"}), refused)

    body = json.loads(response.content)
    assert (response.status_code, body["detail"], body["code"]) == (status, refused.detail, refused.code)


def test_each_wrong_field_is_named():
    refused = Invalid([FieldError("/tags/0", "max_length", "Write at most 3 characters.", line=7)])

    response = show_refusal(RequestFactory().get("/", headers={"accept": "application/json"}), refused)

    assert json.loads(response.content)["errors"] == [
        {"pointer": "/tags/0", "code": "max_length", "detail": "Write at most 3 characters.", "line": 7}
    ]


@pytest.mark.parametrize(
    ("hops", "forwarded", "expected"),
    [
        (0, "9.9.9.9", "127.0.0.1"),
        (1, "9.9.9.9", "9.9.9.9"),
        (1, "6.6.6.6, 9.9.9.9", "9.9.9.9"),
        (2, "6.6.6.6, 9.9.9.9, 10.0.0.1", "9.9.9.9"),
        (2, "9.9.9.9", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_the_visitors_address_is_the_one_our_proxy_saw(settings, hops, forwarded, expected):
    settings.TRUSTED_PROXY_COUNT = hops

    assert client_ip(RequestFactory().get("/", headers={"x-forwarded-for": forwarded})) == expected


def test_a_plain_browser_is_sent_on():
    response = fragment_or_redirect(RequestFactory().post("/"), "404.html", {}, to="/next/")

    assert (response.status_code, response["Location"]) == (302, "/next/")


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "kind"), [("/", "text/html"), ("/api/v1/me", "application/problem+json")])
def test_a_request_for_another_host_is_refused_not_a_crash(path: str, kind: str) -> None:
    answer = Client(raise_request_exception=False).get(path, headers={"Host": "__proto__"})

    assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (400, kind)
