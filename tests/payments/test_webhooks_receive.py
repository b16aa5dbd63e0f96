"""The webhook door: what is signed, by whom, for which endpoint and mode; stored once, answered at once."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
import stripe
from django.test import Client
from pytest_django import Settings

from payments.models import StripeEvent
from payments.states import EventState

pytestmark = pytest.mark.django_db(transaction=True)

SNAPSHOT: dict[str, Any] = {
    "id": "evt_sbx1",
    "object": "event",
    "created": 1_795_000_000,
    "livemode": False,
    "type": "customer.created",
    "data": {"object": {"id": "cus_1", "object": "customer"}},
}
THIN: dict[str, Any] = {
    "id": "evt_sbx2",
    "object": "v2.core.event",
    "created": "2026-11-18T12:00:00.000Z",
    "livemode": False,
    "type": "v2.core.account.closed",
    "related_object": {"id": "acct_1", "type": "v2.core.account"},
}


ACCOUNT_SECRET = "whsec_account_of_the_tests"


def signature(body: str, secret: str = ACCOUNT_SECRET, *, age: timedelta = timedelta()) -> str:
    at = int(time.time() - age.total_seconds())
    return str(stripe.WebhookSignature.generate_signature_header(body, secret, timestamp=at))


def post(body: str, header: str | None, endpoint: str = "account") -> int:
    headers = {"stripe-signature": header} if header is not None else {}
    response = Client().post(f"/stripe/webhook/{endpoint}", body, content_type="application/json", headers=headers)
    return response.status_code


def stored() -> list[tuple[str, str, str, str]]:
    return list(StripeEvent.objects.values_list("mode", "stripe_id", "endpoint", "state"))


def test_a_signed_event_is_stored_and_answered() -> None:
    body = json.dumps(SNAPSHOT)

    status = post(body, signature(body))

    event = StripeEvent.objects.get()
    assert status == 200
    assert stored() == [("test", "evt_sbx1", "account", EventState.RECEIVED)]
    assert (event.kind, event.object_id, event.payload) == ("customer.created", "cus_1", SNAPSHOT)


def test_a_thin_event_is_stored_by_its_related_object() -> None:
    body = json.dumps(THIN)

    status = post(body, signature(body, "whsec_thin_of_the_tests"), "thin")

    assert (status, StripeEvent.objects.get().object_id) == (200, "acct_1")


def test_an_event_delivered_twice_is_stored_once() -> None:
    body = json.dumps(SNAPSHOT)

    statuses = [post(body, signature(body)) for _ in range(2)]

    assert statuses == [200, 200]
    assert len(stored()) == 1


def test_a_forged_event_is_refused_and_not_stored() -> None:
    body = json.dumps(SNAPSHOT)
    forged = {
        "wrong secret": post(body, signature(body, "whsec_of_a_stranger")),
        "changed by one byte": post(body.replace("cus_1", "cus_2"), signature(body)),
        "stale": post(body, signature(body, age=timedelta(seconds=301))),
        "no header": post(body, None),
        "empty header": post(body, ""),
        "nonsense": post(body, "t=x,v1=y"),
        "v0 only": post(body, signature(body).replace("v1=", "v0=")),
        "another endpoint's": post(body, signature(body, "whsec_connect_of_the_tests")),
    }

    assert set(forged.values()) == {400}, forged
    assert stored() == []


def test_during_a_rotation_either_secret_is_good(settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRETS = {**settings.STRIPE_WEBHOOK_SECRETS, "account": ["whsec_new", "whsec_old"]}
    body = json.dumps(SNAPSHOT)

    statuses = [post(body, signature(body, secret)) for secret in ("whsec_new", "whsec_old", "whsec_older")]

    assert statuses == [200, 200, 400]


def test_a_header_with_two_signatures_needs_one_that_fits() -> None:
    body = json.dumps(SNAPSHOT)
    stamp, good = signature(body).split(",")

    assert post(body, f"{stamp},v1={'0' * 64},{good}") == 200


def test_each_endpoint_takes_its_own_kind_of_event() -> None:
    snapshot, thin = json.dumps(SNAPSHOT), json.dumps(THIN)

    statuses = [
        post(thin, signature(thin), "account"),
        post(snapshot, signature(snapshot, "whsec_thin_of_the_tests"), "thin"),
    ]

    assert statuses == [400, 400]
    assert stored() == []


def test_an_event_of_the_other_mode_is_refused() -> None:
    body = json.dumps({**SNAPSHOT, "livemode": True})

    assert post(body, signature(body)) == 400
    assert stored() == []


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "null",
        '"event"',
        "{",
        "[" * 100_000,
        '{"object": "event"}',
        '{"object": "event", "id": 1, "type": "x", "created": 1e400, "livemode": false}',
        '{"object": "event", "id": "e", "type": "x", "created": {}, "livemode": false}',
        '{"object": "event", "id": "e", "type": "x", "created": 1, "livemode": false, "data": []}',
        '{"object": "event", "id": "e\\u0000", "type": "x", "created": 1, "livemode": false, "data": {}}',
        '{"object": "event", "id": "e", "type": "\\ud800", "created": 1, "livemode": false, "data": {}}',
    ],
)
def test_a_signed_body_of_the_wrong_shape_is_a_400_and_never_a_500(body: str) -> None:
    assert post(body, signature(body)) == 400
    assert stored() == []


def test_a_body_that_is_not_text_is_refused() -> None:
    response = Client().post(
        "/stripe/webhook/account",
        b"\xff\xfe",
        content_type="application/json",
        headers={"stripe-signature": "t=1,v1=a"},
    )

    assert response.status_code == 400


def test_a_body_that_is_too_large_is_refused_unread() -> None:
    body = json.dumps({**SNAPSHOT, "padding": "x" * 600_000})

    assert post(body, signature(body)) == 413


def test_an_unknown_endpoint_is_404_and_reading_is_405() -> None:
    assert post("{}", "t=1,v1=a", "elsewhere") == 404
    assert Client().get("/stripe/webhook/account").status_code == 405
