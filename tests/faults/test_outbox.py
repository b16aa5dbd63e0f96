"""With real workers, a real broker and real accidents, every effect happens once and nothing is lost."""

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
import requests
from django.conf import settings
from django.db import transaction

from accounts.models import Mail, OutboxItem
from accounts.outbox import due
from accounts.queries import oldest_due_seconds
from kernel.db import app_now
from tests.faults import jobs
from tests.faults.processes import SWEEP_ONCE, free_port, kill, running, start, sweeper, wait_until, web, worker

__all__ = ["jobs"]  # Registered here too, so that nudges know the queues.

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


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


def make_due(kind: str, numbers: range) -> None:
    """Commit one row for each number, each in a transaction of its own."""
    for number in numbers:
        with transaction.atomic():
            due(kind, number=number)


def effects() -> list[str]:
    """List what took effect."""
    return sorted(Mail.objects.filter(key__startswith="effect-").values_list("key", flat=True))


def expected(count: int) -> list[str]:
    """List what must take effect."""
    return sorted(f"effect-{number}" for number in range(count))


def all_done(kind: str) -> bool:
    """Is no row of this kind open?"""
    return not OutboxItem.objects.filter(kind=kind, done_at=None, dead_at=None).exists()


def test_without_broker_and_workers_the_sweeper_does_the_work(broker):
    overdue = app_now() - timedelta(seconds=10)
    with transaction.atomic():
        for number in range(10):
            due("faults.effect", number=number, run_after=overdue)
    done = start("-c", SWEEP_ONCE, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    done.wait(60)

    assert effects() == expected(10)
    assert oldest_due_seconds() < 5


@pytest.mark.parametrize("kind", ["closed", "black_hole"])
def test_a_broker_that_is_away_delays_no_request(broker, kind):
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as hole:
        away = hole.getsockname()[1] if kind == "black_hole" else free_port()
        with web(port, REDIS_URL=f"redis://127.0.0.1:{away}/0"):
            taken = [sign_up(port, number) for number in range(4)]

    assert [status for status, _ in taken] == [302] * 4
    assert max(seconds for _, seconds in taken) < 2.0
    assert OutboxItem.objects.filter(kind="accounts.send_mail").count() == 4


def test_a_worker_killed_at_work_leaves_each_effect_once(broker):
    with running(sweeper()):
        first = worker()
        make_due("faults.slow_effect", range(6))
        rows = OutboxItem.objects.filter(kind="faults.slow_effect")
        wait_until(lambda: rows.filter(locked_until__isnull=False).exists(), 60)
        kill(first)
        with running(worker()):
            wait_until(lambda: all_done("faults.slow_effect"), 60)

    assert effects() == expected(6)
    assert max(rows.values_list("attempts", flat=True)) >= 2
    assert not rows.filter(dead_at__isnull=False).exists()


@pytest.fixture(scope="module")
def staff(django_db_setup: None) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a worker and a sweeper at work for the tests below; give the sweeper."""
    with running(worker()), running(sweeper()) as sweeping:
        yield sweeping


def test_a_worker_does_what_it_is_nudged_about(broker, staff):
    make_due("faults.effect", range(3))
    wait_until(lambda: all_done("faults.effect"), 60)

    assert effects() == expected(3)


def test_a_flushed_broker_loses_nothing_of_two_hundred(broker, staff):
    began = time.monotonic()
    for start_at in range(0, 200, 50):
        make_due("faults.effect", range(start_at, start_at + 50))
        broker.flushdb()
    wait_until(lambda: all_done("faults.effect"), 60)

    assert effects() == expected(200)
    assert time.monotonic() - began < 60


def test_poison_is_dead_after_five_and_others_go_on(broker, staff):
    with transaction.atomic():
        due("faults.poison")
    make_due("faults.effect", range(20))
    waited = wait_until(lambda: all_done("faults.effect"), 30)
    wait_until(lambda: all_done("faults.poison"), 60)

    poison = OutboxItem.objects.get(kind="faults.poison")
    assert (poison.dead_at is not None, poison.done_at) == (True, None)
    assert poison.last_error == "Every worker that took it up died."
    assert (effects(), waited < 30, staff.poll()) == (expected(20), True, None)


def sign_up(port: int, number: int) -> tuple[int, float]:
    """Sign up over HTTP, which posts a letter; return the status and how long it took."""
    url = f"http://127.0.0.1:{port}/accounts/signup/"
    with requests.Session() as session:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', session.get(url, timeout=10).text)
        assert token is not None
        values = {
            "name": "Cyd", "email": f"cyd-{number}@example.com", "csrfmiddlewaretoken": token.group(1),
            "password1": "correct horse battery", "password2": "correct horse battery",
        }  # fmt: skip
        began = time.monotonic()
        answer = session.post(url, values, headers={"Referer": url}, allow_redirects=False, timeout=10)
        return answer.status_code, time.monotonic() - began
