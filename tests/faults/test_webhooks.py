"""A lab whose endpoint hangs keeps nobody else waiting: shown with a real worker and a real broker."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import transaction

from accounts.models import OutboxItem
from accounts.nudges import publish
from accounts.outbox import drain, registry, run_overdue
from kernel.db import app_now
from labs.events import record_event
from labs.models import Lab, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from labs.webhooks import deliveries
from labs.webhooks.actions import create_endpoint
from marketplace.celery import QUEUES, app
from tests.faults.processes import deliverer, running, wait_until
from tests.labs.receiver import Receiver, receiving
from tests.tasks.factories import make_lab

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 50


@pytest.fixture
def broker() -> Iterator[redis.Redis]:
    """Give the broker, empty, with nudges switched on."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    settings.OUTBOX_NUDGES = True
    yield client
    settings.OUTBOX_NUDGES = False
    client.flushdb()
    client.close()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with receiving() as receiver:
        settings.OUTBOUND_ALLOW = [receiver.pair]
        yield receiver


def listening(name: str, url: str) -> Lab:
    """Make a lab with an endpoint."""
    lab, owner = make_lab(name)
    create_endpoint(lab, mode="live", url=url, by=owner, now=app_now())
    return lab


def happen(lab: Lab, times: int) -> None:
    """Let things happen at a lab."""
    for number in range(times):
        with transaction.atomic():
            record_event(lab.pk, "live", "batch.running", at=app_now(), batch=f"bat_{number}")


def arrived(receiver: Receiver, path: str) -> int:
    """Count the events that came at a path."""
    return len({got.headers["webhook-id"] for got in receiver.received if got.path == path})


@pytest.mark.processes
def test_one_that_hangs_holds_one_thread_and_the_others_are_served(broker: redis.Redis, receiver: Receiver) -> None:
    with running(deliverer(OUTBOUND_ALLOW=receiver.pair)):
        warm = listening("Warm", f"http://{receiver.pair}/warm")
        happen(warm, 1)
        wait_until(lambda: arrived(receiver, "/warm") == 1, 60)  # The worker is up.
        slow = listening("Slow", f"http://{receiver.pair}/hang")
        quick = listening("Quick", f"http://{receiver.pair}/quick")
        happen(slow, MANY)
        wait_until(lambda: arrived(receiver, "/hang") >= 1, 20)

        happen(quick, MANY)
        took = wait_until(lambda: arrived(receiver, "/quick") == MANY, 12)

        assert took < 12  # The other is still hanging: its requests end after 15 seconds.
        assert arrived(receiver, "/hang") <= deliveries.AT_ONCE
        assert not WebhookAttempt.objects.filter(delivery__endpoint__lab=slow).exists()
        receiver.opened.set()
        wait_until(lambda: arrived(receiver, "/hang") == MANY, 30)
        wait_until(lambda: not WebhookDelivery.objects.exclude(state="DELIVERED").exists(), 10)


def test_one_that_hangs_rests_and_is_asked_with_one_request(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "REQUEST_SECONDS", 0.5)
    lab = listening("Slow", f"http://{receiver.pair}/hang")
    happen(lab, 10)

    drain()
    first = len(receiver.received)
    happen(lab, 1)
    drain()
    while_resting = len(receiver.received)
    WebhookEndpoint.objects.update(rests_until=app_now())
    happen(lab, 1)
    drain()

    assert (first, while_resting, len(receiver.received)) == (4, 4, 5)
    assert set(WebhookAttempt.objects.values_list("status", "error")) == {(None, "TimeoutError")}
    assert WebhookDelivery.objects.filter(state="PENDING").count() == 12
    assert OutboxItem.objects.filter(kind="labs.deliver", done_at=None).exists()


def test_a_sweeper_does_our_own_work_before_it_calls_strangers(receiver: Receiver) -> None:
    lab = listening("Quick", receiver.url)
    drain()
    OutboxItem.objects.all().delete()
    happen(lab, 1)
    with transaction.atomic():
        for key in ("a", "b"):
            OutboxItem.objects.create(
                kind="labs.sweep_idempotency", key=key, payload={}, created_at=app_now(), run_after=app_now()
            )

    run_overdue(0, 1)
    first = [item.kind for item in OutboxItem.objects.filter(done_at__isnull=False)]
    run_overdue(0, 10)

    assert first == ["labs.sweep_idempotency"]
    assert (len(receiver.received), OutboxItem.objects.filter(done_at=None).count()) == (1, 0)


def test_a_nudge_to_deliver_reaches_those_alone_who_wait_for_strangers(broker: redis.Redis) -> None:
    with app.connection_or_acquire() as line:
        for each in app.conf.task_queues:
            each(line.default_channel).declare()  # As workers do.

    publish([("labs.deliver", registry["labs.deliver"].queue, 1)])

    assert {name: broker.llen(name) for name in QUEUES} == dict.fromkeys(QUEUES, 0) | {"webhooks": 1}
