"""No form of an address that leads inside is ever called for a lab: refused as it is given, or never connected to."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.outbox import drain
from labs.models import WebhookAttempt
from tests.kernel.test_outbound import ADDRESSES, HIDDEN, MALFORMED, Connections, literal
from tests.labs.factories import make_client, ok
from tests.labs.receiver import receiving
from tests.tasks.factories import make_lab

pytestmark = pytest.mark.django_db

FORMS = [*dict.fromkeys([*(literal(address) for address in HIDDEN), *ADDRESSES, *MALFORMED])]


@pytest.fixture(scope="module")
def connections() -> Connections:
    return Connections()


def test_sixty_forms_and_more_are_tried() -> None:
    assert len(FORMS) >= 60


@pytest.mark.parametrize("url", FORMS)
def test_an_endpoint_inside_is_never_called(url: str, connections: Connections) -> None:
    client = make_client(*make_lab())
    client.get("/me")  # Connects to what we use ourselves.

    with connections.counted() as begun:
        made = client.post("/webhooks", {"url": url})
        if made.status_code == 201:
            ok(client.post(f"/webhooks/{made.json()['id']}:test"), 202)
            drain()

    assert (begun, made.status_code in {201, 422}) == ([], True)
    assert set(WebhookAttempt.objects.values_list("status", flat=True)) <= {None}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_delivery_is_not_led_elsewhere(status: int, settings: Any) -> None:
    client = make_client(*make_lab())
    with receiving() as first, receiving() as second:
        settings.OUTBOUND_ALLOW = [first.pair, second.pair]
        first.answers, first.answer_headers = [status], {"Location": second.url}
        made = ok(client.post("/webhooks", {"url": first.url}), 201)
        ok(client.post(f"/webhooks/{made['id']}:test"), 202)
        drain()

    assert (len(first.received), second.received) == (1, [])
