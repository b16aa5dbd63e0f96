"""Keys over REST: made, used, bound, rotated, ended; their secrets are shown once and kept nowhere."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labs.actions import MAX_LIVE_KEYS
from labs.models import ApiKey, IdempotencyRecord
from tests.bad_input import BAD_BODIES, BAD_NAMES, BAD_TIMES, WRONG_TYPES, cases
from tests.labs.factories import ApiClient, make_client, ok
from tests.tasks.factories import make_lab

pytestmark = pytest.mark.django_db

BODY: dict[str, object] = {"label": "Trainer", "scopes": ["results:read"]}


@pytest.fixture
def client() -> ApiClient:
    return make_client(*make_lab())


def test_a_key_is_made_and_works_at_once(client: ApiClient) -> None:
    made = ok(client.post("/keys", BODY | {"expires_at": "2036-01-01T00:00:00Z"}), 201)
    me = ok(ApiClient(made["secret"]).get("/me"))

    assert (me["key"], me["label"], me["mode"], me["scopes"]) == (made["id"], "Trainer", "live", ["results:read"])
    assert made["secret"].startswith(made["begins_with"])
    assert ok(client.get(f"/keys/{made['id']}")) | {"last_used_at": None, "last_used_ip": None} == {
        name: value for name, value in made.items() if name != "secret"
    }


def test_a_rotated_key_has_a_successor_and_a_revoked_one_ends(client: ApiClient) -> None:
    made = ok(client.post("/keys", BODY), 201)
    successor = ok(client.post(f"/keys/{made['id']}:rotate"))
    revoked = ok(client.post(f"/keys/{made['id']}:revoke"))

    assert (revoked["state"], ApiClient(made["secret"]).get("/me").status_code) == ("revoked", 401)
    assert ok(ApiClient(successor["secret"]).get("/me"))["label"] == "Trainer"
    assert client.post(f"/keys/{made['id']}:revoke").status_code == 409
    assert client.post(f"/keys/{made['id']}:rotate").status_code == 409


def test_a_key_may_end_itself() -> None:
    lab, owner = make_lab()
    client = make_client(lab, owner)
    key = ok(client.get("/me"))["key"]

    ended = ok(client.post(f"/keys/{key}:revoke"))

    assert (ended["state"], client.get("/me").status_code) == ("revoked", 401)


def test_a_key_is_bound_to_networks_from_its_next_request_on(client: ApiClient) -> None:
    made = ok(client.post("/keys", BODY), 201)

    bound = ok(client.patch(f"/keys/{made['id']}", {"allowed_networks": ["203.0.113.7"]}))

    assert bound["allowed_networks"] == ["203.0.113.7/32"]
    assert ApiClient(made["secret"]).get("/me").status_code == 403


def test_a_repeated_post_makes_one_key_and_its_secret_is_stored_nowhere(client: ApiClient) -> None:
    first = ok(client.post("/keys", BODY, key="once"), 201)
    again = client.post("/keys", BODY, key="once")
    turned = ok(client.post(f"/keys/{first['id']}:rotate", key="turn"))
    turned_again = ok(client.post(f"/keys/{first['id']}:rotate", key="turn"))

    assert ok(again, 201) == first | {"secret": None}
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (turned_again["id"], turned_again["secret"]) == (turned["id"], None)
    assert [record.body for record in IdempotencyRecord.objects.all()] == [None, None]
    assert ApiKey.objects.count() == 3


def test_keys_want_the_admin_scope_and_each_world_sees_its_own() -> None:
    lab, owner = make_lab()
    live, test = make_client(lab, owner), make_client(lab, owner, mode="test")
    reader = make_client(lab, owner, scopes=("tasks:write", "results:read", "funds:read", "webhooks:write"))
    eve = make_client(*make_lab("Eve's"))
    made = ok(live.post("/keys", BODY), 201)

    assert [reader.get("/keys").status_code, reader.post("/keys", BODY).status_code] == [403, 403]
    assert [each.get(f"/keys/{made['id']}").status_code for each in (test, eve)] == [404, 404]
    assert [each.post(f"/keys/{made['id']}:revoke").status_code for each in (test, eve)] == [404, 404]
    assert {row["mode"] for row in ok(test.get("/keys"))["data"]} == {"test"}
    assert ok(test.post("/keys", BODY), 201)["mode"] == "test"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"scopes": ["admin"]}, "/label"),
        ({"label": "Trainer"}, "/scopes"),
        (BODY | {"scopes": []}, "/scopes"),
        (BODY | {"scopes": ["root"]}, "/scopes"),
        (BODY | {"scopes": ["admin", "admin"]}, "/scopes"),
        (BODY | {"mode": "test"}, "/mode"),
        (BODY | {"lab": "lab_x"}, "/lab"),
        (BODY | {"secret_sha256": "x"}, "/secret_sha256"),
        (BODY | {"key_id": "AAAAAAAA"}, "/key_id"),
        (BODY | {"created_by": "usr_x"}, "/created_by"),
        (BODY | {"allowed_networks": ["everywhere"]}, "/allowed_networks"),
        (BODY | {"expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
    ],
)
def test_what_is_wrong_is_named_and_no_key_is_made(client: ApiClient, body: dict[str, object], pointer: str) -> None:
    answer = ok(client.post("/keys", body), 422)

    assert [error["pointer"] for error in answer["errors"]] == [pointer]
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("field", ["label", "scopes", "allowed_networks", "expires_at"])
def test_no_bad_value_gets_in(client: ApiClient, field: str) -> None:
    values = {
        "label": [*BAD_NAMES.values(), *(value for value in WRONG_TYPES.values() if value is not None)],
        "scopes": [*WRONG_TYPES.values(), *([value] for value in BAD_NAMES.values()), [7], [None]],
        "allowed_networks": [7, {"a": 1}, *([value] for value in BAD_NAMES.values()), [["a"]], ["1.2.3.4/99"]],
        "expires_at": [value for value in BAD_TIMES.values() if value is not None],
    }[field]

    raws = [json.dumps(BODY | {field: value}).encode() for value in values]  # Escapes what is no text.
    statuses = {client.send("post", "/keys", raw).status_code for raw in raws}

    assert statuses <= {400, 413, 422}
    assert len(ok(client.get("/keys"))["data"]) == 1


@pytest.mark.parametrize("raw", cases(BAD_BODIES))
def test_no_bad_body_gets_in(client: ApiClient, raw: bytes) -> None:
    assert client.send("post", "/keys", raw).status_code in (400, 413, 422)


def test_a_lab_holds_only_so_many_keys(client: ApiClient) -> None:
    for _ in range(MAX_LIVE_KEYS - 1):
        ok(client.post("/keys", BODY), 201)

    assert client.post("/keys", BODY).status_code == 409


def test_a_list_costs_the_same_for_one_and_for_three(client: ApiClient) -> None:
    counts = []
    for times in (1, 2):
        for _ in range(times):
            ok(client.post("/keys", BODY), 201)
        with CaptureQueriesContext(connection) as statements:
            ok(client.get("/keys"))
        counts.append(len(statements))

    assert counts[0] == counts[1]
