"""However many workers deliver at once, and while events go on happening: each event arrives, once."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from django.db import connections, transaction

from accounts.models import OutboxItem
from accounts.outbox import drain, run_due
from kernel.db import app_now
from labs.events import record_event
from labs.models import WebhookDelivery
from labs.webhooks.actions import create_endpoint
from tests.labs.receiver import receiving
from tests.tasks.factories import make_lab

EVENTS, WRITERS, WORKERS = 40, 3, 4


@pytest.mark.django_db(transaction=True)
def test_every_event_arrives_once_while_workers_and_writers_race(settings: Any) -> None:
    lab, owner = make_lab()
    done, failures = threading.Event(), list[BaseException]()

    def write() -> None:
        for number in range(EVENTS):
            with transaction.atomic():
                record_event(lab.pk, "live", "batch.running", at=app_now(), batch=f"bat_{number}")

    def work() -> None:
        while not done.is_set():
            run_due()

    def guarded(act: Any) -> None:
        try:
            act()
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    with receiving() as receiver:
        settings.OUTBOUND_ALLOW = [receiver.pair]
        create_endpoint(lab, mode="live", url=receiver.url, by=owner, now=app_now())
        drain()
        writers = [threading.Thread(target=guarded, args=(write,)) for _ in range(WRITERS)]
        workers = [threading.Thread(target=guarded, args=(work,)) for _ in range(WORKERS)]
        for thread in (*writers, *workers):
            thread.start()
        for thread in writers:
            thread.join(60)
        done.set()
        for thread in workers:
            thread.join(60)
        drain()

    times = Counter(got.headers["webhook-id"] for got in receiver.received)
    assert failures == []
    assert (len(times), set(times.values())) == (EVENTS * WRITERS, {1})
    assert not WebhookDelivery.objects.exclude(state="DELIVERED", attempts=1).exists()
    assert not OutboxItem.objects.filter(done_at=None).exists()
