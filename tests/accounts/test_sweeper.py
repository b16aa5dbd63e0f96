"""The sweeper finds what nobody came for, and survives what it does itself."""

import os
import signal
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import transaction
from django.urls import reverse

from accounts import health, sweeper
from accounts.models import OutboxItem, User
from accounts.outbox import due, job, run_overdue
from accounts.queries import oldest_due_seconds
from accounts.sweeper import Swept, run_in_child, sweep
from accounts.watchdog import Watchdog
from kernel.db import app_now
from tests.accounts.factories import make_user

ran: list[int] = []


@job("sweeper.note")
def note(number: int) -> None:
    """Remember a number."""
    ran.append(number)


@job("sweeper.rename")
def rename(user: str) -> None:
    """Leave a trace that other processes see."""
    User.objects.filter(pk=user).update(name="Renamed")


@job("sweeper.kill", timeout=5)
def kill() -> None:
    """Kill whoever does it."""
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(autouse=True)
def sent(monkeypatch) -> list[object]:
    """Collect what would go to the broker, and leave periodic work out."""
    ran.clear()
    sent: list[object] = []
    monkeypatch.setattr(sweeper, "publish", lambda nudges: sent.extend(nudges))
    monkeypatch.setattr(sweeper, "recur_all", lambda: None)
    return sent


def make_due(kind: str, seconds: float, **ids: object) -> int:
    """Commit a row that has been due for some seconds."""
    with transaction.atomic():
        item = due(kind, run_after=app_now() - timedelta(seconds=seconds), **ids)
    assert item is not None
    return item


def test_what_is_due_just_now_is_left_to_the_workers(db, sent):
    make_due("sweeper.note", 0, number=1)

    assert (sweep(), sent, ran) == (Swept(0, 0), [], [])


def test_overdue_rows_are_nudged_once_in_a_while(db, sent):
    item = make_due("sweeper.note", 5, number=1)

    assert (sweep(), sweep(), sent, ran) == (Swept(1, 0), Swept(0, 0), [("sweeper.note", "default", item)], [])


def test_rows_that_nobody_came_for_are_done_here(db):
    make_due("sweeper.note", 30, number=1)

    assert (sweep(), ran) == (Swept(1, 1), [1])


def test_without_a_broker_the_work_is_done_here(db, monkeypatch):
    make_due("sweeper.note", 5, number=1)

    def fail(nudges: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(sweeper, "publish", fail)

    assert (sweep(), ran) == (Swept(0, 1), [1])


def test_a_held_row_is_left_alone_until_its_lease_ends(db, sent):
    item = make_due("sweeper.note", 30, number=1)
    OutboxItem.objects.update(locked_until=app_now() + timedelta(seconds=30), locked_by="x")
    held = sweep()
    OutboxItem.objects.update(locked_until=app_now() - timedelta(seconds=1), nudged_at=app_now() - timedelta(seconds=5))

    assert (held, sweep(), sent) == (Swept(0, 0), Swept(1, 1), [("sweeper.note", "default", item)])


@pytest.mark.django_db(transaction=True)
def test_a_child_does_the_work():
    user = make_user("Cyd")
    make_due("sweeper.rename", 30, user=user.pk)

    assert run_in_child(20, 50) == 0
    user.refresh_from_db()
    assert (user.name, OutboxItem.objects.get().done_at is not None) == ("Renamed", True)


@pytest.mark.django_db(transaction=True)
def test_work_that_kills_takes_the_child_and_not_the_sweeper():
    make_due("sweeper.kill", 30)

    assert (run_in_child(20, 50), OutboxItem.objects.get().attempts) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_a_full_round_asks_for_another():
    user = make_user("Cyd")
    for _ in range(3):
        make_due("sweeper.rename", 30, user=user.pk)

    assert (run_in_child(20, 2), run_in_child(20, 2)) == (2, 0)


def test_periodic_work_is_written_from_the_beat_schedule(db, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(sweeper, "_last_bucket", {})
    sweeper.recur_all()

    kinds = set(OutboxItem.objects.values_list("kind", flat=True))
    assert {"accounts.seal_audit", "tasks.expire_claims"} <= kinds


@pytest.mark.django_db(transaction=True)
def test_the_command_sweeps_once():
    make_due("sweeper.rename", 30, user=make_user("Cyd").pk)
    call_command("sweep", once=True, stdout=StringIO())

    assert OutboxItem.objects.filter(kind="sweeper.rename", done_at__isnull=False).count() == 1


def test_a_worker_is_deaf_when_nudged_rows_wait_and_it_heard_nothing(db):
    dog = Watchdog()
    make_due("sweeper.note", 90, number=1)
    OutboxItem.objects.update(nudged_at=app_now() - timedelta(seconds=30))
    awake = dog.is_deaf()
    dog.heard_at -= 61

    assert (awake, dog.is_deaf()) == (False, True)
    OutboxItem.objects.update(done_at=app_now())
    assert not dog.is_deaf()


def test_the_age_of_the_oldest_due_row_is_told(db):
    assert oldest_due_seconds() == 0
    make_due("sweeper.note", 100, number=1)

    assert 100 <= oldest_due_seconds() < 160


def test_health_names_what_is_wrong(db, client):
    make_due("sweeper.note", 100, number=1)
    OutboxItem.objects.create(kind="x", created_at=app_now(), run_after=app_now(), dead_at=app_now())
    found = {check.name: check.tone for check in health.checks()}

    assert (found["Database"], found["Outbox"], found["Dead jobs"], found["Workers"]) == (
        "settled", "stopped", "stopped", "wait",
    )  # fmt: skip
    assert client.get(reverse("accounts:health")).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_what_labs_try_out_makes_nothing_late_and_comes_after_all_else():
    with transaction.atomic():
        trial = due("marketplace.simulate_batch", run_after=app_now() - timedelta(minutes=10), batch=uuid4())
        ours = due("accounts.seal_audit", run_after=app_now() - timedelta(minutes=1))

    assert 50 < oldest_due_seconds() < 100
    assert run_overdue(0, 1) == 1

    done = OutboxItem.objects.filter(done_at__isnull=False).values_list("pk", flat=True)
    assert (list(done), OutboxItem.objects.get(pk=trial).attempts) == ([ours], 0)
