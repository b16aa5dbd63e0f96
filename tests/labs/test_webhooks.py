"""Events reach the endpoints that listen, signed, until they are taken; and nobody is called for ever."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.models import AuditEvent, Mail, OutboxItem
from accounts.outbox import drain, run_due
from kernel.db import app_now
from kernel.errors import Invalid, Refused
from labs.events import record_event
from labs.models import Lab, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from labs.webhooks import deliveries, rules, schedule
from labs.webhooks.actions import (
    change_endpoint,
    create_endpoint,
    remove_endpoint,
    replay_delivery,
    rotate_secret,
    send_trial,
)
from labs.webhooks.retention import prune_deliveries
from tests.labs.receiver import Receiver, receiving
from tests.tasks.factories import make_lab

pytestmark = pytest.mark.django_db


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with receiving() as receiver:
        settings.OUTBOUND_ALLOW = [receiver.pair]
        yield receiver


@pytest.fixture
def lab() -> Lab:
    return make_lab()[0]


def listen(lab: Lab, url: str, **options: Any) -> tuple[WebhookEndpoint, str]:
    """Make an endpoint of the lab's own."""
    by = lab.members.get().user
    return create_endpoint(lab, mode=options.pop("mode", "live"), url=url, by=by, now=app_now(), **options)


def happen(lab: Lab, kind: str = "batch.completed", mode: str = "live", **ids: str | int) -> str:
    """Let something happen; return its event's id."""
    with transaction.atomic():
        return record_event(lab.pk, mode, kind, at=app_now(), **ids).public_id


def later(seconds: float) -> None:
    """Let time pass for all that waits: move what is due that much into the past."""
    past = timedelta(seconds=seconds)
    for endpoint in WebhookEndpoint.objects.all():
        since, rests = endpoint.failing_since, endpoint.rests_until
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
            failing_since=since and since - past, rests_until=rests and rests - past
        )
    for delivery in WebhookDelivery.objects.exclude(next_attempt_at=None):
        assert delivery.next_attempt_at
        WebhookDelivery.objects.filter(pk=delivery.pk).update(next_attempt_at=delivery.next_attempt_at - past)
    for item in OutboxItem.objects.filter(done_at=None):
        OutboxItem.objects.filter(pk=item.pk).update(run_after=item.run_after - past)


def states() -> list[tuple[str, int]]:
    """List the deliveries' states and attempts, oldest first."""
    return list(WebhookDelivery.objects.order_by("pk").values_list("state", "attempts"))


def test_an_event_arrives_signed_and_the_official_library_says_so(lab: Lab, receiver: Receiver) -> None:
    _, secret = listen(lab, receiver.url)

    event = happen(lab, batch="bat_1", state="COMPLETED")
    drain()

    (got,) = receiver.received
    assert Webhook(secret).verify(got.body, got.headers) == got.event
    assert got.event | {"timestamp": ""} == {
        "id": event,
        "type": "batch.completed",
        "timestamp": "",
        "mode": "live",
        "data": {"batch": "bat_1", "state": "COMPLETED"},
    }
    assert (got.headers["webhook-id"], got.headers["Content-Type"]) == (event, "application/json")
    assert (states(), WebhookAttempt.objects.get().status) == ([("DELIVERED", 1)], 204)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(got.body + b" ", got.headers)


def test_who_listens_to_what(lab: Lab, receiver: Receiver) -> None:
    listen(lab, f"{receiver.url}?all")
    listen(lab, f"{receiver.url}?export", kinds=["export.ready"])
    listen(lab, f"{receiver.url}?test", mode="test")
    listen(make_lab("Eve's")[0], f"{receiver.url}?eve")
    off, _ = listen(lab, f"{receiver.url}?off")
    change_endpoint(off, state="DISABLED", by=lab.members.get().user, now=app_now())

    happen(lab, "export.ready", export="exr_1")
    happen(lab, "batch.running", batch="bat_1")
    happen(lab, "batch.staged", mode="test", batch="bat_2")
    drain()

    assert sorted((got.path.partition("?")[2], got.event["type"]) for got in receiver.received) == [
        ("all", "batch.running"),
        ("all", "export.ready"),
        ("export", "export.ready"),
        ("test", "batch.staged"),
    ]


def test_an_event_costs_one_statement_and_each_listener_two(lab: Lab, django_assert_num_queries: Any) -> None:
    with transaction.atomic(), django_assert_num_queries(1):
        record_event(lab.pk, "live", "batch.running", at=app_at(lab), batch="bat_1")
    listen(lab, "https://lab.example.org/hook")
    with transaction.atomic(), django_assert_num_queries(3):
        record_event(lab.pk, "live", "batch.running", at=app_at(lab), batch="bat_1")


def app_at(lab: Lab) -> datetime:
    """Return a moment without asking the database."""
    return lab.created_at


