"""Webhooks over REST: set up, tried, rotated, looked at, replayed; and never anybody else's."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from standardwebhooks import Webhook

from accounts.outbox import drain
from kernel.db import app_now
from labs.events import record_event
from labs.models import IdempotencyRecord, WebhookDelivery
from tests.bad_input import BAD_NAMES, BAD_TEXTS
from tests.labs.factories import ApiClient, feed, make_client, ok
from tests.labs.receiver import Receiver, receiving
from tests.tasks.factories import make_lab

pytestmark = pytest.mark.django_db

URL = "https://lab.example.org/hook"


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with receiving() as receiver:
        settings.OUTBOUND_ALLOW = [receiver.pair]
        yield receiver


@pytest.fixture
def client() -> ApiClient:
    return make_client(*make_lab())


@pytest.mark.django_db(transaction=True)
def test_from_nothing_to_a_replayed_delivery(client: ApiClient, receiver: Receiver) -> None:
    made = ok(client.post("/webhooks", {"url": receiver.url, "types": ["export.ready"]}), 201)
    trial = ok(client.post(f"/webhooks/{made['id']}:test"), 202)
    drain()
    log = ok(client.get(f"/webhooks/{made['id']}/deliveries", state="DELIVERED"))["data"]
    again = ok(client.post(f"/webhooks/{made['id']}/deliveries/{trial['id']}:replay"), 202)
    drain()
    one = ok(client.get(f"/webhooks/{made['id']}/deliveries/{trial['id']}"))
    (line,) = feed(client)["data"]

    first, second = receiver.received
    assert Webhook(made["secret"]).verify(first.body, first.headers) == second.event == line
    assert (trial["state"], trial["attempts"], again["state"], again["replays"]) == ("PENDING", [], "PENDING", 1)
    assert [row["id"] for row in log] == [trial["id"]]
    assert ([each["status"] for each in one["attempts"]], one["event"], one["type"]) == (
        [204, 204],
        line["id"],
        "webhook.test",
    )


def test_an_endpoint_is_listed_changed_disabled_and_removed(client: ApiClient) -> None:
    made = ok(client.post("/webhooks", {"url": URL, "description": "Trainer"}), 201)
    address = f"/webhooks/{made['id']}"

    changed = ok(client.patch(address, {"types": ["funds.low"], "state": "DISABLED"}))
    enabled = ok(client.patch(address, {"state": "ENABLED"}))
    listed = ok(client.get("/webhooks"))
    removed = client.send("delete", address, b"")

    assert made | {"secret": "", "id": "", "created_at": ""} == {
        "id": "",
        "url": URL,
        "description": "Trainer",
        "types": [],
        "mode": "live",
        "state": "ENABLED",
        "disabled_because": None,
        "failing_since": None,
        "old_secret_until": None,
        "created_at": "",
        "secret": "",
    }
    assert (changed["types"], changed["state"], changed["disabled_because"]) == (["funds.low"], "DISABLED", "by_lab")
    assert (enabled["state"], enabled["disabled_because"]) == ("ENABLED", None)
    assert listed == {"data": [enabled], "next_cursor": None}
    assert (removed.status_code, removed.content, client.get(address).status_code) == (204, b"", 404)


def test_a_repeated_post_makes_one_endpoint_and_no_answer_with_a_secret_is_stored(client: ApiClient) -> None:
    first = client.post("/webhooks", {"url": URL}, key="once")
    again = client.post("/webhooks", {"url": URL}, key="once")
    address = f"/webhooks/{first.json()['id']}:rotate_secret"
    rotated = client.post(address, key="turn")
    rotated_again = client.post(address, key="turn")

    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (rotated.status_code, rotated_again.json()["secret"]) == (200, rotated.json()["secret"])
    assert rotated.json()["secret"] != first.json()["secret"]
    assert [record.body for record in IdempotencyRecord.objects.all()] == [None, None]


def test_a_test_key_and_another_lab_see_none_of_it(client: ApiClient) -> None:
    lab, owner = make_lab("Eve's")
    made = ok(client.post("/webhooks", {"url": URL}), 201)
    ok(client.post(f"/webhooks/{made['id']}:test"), 202)
    delivery = WebhookDelivery.objects.get().public_id
    eve = make_client(lab, owner)
    own = ok(eve.post("/webhooks", {"url": URL}), 201)

    for path in (f"/webhooks/{made['id']}", f"/webhooks/{own['id']}/deliveries/{delivery}"):
        assert eve.get(path).status_code == 404
    assert eve.post(f"/webhooks/{made['id']}:rotate_secret").status_code == 404
    assert eve.post(f"/webhooks/{own['id']}/deliveries/{delivery}:replay").status_code == 404
    assert ok(make_client(lab, owner, mode="test").get("/webhooks"))["data"] == []


def test_setting_webhooks_up_wants_its_scope() -> None:
    reader = make_client(*make_lab(), scopes=("tasks:write", "results:read", "funds:read", "admin"))

    assert [reader.get("/webhooks").status_code, reader.post("/webhooks", {"url": URL}).status_code] == [403, 403]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/url"),
        ({"url": URL, "secret": "whsec_x"}, "/secret"),
        ({"url": URL, "types": ["batch.exploded"]}, "/types"),
        ({"url": URL, "types": ["webhook.test"]}, "/types"),
        ({"url": URL, "types": ["funds.low", "funds.low"]}, "/types"),
        ({"url": URL, "types": "funds.low"}, "/types"),
        ({"url": "https://10.0.0.1/"}, "/url"),
        ({"url": "http://lab.example.org/"}, "/url"),
        ({"url": 7}, "/url"),
        ({"url": URL, "state": "DISABLED"}, "/state"),
    ],
)
def test_what_is_wrong_is_named(client: ApiClient, body: dict[str, object], pointer: str) -> None:
    answer = ok(client.post("/webhooks", body), 422)

    assert [error["pointer"] for error in answer["errors"]] == [pointer]
    assert ok(client.get("/webhooks"))["data"] == []


def test_no_bad_text_gets_in(client: ApiClient) -> None:
    made = ok(client.post("/webhooks", {"url": URL}), 201)
    bad = [("url", value) for value in (*BAD_NAMES.values(), *BAD_TEXTS.values())]
    bad += [("description", value) for name, value in BAD_NAMES.items() if name != "empty"]

    raws = [json.dumps({field: value}).encode() for field, value in bad]  # Escapes what is no text.
    statuses = {client.send("patch", f"/webhooks/{made['id']}", raw).status_code for raw in raws}

    assert statuses <= {413, 422}
    assert ok(client.get(f"/webhooks/{made['id']}"))["url"] == URL


def test_the_log_costs_the_same_for_one_and_for_three(client: ApiClient, receiver: Receiver) -> None:
    made = ok(client.post("/webhooks", {"url": receiver.url}), 201)
    address = f"/webhooks/{made['id']}"
    counts = []
    for times in (1, 2):
        for _ in range(times):
            ok(client.post(f"{address}:test"), 202)
        drain()
        with CaptureQueriesContext(connection) as statements:
            ok(client.get(f"{address}/deliveries"))
        counts.append(len(statements))

    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
def test_a_row_that_commits_late_is_never_behind_the_reader() -> None:
    lab, owner = make_lab()
    client = make_client(lab, owner)
    wrote, may_commit = threading.Event(), threading.Event()

    def record_and_wait() -> None:
        with transaction.atomic():
            record_event(lab.pk, "live", "batch.staged", at=app_now(), batch="bat_late")
            wrote.set()
            assert may_commit.wait(20)
        connection.close()

    late = threading.Thread(target=record_and_wait)
    late.start()
    assert wrote.wait(20)
    for number in (1, 2):
        with transaction.atomic():
            record_event(lab.pk, "live", "batch.running", at=app_now(), batch=f"bat_{number}")
    meanwhile = ok(client.get("/events"))
    may_commit.set()
    late.join()
    first = feed(client, limit="1")
    rest = feed(client, after=first["last"], least=2)
    end = ok(client.get("/events", after=rest["last"]))

    assert meanwhile == {"data": [], "last": None}
    assert [event["data"]["batch"] for event in (*first["data"], *rest["data"])] == ["bat_late", "bat_1", "bat_2"]
    assert end == {"data": [], "last": rest["last"]}
