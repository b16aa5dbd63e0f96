"""The API's door: keys, scopes, throttles, bodies, problems."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from labs.actions import revoke_api_key
from labs.doors.throttles import BURST, LocalBuckets, SharedBuckets
from labs.models import ApiKey, Lab
from labs.secrets import new_key_text, parse_key_text
from tests.labs.factories import API, NOW, ApiClient, make_client, make_key
from tests.tasks.factories import make_lab

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab() -> Lab:
    return make_lab()[0]


def test_a_key_is_taken_apart_as_it_was_made() -> None:
    text, parts = new_key_text("live")

    assert parse_key_text(text) == parts
    assert text.startswith(f"gh_live_{parts.key_id}_")


@pytest.mark.parametrize("change", ["", "x", "last", "mode", "secret"])
def test_a_key_with_a_slip_is_refused_without_a_look_up(change: str) -> None:
    text, _ = new_key_text("live")
    slipped = {
        "": "",
        "x": text + "x",
        "last": text[:-1] + ("0" if text[-1] != "0" else "1"),
        "mode": text.replace("live", "test"),
        "secret": text[:20] + ("A" if text[20] != "A" else "B") + text[21:],
    }[change]

    assert parse_key_text(slipped) is None


def test_only_a_hash_of_the_key_is_kept(lab: Lab) -> None:
    key, text = make_key(lab)

    kept = str(ApiKey.objects.filter(pk=key.pk).values())

    assert text not in kept
    assert text.split("_")[3] not in kept


def test_a_key_says_who_it_speaks_for(lab: Lab) -> None:
    answer = make_client(lab, scopes=("results:read",)).get("/me")

    body = answer.json()
    assert (answer.status_code, body["lab"], body["mode"], body["scopes"]) == (
        200,
        lab.public_id,
        "live",
        ["results:read"],
    )


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer nonsense", "Basic abc", "Bearer gh_live_abcdefgh_x", "Bearer é", "Bearer a b"],
)
def test_without_a_valid_key_there_is_one_answer(lab: Lab, header: str | None) -> None:
    headers: dict[str, Any] = {} if header is None else {"HTTP_AUTHORIZATION": header}

    answer = Client().get(API + "/me", **headers)

    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/problem+json")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_with_another_secret_is_refused(lab: Lab) -> None:
    key, _ = make_key(lab)
    other, _ = new_key_text("live")
    ApiKey.objects.filter(pk=key.pk).update(key_id=other.split("_")[2])

    assert ApiClient(other).get("/me").status_code == 401


def test_revoking_acts_on_the_next_request(lab: Lab) -> None:
    key, text = make_key(lab)
    client = ApiClient(text)
    before = client.get("/me").status_code

    revoke_api_key(key, by=None, now=NOW)

    assert (before, client.get("/me").status_code) == (200, 401)


def test_a_key_ends_when_it_said_it_would(lab: Lab) -> None:
    key, text = make_key(lab)
    ApiKey.objects.filter(pk=key.pk).update(expires_at=NOW - timedelta(days=3_650))

    assert ApiClient(text).get("/me").status_code == 401


def test_a_closed_lab_has_no_keys_and_a_frozen_one_only_reads(lab: Lab) -> None:
    client = make_client(lab)
    Lab.objects.filter(pk=lab.pk).update(state="FROZEN")
    reads, writes = client.get("/projects"), client.post("/projects", {})
    Lab.objects.filter(pk=lab.pk).update(state="CLOSED")

    assert (reads.status_code, writes.status_code, writes.json()["code"]) == (200, 403, "lab_frozen")
    assert client.get("/me").status_code == 401


def test_last_use_is_written_at_most_once_a_minute(lab: Lab) -> None:
    key, text = make_key(lab)

    ApiClient(text).get("/me")
    first = ApiKey.objects.get(pk=key.pk).last_used_at
    ApiClient(text).get("/me")

    assert first is not None
    assert ApiKey.objects.get(pk=key.pk).last_used_at == first


def test_a_scope_that_is_missing_is_403(lab: Lab) -> None:
    client = make_client(lab, scopes=("results:read",))

    answer = client.post("/projects", {})

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_what_is_not_there_and_what_is_not_yours_answer_alike(lab: Lab) -> None:
    eve, _ = make_lab("Eve's")
    client = make_client(lab)
    theirs = make_client(eve).post("/agreements", {"title": "NDA", "code_name": "Heron"}).json()["id"]

    bodies = []
    for path in (f"/agreements/{theirs}", "/agreements/agr_" + "0" * 26, "/agreements/nonsense", "/no/such/place"):
        answer = client.get(path)
        body = answer.json()
        del body["request_id"]
        bodies.append((answer.status_code, body))

    assert bodies == [bodies[0]] * 4
    assert bodies[0][0] == 404


@pytest.mark.parametrize(
    ("content_type", "encoding", "expected"),
    [
        ("text/plain", "", 415),
        ("application/json; charset=utf-16", "", 415),
        ("application/json", "gzip", 415),
        ("application/json; charset=utf-8", "identity", 201),
    ],
)
def test_only_plain_json_in_utf_8_is_read(lab: Lab, content_type: str, encoding: str, expected: int) -> None:
    headers: dict[str, Any] = {"HTTP_CONTENT_ENCODING": encoding} if encoding else {}
    key = make_client(lab).text

    answer = Client().generic(
        "POST",
        API + "/agreements",
        b'{"title": "NDA", "code_name": "Heron"}',
        content_type=content_type,
        HTTP_AUTHORIZATION=f"Bearer {key}",
        **headers,
    )

    assert answer.status_code == expected


def test_a_body_over_the_limit_is_413(lab: Lab) -> None:
    answer = make_client(lab).post("/agreements", {"title": "x" * 2_100_000, "code_name": "Heron"})

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_a_verb_that_an_address_lacks_is_405(lab: Lab) -> None:
    answer = make_client(lab).send("delete", "/me", b"")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_unknown_parameters_and_fields_are_named(lab: Lab) -> None:
    client = make_client(lab)

    parameter = client.get("/projects", colour="red")
    field = client.post("/agreements", {"title": "NDA", "code_name": "Heron", "colour": "red"})

    assert [error["pointer"] for error in parameter.json()["errors"]] == ["/?colour"]
    assert [(error["pointer"], error["code"]) for error in field.json()["errors"]] == [("/colour", "unknown_field")]


def test_pages_follow_each_other_without_gap_or_overlap(lab: Lab) -> None:
    client = make_client(lab)
    made = [client.post("/agreements", {"title": f"NDA {n}", "code_name": "Heron"}).json()["id"] for n in range(5)]

    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = client.get("/agreements", limit="2", **cursor).json()
        seen += [row["id"] for row in page["data"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}

    assert seen == made[::-1]


@pytest.mark.parametrize("cursor", ["", "x", "agr_" + "0" * 26, "\x00", "é" * 50, "a.b"])
def test_a_cursor_of_one_s_own_making_is_refused(lab: Lab, cursor: str) -> None:
    answer = make_client(lab).get("/agreements", cursor=cursor)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/?cursor")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "٣", "1e3", ""])
def test_a_limit_is_1_to_200(lab: Lab, limit: str) -> None:
    assert make_client(lab).get("/agreements", limit=limit).status_code == 422


def test_a_key_that_calls_too_fast_is_told_to_wait() -> None:
    buckets = LocalBuckets()

    verdicts = [buckets.take("key_1", now=100.0) for _ in range(BURST + 1)]
    later = buckets.take("key_1", now=100.0 + verdicts[-1].wait_seconds)

    assert [verdict.is_allowed for verdict in verdicts] == [True] * BURST + [False]
    assert (buckets.take("key_2", now=100.0).is_allowed, later.is_allowed) == (True, True)


def test_without_redis_each_process_counts_for_itself(settings: object) -> None:
    buckets = SharedBuckets()
    buckets.client.connection_pool.connection_kwargs.update(host="127.0.0.1", port=9)

    verdict = buckets.take("key_1")

    assert (verdict.is_allowed, buckets.away_until > 0) == (True, True)


def test_every_answer_says_how_much_is_left(lab: Lab) -> None:
    answer = make_client(lab).get("/me")

    assert answer.headers["RateLimit-Policy"] == '"key";q=200;w=4'
    assert answer.headers["RateLimit"].startswith('"key";r=')
    assert answer.headers["Cache-Control"] == "no-store"