def test_retries_keep_the_id_and_take_a_fresh_timestamp(lab: Lab, receiver: Receiver) -> None:
    _, secret = listen(lab, receiver.url)
    receiver.answers = [500, 302, 200]
    receiver.answer_body = b"x" * 2_000
    receiver.answer_headers = {"Location": f"http://{receiver.pair}/elsewhere"}

    event = happen(lab)
    drain()
    waits = [_wait()]
    for _ in range(2):
        later(400)
        drain()
        waits.append(_wait())

    assert [got.path for got in receiver.received] == ["/hook"] * 3
    assert {got.headers["webhook-id"] for got in receiver.received} == {event}
    for got in receiver.received:
        Webhook(secret).verify(got.body, got.headers)
    assert len({got.body for got in receiver.received}) == 1
    assert states() == [("DELIVERED", 3)]
    assert (4 < waits[0] < 6, 265 < waits[1] < 335, waits[2]) == (True, True, 0)
    log = list(WebhookAttempt.objects.order_by("pk").values_list("status", "answer"))
    assert log == [(500, "x" * 1_024), (302, "x" * 1_024), (200, "x" * 1_024)]


def _wait() -> float:
    """Return in how many seconds the only delivery is tried again; 0 for never."""
    again_at = WebhookDelivery.objects.get().next_attempt_at
    return (again_at - app_now()).total_seconds() if again_at else 0


def test_after_ten_attempts_and_three_days_the_endpoint_is_disabled_and_its_owners_are_told(
    lab: Lab, receiver: Receiver
) -> None:
    endpoint, _ = listen(lab, receiver.url)
    receiver.answers = [503]
    happen(lab)
    drain()

    for wait in schedule.WAITS:
        later(wait * 1.1 + 2)
        drain()

    endpoint.refresh_from_db()
    assert (len(receiver.received), states()) == (10, [("FAILED", 10)])
    assert (endpoint.state, endpoint.disabled_because) == ("DISABLED", "failing")
    letter = Mail.objects.get(to=lab.members.get().user.email, subject="A webhook endpoint was disabled")
    assert "it has failed for three days" in letter.body
    assert AuditEvent.objects.filter(verb="webhook.disabled").count() == 1


def test_a_success_forgets_the_failures(lab: Lab, receiver: Receiver) -> None:
    endpoint, _ = listen(lab, receiver.url)
    receiver.answers = [500, 200]
    happen(lab)
    drain()
    endpoint.refresh_from_db()
    since = endpoint.failing_since

    later(10)
    drain()

    endpoint.refresh_from_db()
    assert (since is not None, endpoint.failing_since, endpoint.state) == (True, None, "ENABLED")


def test_gone_disables_at_once_and_gives_up_what_waits(lab: Lab, receiver: Receiver) -> None:
    endpoint, _ = listen(lab, receiver.url)
    receiver.answers = [500, 410]
    happen(lab)
    drain()

    happen(lab, "batch.running")
    drain()
    happen(lab, "batch.paused")

    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.disabled_because) == ("DISABLED", "gone")
    assert states() == [("FAILED", 1), ("FAILED", 1)]
    assert "410 Gone" in Mail.objects.get(subject="A webhook endpoint was disabled").body


