"""Trials of several labs are played at once, by the same cast: each is done, and the books of all are right."""

from __future__ import annotations

import time

import pytest

from accounts.models import OutboxItem
from accounts.outbox import run_due
from kernel.db import app_now
from payments.checks import breaches
from tasks.actions import posting, publishing
from tasks.models import Batch, Claim
from tasks.queries import batch_progress
from tests.races.threads import at_once, failures
from tests.tasks.factories import make_lab
from tests.tasks.play import make_play

pytestmark = pytest.mark.django_db(transaction=True)

TASKS = 12


def begun(name: str) -> Batch:
    """Launch a lab's trial."""
    play, now = make_play(lab=make_lab(name), assignment="open"), app_now()
    lines = [{"external_id": f"t-{n}", "payload": {"prompt": f"When is level {n} taken?"}} for n in range(TASKS)]
    values = {"name": "Trial", "simulation": {"seed": 7, "return_bps": 2_000, "reject_bps": 0}}
    batch = posting.create_batch_with_tasks(play.project, values, lines, by=play.owner, now=now)
    publishing.launch_batch(batch, by=play.owner, now=now)
    return publishing.drain_batch(batch, by=play.owner, now=now)


def work(_: int) -> None:
    """Take up what is due, as a worker does, until nothing is open: what comes back later is waited for."""
    until = time.monotonic() + 60
    while OutboxItem.objects.filter(done_at=None, dead_at=None).exists() and time.monotonic() < until:
        if not run_due(5):
            time.sleep(0.05)


def test_labs_that_try_things_out_at_once_do_not_get_in_each_others_way() -> None:
    batches = [begun(name) for name in ("Northwind", "Halcyon", "Eastgate")]

    outcomes = at_once(work, range(4))

    assert failures(outcomes) == []
    assert [batch_progress(batch).accepted for batch in batches] == [TASKS] * 3
    assert OutboxItem.objects.filter(dead_at__isnull=False).count() == 0
    assert not Claim.objects.filter(state="WORKING").exists()
    assert breaches() == []
