"""A web process killed in the middle of a request leaves nothing half-written, and its key is soon free again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import requests
from django.db import connection

from accounts.clock import move_clock, set_offset
from agreements.models import Agreement
from kernel.db import app_now
from labs.models import IdempotencyRecord
from tasks.actions import publishing
from tasks.actions.ingest import ABANDONED_AFTER, sweep_ingest
from tasks.models import Batch, IngestRun, Slot, StagedLine, Task
from tests.database import owner_connection
from tests.faults.processes import free_port, kill, wait_until, web
from tests.labs.factories import make_client
from tests.tasks.factories import World, make_world

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]

LOCK = 4711
WAITING = "FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
LINES = 12_000
BODY = b"".join(b'{"external_id": "%d", "payload": {"prompt": "When?"}}\n' % n for n in range(LINES))
AGREEMENT = b'{"title": "NDA", "code_name": "Heron"}'
NDJSON = "application/x-ndjson"
STORED = "AFTER UPDATE ON labs_idempotencyrecord FOR EACH ROW WHEN (NEW.status IS NOT NULL)"


@dataclass
class Caller:
    """A lab's program: it posts under one Idempotency-Key, in a thread, and keeps what is answered."""

    port: int
    token: str
    answer: requests.Response | None = None

    def post(self, path: str, body: Any, kind: str = "application/json") -> None:
        """Post; a connection that breaks is no answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": "nightly", "Content-Type": kind}
        self.answer = None
        with suppress(requests.RequestException):
            url = f"http://127.0.0.1:{self.port}/api/v1{path}"
            self.answer = requests.post(url, data=body, headers=headers, timeout=60)

    @contextmanager
    def posting(self, path: str, body: Any, kind: str = "application/json") -> Iterator[None]:
        """Post while the block runs, and see no answer come."""
        thread = threading.Thread(target=self.post, args=(path, body, kind))
        thread.start()
        try:
            yield
        finally:
            thread.join()
        assert self.answer is None

    def again(self, path: str, body: Any, kind: str = "application/json") -> requests.Response:
        """Post it anew; where the first still holds the key, wait as long as is said, a minute at most."""
        self.post(path, body, kind)
        if self.answer is not None and self.answer.status_code == 409:
            seconds = int(self.answer.headers["Retry-After"])
            assert (self.answer.json()["code"], seconds <= 60) == ("idempotency_in_flight", True)
            move_clock(timedelta(seconds=seconds))
            self.post(path, body, kind)
        assert self.answer is not None
        return self.answer


@pytest.fixture
def world() -> World:
    return make_world(tasks=1)


@pytest.fixture
def caller(world: World) -> Iterator[Caller]:
    yield Caller(free_port(), make_client(world.lab, world.owner).text)
    set_offset(timedelta(0))


@pytest.fixture
def batch(world: World) -> Batch:
    return publishing.create_batch(world.project, name="Second", by=world.owner, now=app_now())


@contextmanager
def held(event: str) -> Iterator[psycopg.Connection[Any]]:
    """Let whoever comes to ``event`` wait in the database; those who waited are gone when the block is left."""
    with owner_connection() as owner:
        owner.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        owner.execute(
            f"CREATE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NULL; END $$"
        )
        owner.execute(f"CREATE TRIGGER wait_here {event} EXECUTE FUNCTION wait_here()".encode())
        try:
            yield owner
        finally:
            with connection.cursor() as cursor:  # The app's role ends its own sessions; the owner may not.
                cursor.execute(f"SELECT pg_terminate_backend(pid) {WAITING}")
            owner.execute("DROP FUNCTION wait_here CASCADE")


def somebody_waits(owner: psycopg.Connection[Any]) -> bool:
    """Has somebody come to the event?"""
    return owner.execute(f"SELECT 1 {WAITING}".encode()).fetchone() is not None


def slowly(gate: threading.Event) -> Iterator[bytes]:
    """Yield nearly all of the lines, and the rest once ``gate`` opens."""
    yield BODY[:-1_000]
    gate.wait(60)
    yield BODY[-1_000:]


@pytest.mark.parametrize(
    ("event", "left"),
    [("AFTER INSERT ON agreements_agreement FOR EACH ROW", 0), (STORED, 1)],
    ids=["before its commit", "before its answer"],
)
def test_a_post_that_is_killed_acts_once(caller: Caller, event: str, left: int) -> None:
    there = Agreement.objects.count()
    with held(event) as owner, web(caller.port) as process, caller.posting("/agreements", AGREEMENT):
        wait_until(lambda: somebody_waits(owner), 20)
        kill(process)
    found = Agreement.objects.count() - there

    with web(caller.port):
        answer = caller.again("/agreements", AGREEMENT)
        replayed = caller.again("/agreements", AGREEMENT)

    assert (found, answer.status_code, Agreement.objects.count() - there) == (left, 201, 1)
    assert (replayed.json()["id"], replayed.headers["Idempotent-Replayed"]) == (answer.json()["id"], "true")


def test_an_ingest_that_is_killed_while_its_lines_come_in_leaves_no_task(caller: Caller, batch: Batch) -> None:
    path, gate = f"/batches/{batch.public_id}/tasks", threading.Event()
    with web(caller.port) as process, caller.posting(path, slowly(gate), NDJSON):
        wait_until(lambda: StagedLine.objects.exists(), 30)
        kill(process)
        gate.set()
    found = Task.objects.filter(batch=batch).count()

    with web(caller.port):
        answer = caller.again(path, BODY, NDJSON)
    swept = sweep_ingest(app_now() + ABANDONED_AFTER)

    assert (found, answer.json()["accepted"], answer.json()["duplicates"]) == (0, LINES, 0)
    assert (swept, StagedLine.objects.count(), IngestRun.objects.filter(merged_at=None).count()) == (1, 0, 0)
    assert wanted(batch) == (LINES, LINES)


@pytest.mark.parametrize(
    ("event", "left"),
    [("AFTER INSERT ON tasks_slot FOR EACH STATEMENT", 0), (STORED, LINES)],
    ids=["in its merge", "before its answer"],
)
def test_an_ingest_that_is_killed_at_its_end_is_whole_or_not_there(
    caller: Caller, batch: Batch, event: str, left: int
) -> None:
    path = f"/batches/{batch.public_id}/tasks"
    with held(event) as owner, web(caller.port) as process, caller.posting(path, BODY, NDJSON):
        wait_until(lambda: somebody_waits(owner), 30)
        kill(process)
    found = Task.objects.filter(batch=batch).count()

    with web(caller.port):
        answer = caller.again(path, BODY, NDJSON)

    assert (found, answer.status_code, answer.json()["accepted"]) == (left, 200, LINES)
    assert wanted(batch) == (LINES, LINES)
    assert IdempotencyRecord.objects.filter(done_at=None).count() == 0


def wanted(batch: Batch) -> tuple[int, int]:
    """Count a batch's tasks and the answers wanted of them."""
    return Task.objects.filter(batch=batch).count(), Slot.objects.filter(batch=batch).count()