def test_what_never_answers_is_tried_again_and_what_leads_inside_is_never_called(lab: Lab, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ["127.0.0.1:9"]
    listen(lab, "http://127.0.0.1:9/hook")
    listen(lab, "https://localhost/hook")

    happen(lab)
    drain()

    log = WebhookAttempt.objects.order_by("delivery__endpoint__pk").values_list("status", "error")
    assert list(log) == [(None, "ConnectionRefusedError"), (None, "address_refused")]
    assert states() == [("PENDING", 1), ("PENDING", 1)]


@pytest.mark.parametrize(
    "url",
    [
        "http://lab.example.org/hook",
        "https://lab.example.org:22/",
        "https://user@lab.example.org/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest",
        "https://lab.example.org/\x00",
        "https://exämple.org/",
        "ftp://lab.example.org/",
        "",
        f"https://lab.example.org/{'x' * 2_000}",
    ],
)
def test_an_address_that_we_would_not_call_is_refused(lab: Lab, url: str) -> None:
    with pytest.raises(Invalid):
        listen(lab, url)

    assert WebhookEndpoint.objects.count() == 0


def test_both_secrets_sign_while_they_overlap(lab: Lab, receiver: Receiver) -> None:
    endpoint, old = listen(lab, receiver.url)
    _, new = rotate_secret(endpoint, by=lab.members.get().user, now=app_now())
    happen(lab)
    drain()
    WebhookEndpoint.objects.update(old_secret_until=app_now() - timedelta(seconds=1))
    happen(lab)
    drain()

    during, after = receiver.received
    assert len({old, new}) == 2
    for secret in (old, new):
        Webhook(secret).verify(during.body, during.headers)
    Webhook(new).verify(after.body, after.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(after.body, after.headers)


def test_a_secret_is_not_in_the_database_in_clear(lab: Lab) -> None:
    endpoint, secret = listen(lab, "https://lab.example.org/hook")
    rotate_secret(endpoint, by=lab.members.get().user, now=app_now())

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT w::text || (SELECT string_agg(a::text, '') FROM accounts_auditevent a) FROM labs_webhookendpoint w"
        )
        (row,) = cursor.fetchone()
    assert (secret[6:] in row, "whsec_" in row) == (False, False)


def test_a_delivery_is_replayed_under_its_id(lab: Lab, receiver: Receiver) -> None:
    endpoint, _ = listen(lab, receiver.url)
    by = lab.members.get().user
    event = happen(lab)
    drain()

    replay_delivery(WebhookDelivery.objects.get(), by=by, now=app_now())
    drain()
    change_endpoint(endpoint, state="DISABLED", by=by, now=app_now())

    assert [got.headers["webhook-id"] for got in receiver.received] == [event, event]
    assert (states(), WebhookDelivery.objects.get().replays) == ([("DELIVERED", 1)], 1)
    with pytest.raises(Refused, match="disabled"):
        replay_delivery(WebhookDelivery.objects.get(), by=by, now=app_now())


def test_a_waiting_delivery_goes_now_when_it_is_asked_for(lab: Lab, receiver: Receiver) -> None:
    listen(lab, receiver.url)
    receiver.answers = [500, 200]
    happen(lab)
    drain()

    replay_delivery(WebhookDelivery.objects.get(), by=lab.members.get().user, now=app_now())
    drain()

    assert states() == [("DELIVERED", 2)]


def test_a_trial_goes_to_one_endpoint_whatever_it_listens_to(lab: Lab, receiver: Receiver) -> None:
    listen(lab, f"{receiver.url}?other")
    endpoint, _ = listen(lab, receiver.url, kinds=["export.ready"])

    send_trial(endpoint, by=lab.members.get().user, now=app_now())
    drain()

    assert [(got.path, got.event["type"], got.event["data"]) for got in receiver.received] == [
        ("/hook", "webhook.test", {"endpoint": endpoint.public_id})
    ]


def test_a_removed_endpoint_has_no_secret_and_gets_nothing(lab: Lab, receiver: Receiver) -> None:
    endpoint, _ = listen(lab, receiver.url)
    happen(lab)

    remove_endpoint(endpoint, by=lab.members.get().user, now=app_now())
    happen(lab)
    drain()

    endpoint.refresh_from_db()
    assert (receiver.received, endpoint.secret, states()) == ([], "", [("FAILED", 0)])
    with pytest.raises(Refused, match="removed"):
        rotate_secret(endpoint, by=lab.members.get().user, now=app_now())


def test_a_lab_has_so_many_endpoints_and_no_more(lab: Lab) -> None:
    for number in range(rules.MOST_ENDPOINTS):
        listen(lab, f"https://lab.example.org/{number}")

    with pytest.raises(Refused, match="at most 20"):
        listen(lab, "https://lab.example.org/more")

    assert listen(lab, "https://lab.example.org/test", mode="test")[0].mode == "test"


def test_events_hold_words_and_never_what_somebody_wrote(lab: Lab) -> None:
    with transaction.atomic(), pytest.raises(AssertionError, match="never content"):
        record_event(lab.pk, "live", "batch.running", at=app_now(), name="A patient, 61, with")
    with transaction.atomic(), pytest.raises(AssertionError, match=r"labs/events\.py"):
        record_event(lab.pk, "live", "batch.exploded", at=app_now(), batch="bat_1")


def test_what_nobody_came_for_is_found(lab: Lab, receiver: Receiver) -> None:
    listen(lab, receiver.url)
    happen(lab)
    OutboxItem.objects.all().delete()
    later(180)

    found = deliveries.ask_for_left_behind()
    drain()

    assert (found, states(), deliveries.ask_for_left_behind()) == (1, [("DELIVERED", 1)], 0)


def test_a_turn_is_one_workers_and_a_lab_has_four(lab: Lab, receiver: Receiver) -> None:
    endpoints = [listen(lab, f"{receiver.url}?{number}")[0] for number in range(5)]
    happen(lab)
    for endpoint in endpoints[:4]:
        assert deliveries._take_turn(endpoint.pk, "another")

    run_due()

    assert receiver.received == []
    # The one that has no turn of its own is looked at again; those that have one are left to who has it.
    assert [row.payload for row in OutboxItem.objects.filter(kind="labs.deliver", done_at=None)] == [
        {"endpoint": str(endpoints[4].pk)}
    ]
    deliveries._end_turn(endpoints[0].pk, "another")
    later(6)
    drain()
    assert sorted(got.path[-1] for got in receiver.received) == ["0", "4"]


def test_old_deliveries_are_forgotten_and_their_events_stay(lab: Lab, receiver: Receiver) -> None:
    listen(lab, receiver.url)
    happen(lab)
    drain()
    WebhookDelivery.objects.update(created_at=app_now() - timedelta(days=91))

    forgotten = prune_deliveries(now=app_now())

    assert (forgotten, WebhookAttempt.objects.count(), lab.events.count()) == (1, 0, 1)
