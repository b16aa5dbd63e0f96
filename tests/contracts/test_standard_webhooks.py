"""The official libraries, Python and JavaScript, take what we really deliver, and nothing that was changed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.outbox import drain
from kernel.db import app_now
from labs.events import record_event
from labs.models import WebhookDelivery
from labs.webhooks.actions import create_endpoint, replay_delivery, rotate_secret
from tests.contracts import node
from tests.labs.receiver import Received, receiving
from tests.tasks.factories import make_lab

pytestmark = pytest.mark.django_db


DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "api.md"
READ_ALL = """
import { readFileSync } from "node:fs";
const events = JSON.parse(readFileSync(0, "utf8")).map((each) => readDelivery(each.secret, each.body, each.headers));
console.log(JSON.stringify(events));
"""


def documented(language: str) -> str:
    """Return the code that the document gives in a language."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return str(block)


@pytest.fixture
def delivered(settings: Any) -> tuple[list[Received], list[str]]:
    """Deliver an event, rotate the secret, deliver it again; give what came and the two secrets."""
    lab, owner = make_lab()
    with receiving() as receiver:
        settings.OUTBOUND_ALLOW = [receiver.pair]
        endpoint, first = create_endpoint(lab, mode="live", url=receiver.url, by=owner, now=app_now())
        with transaction.atomic():
            record_event(lab.pk, "live", "export.ready", at=app_now(), export="exr_1", rows=400)
        drain()
        _, second = rotate_secret(endpoint, by=owner, now=app_now())
        replay_delivery(WebhookDelivery.objects.get(), by=owner, now=app_now())
        drain()
        return receiver.received, [first, second]


def parcels(received: list[Received], secrets: list[str]) -> list[dict[str, Any]]:
    """Pair deliveries with secrets; the last three were changed on the way, or signed for somebody else."""
    before, during = received
    good = [(before, secrets[0]), (during, secrets[0]), (during, secrets[1])]
    sent: list[dict[str, Any]] = [
        {"secret": secret, "headers": got.headers, "body": got.body.decode()} for got, secret in good
    ]
    late = {"webhook-timestamp": str(int(during.headers["webhook-timestamp"]) - 600)}
    return [
        *sent,
        sent[0] | {"body": sent[0]["body"].replace("400", "401")},
        sent[0] | {"headers": before.headers | late},
        sent[0] | {"secret": secrets[1]},
    ]


def test_the_python_library_verifies_our_deliveries(delivered: tuple[list[Received], list[str]]) -> None:
    *good, changed, late, foreign = parcels(*delivered)

    assert [Webhook(each["secret"]).verify(each["body"], each["headers"])["type"] for each in good] == [
        "export.ready"
    ] * 3
    for each in (changed, late, foreign):
        with pytest.raises(WebhookVerificationError):
            Webhook(each["secret"]).verify(each["body"], each["headers"])


def test_the_javascript_library_verifies_our_deliveries(delivered: tuple[list[Received], list[str]]) -> None:
    *good, changed, late, foreign = node.run("verify.mjs", parcels(*delivered))

    assert [each["event"]["data"] for each in good] == [{"export": "exr_1", "rows": 400}] * 3
    assert [list(each) for each in (changed, late, foreign)] == [["error"]] * 3


def test_the_code_in_the_document_does_what_it_says(delivered: tuple[list[Received], list[str]]) -> None:
    sent = parcels(*delivered)
    names: dict[str, Any] = {}
    exec(documented("python"), names)  # noqa: S102  # Our own document.

    by_python = [names["read_delivery"](each["secret"], each["body"], each["headers"]) for each in sent]
    by_javascript = node.run("--input-type=module", sent, "-e", documented("js") + READ_ALL)

    assert by_python == by_javascript
    assert [event and event["type"] for event in by_python] == ["export.ready"] * 3 + [None] * 3
