"""The console's pages about webhooks, as people use them; each form without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from standardwebhooks import Webhook

from accounts.models import User
from accounts.outbox import drain
from kernel.db import app_now
from labs.models import Member, WebhookDelivery, WebhookEndpoint
from tests.accounts.factories import log_in, make_user
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
def owner() -> User:
    return make_lab()[1]


@pytest.fixture
def console(owner: User) -> Client:
    return log_in(Client(), owner)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def secret_in(answer: Any) -> str:
    """Return the secret that a page shows."""
    shown = re.search(r"whsec_[A-Za-z0-9+/=]{44}", text(answer))
    assert shown
    return shown.group()


def make(console: Client, url: str, **values: object) -> tuple[WebhookEndpoint, str]:
    """Make an endpoint through the page; return it and the secret that the page showed."""
    answer = console.post("/lab/webhooks/", {"url": url, "mode": "live", **values})
    return WebhookEndpoint.objects.latest("created_at"), secret_in(answer)


def test_an_endpoint_is_made_tried_looked_at_and_replayed(console: Client, receiver: Receiver) -> None:
    receiver.answers, receiver.answer_body = [500, 200], b"<script>alert('no')</script>"
    endpoint, secret = make(console, receiver.url, description="Trainer", kinds=["export.ready"])
    page = f"/lab/webhooks/{endpoint.public_id}/"

    tried: Any = console.post(f"{page}test/")
    drain()
    failed, log = text(console.get(tried.url)), text(console.get(page))
    replayed: Any = console.post(f"{tried.url}replay/")
    drain()
    done = text(console.get(replayed.url))

    assert secret not in text(console.get("/lab/webhooks/")) + log
    assert [Webhook(secret).verify(got.body, got.headers)["type"] for got in receiver.received] == ["webhook.test"] * 2
    assert ("Answered 500" in failed, "Send now" in failed, "webhook.test" in log) == (True, True, True)
    assert ("Answered 200" in done, "Replay" in done) == (True, True)
    assert "&lt;script&gt;alert" in failed
    assert "<script>alert" not in failed


def test_a_rotated_secret_is_shown_once_and_both_sign(console: Client, receiver: Receiver) -> None:
    endpoint, old = make(console, receiver.url)
    page = f"/lab/webhooks/{endpoint.public_id}/"

    rotated = console.post(f"{page}rotate/")
    console.post(f"{page}test/")
    drain()

    new = secret_in(rotated)
    (got,) = receiver.received
    for secret in (old, new):
        Webhook(secret).verify(got.body, got.headers)
    assert "no-store" in rotated.headers["Cache-Control"]
    assert ("Two secrets sign until" in text(rotated), new in text(console.get(page))) == (True, False)


def test_an_endpoint_is_changed_disabled_enabled_and_removed(console: Client) -> None:
    endpoint, _ = make(console, URL)
    page = f"/lab/webhooks/{endpoint.public_id}/"

    console.post(page, {"url": f"{URL}/2", "description": "Two", "kinds": ["funds.low"]})
    console.post(f"{page}switch/", {"state": "DISABLED"})
    endpoint.refresh_from_db()
    off = text(console.get(page))
    refused = console.post(f"{page}test/")
    console.post(f"{page}switch/", {"state": "ENABLED"})
    console.post(f"{page}remove/")

    assert (endpoint.url, endpoint.description, endpoint.kinds) == (f"{URL}/2", "Two", ["funds.low"])
    assert ("One of you disabled it" in off, "Send a test" in off, refused.status_code) == (True, False, 409)
    assert console.get(page).status_code == 404
    assert "No endpoints yet" in text(console.get("/lab/webhooks/"))


@pytest.mark.parametrize("url", ["http://lab.example.org/", "https://127.0.0.1/", "https://lab.example.org:22/", ""])
def test_a_bad_address_is_named_beside_its_field(console: Client, url: str) -> None:
    refused = console.post("/lab/webhooks/", {"url": url, "mode": "live"})
    endpoint, _ = make(console, URL)
    changed = console.post(f"/lab/webhooks/{endpoint.public_id}/", {"url": url})

    endpoint.refresh_from_db()
    assert (refused.status_code, changed.status_code, endpoint.url) == (422, 422, URL)
    assert "invalid-feedback" in text(refused)
    assert "invalid-feedback" in text(changed)


def test_a_member_sees_and_changes_nothing(owner: User, console: Client, receiver: Receiver) -> None:
    endpoint, _ = make(console, receiver.url)
    page = f"/lab/webhooks/{endpoint.public_id}/"
    tried: Any = console.post(f"{page}test/")
    mia = make_user("Mia")
    Member.objects.create(lab=endpoint.lab, user=mia, role="member", added_at=app_now())
    member = log_in(Client(), mia)

    seen = [member.get(path) for path in ("/lab/webhooks/", page, tried.url)]
    tries = [
        member.post(path, {"url": URL, "mode": "live", "state": "DISABLED"}).status_code
        for path in ("/lab/webhooks/", page, *(f"{page}{verb}/" for verb in ("test", "rotate", "switch", "remove")))
    ]

    assert [answer.status_code for answer in seen] == [200] * 3
    assert [*tries, member.post(f"{tried.url}replay/").status_code] == [403] * 7
    assert [word for word in ("New endpoint", "Rotate the secret", "Replay") if word in "".join(map(text, seen))] == []


def test_another_lab_s_endpoint_is_not_there(console: Client) -> None:
    endpoint, _ = make(console, URL)
    console.post(f"/lab/webhooks/{endpoint.public_id}/test/")
    delivery = WebhookDelivery.objects.get()
    eve = log_in(Client(), make_lab("Eve's")[1])
    own, _ = make(eve, URL)

    paths = [
        f"/lab/webhooks/{endpoint.public_id}/",
        f"/lab/webhooks/{endpoint.public_id}/deliveries/{delivery.public_id}/",
        f"/lab/webhooks/{own.public_id}/deliveries/{delivery.public_id}/",
    ]

    assert [eve.get(path).status_code for path in paths] == [404] * 3
    assert eve.post(f"/lab/webhooks/{endpoint.public_id}/rotate/").status_code == 404
    assert eve.post(f"{paths[2]}replay/").status_code == 404


def test_the_log_is_read_in_pages_and_costs_the_same_for_one_and_for_many(console: Client, receiver: Receiver) -> None:
    endpoint, _ = make(console, receiver.url)
    page = f"/lab/webhooks/{endpoint.public_id}/"
    counts = []
    for times in (1, 50):
        for _ in range(times):
            console.post(f"{page}test/")
        drain()
        with CaptureQueriesContext(connection) as statements:
            first = text(console.get(page))
        counts.append(len(statements))

    older = re.search(r"\?before=(dlv_\w+)", first)
    assert older
    rest = text(console.get(page, {"before": older.group(1)}))

    assert counts[0] == counts[1]
    assert (first.count("/deliveries/dlv_"), rest.count("/deliveries/dlv_"), "before=" in rest) == (50, 1, False)
    assert text(console.get(page, {"state": "FAILED"})).count("/deliveries/dlv_") == 0
    assert console.get(page, {"state": "NONSENSE", "before": "nonsense"}).status_code == 200
