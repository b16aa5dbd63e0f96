"""Send a run of 10,000 payouts to a local Stripe that breaks every fifth call, and compare all money afterwards."""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min

from accounts.clock import move_clock
from accounts.models import OutboxItem
from bench.payees import an_approved_run, experts_who_earned, people_of_finance
from bench.report import Figure, Report
from kernel.db import app_now
from marketplace.celery import app
from payments import sending
from payments.checks import breaches
from payments.models import Difference, PayoutRun
from payments.rates import week_of
from payments.reconciliation import reconcile
from payments.sandbox.faults import Faults
from payments.sandbox.server import Sandbox
from payments.states import RunState

FAULT_SHARE = 0.2
# What breaks, and how often beside the others: a key that answers 500 for ever is asked again for a day.
FAULTS = {"after_drop": 50, "before_drop": 50, "429": 50, "409": 50, "503": 50, "500_after": 50, "after_timeout": 10}
FAULTS |= {"500": 1, "500_cached": 1}
PER_SECOND = 200
JITTER = 1.05  # Calls are spaced where they leave; when they arrive is the machine's.
WORKERS = 6
LONGEST_SECONDS = 1_800.0


class EveryFifth(Faults):
    """Break a share of all transfers, by dice of a known seed, and keep when each was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.dice, self.asked_at, self.broken = random.Random(1), list[float](), 0

    def take(self, method: str, path: str) -> str:
        """Return what goes wrong with this call, or nothing."""
        if method != "POST" or path != "/v1/transfers":
            return ""
        self.asked_at.append(time.monotonic())
        if self.dice.random() >= FAULT_SHARE:
            return ""
        self.broken += 1
        return self.dice.choices(list(FAULTS), list(FAULTS.values()))[0]


@dataclass(frozen=True)
class Outcome:
    """How a run went, and what is wrong with it."""

    seconds: float
    reconcile_seconds: float
    paid: int
    twice: int
    off_minor: int
    differences: int
    fastest_second: int
    calls: int
    broken: int


def measure(options: argparse.Namespace) -> Report:
    """Return items a second, and whether everybody was paid once and each cent is where the ledger says."""
    app.loader.import_default_modules()
    faults = EveryFifth()
    stripe = Sandbox(hang_seconds=1.2)
    stripe.engine.faults = faults
    stripe.start()
    settings.STRIPE_API_BASE = stripe.url
    settings.OUTBOX_NUDGES = False
    try:
        run = _prepare(stripe, options.items)
        outcome = _send(stripe, faults, run)
    finally:
        stripe.stop()
    return _report(outcome, options.items)


def _prepare(stripe: Sandbox, items: int) -> PayoutRun:
    now = app_now()
    week, finance = week_of(now) - timedelta(days=7), people_of_finance(now)
    experts_who_earned(stripe, items, week=week, by=finance[0], now=now)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    run = an_approved_run(week, finance, now=now)
    OutboxItem.objects.filter(done_at__isnull=True).update(done_at=now)  # It begins when the processes are ready.
    return run


def _send(stripe: Sandbox, faults: EveryFifth, run: PayoutRun) -> Outcome:
    with _workers(stripe):
        begun = time.monotonic()
        sending.start_sending(run, now=app_now())
        taken = _wait_until_sent(run, begun + LONGEST_SECONDS) - begun
    asked, broken = list(faults.asked_at), faults.broken
    begun = time.monotonic()
    found = reconcile()
    made = [record.body for record in stripe.world.records.values() if record.body["object"] == "transfer"]
    per_item = Counter(each["metadata"]["payout_item"] for each in made)
    run.refresh_from_db()
    return Outcome(
        seconds=taken,
        reconcile_seconds=time.monotonic() - begun,
        paid=len(per_item),
        twice=sum(times - 1 for times in per_item.values()),
        off_minor=sum(each["amount"] for each in made) - run.total_minor,
        differences=found.found + len(breaches()) + Difference.objects.count() + (run.state != RunState.RECONCILED),
        fastest_second=max(Counter(int(at) for at in asked).values()),
        calls=len(asked),
        broken=broken,
    )


def _wait_until_sent(run: PayoutRun, deadline: float) -> float:
    """Wait for the run's end, and return when all that was left was to be tried later.

    That time is not waited for: a key that answers 500 for ever is given up after a day.
    """
    asked_all = 0.0
    while time.monotonic() < deadline:
        run.refresh_from_db(fields=["state"])
        if run.state == RunState.COMPLETED:
            return asked_all or time.monotonic()
        waiting = OutboxItem.objects.filter(done_at__isnull=True, dead_at__isnull=True)
        until_next = (waiting.aggregate(next=Min("run_after"))["next"] or app_now()) - app_now()
        if run.state == RunState.SENDING and until_next > timedelta():
            asked_all = asked_all or time.monotonic()
            with transaction.atomic():
                move_clock(until_next)
        time.sleep(0.1)
    raise RuntimeError(f"The run is {run.state} after {LONGEST_SECONDS:.0f} seconds: {run.reason}")


@contextlib.contextmanager
def _workers(stripe: Sandbox) -> Iterator[None]:
    """Run the processes that send, and end them."""
    environment = os.environ | {"STRIPE_API_BASE": stripe.url, "STRIPE_SENDS_PER_SECOND": str(PER_SECOND)}
    command = [sys.executable, "-m", "bench.payer"]
    processes = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(WORKERS)]
    try:
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()  # It is ready.
        yield
    finally:
        for process in processes:
            process.terminate()
            process.wait(timeout=30)


def _report(outcome: Outcome, items: int) -> Report:
    figures = (
        Figure(
            f"{items:,} payouts, {WORKERS} processes, {PER_SECOND}/s at most", "items/s", (items / outcome.seconds,)
        ),
        Figure("until each was asked for, repeats of broken calls apart", "s", (outcome.seconds,)),
        Figure("transfers asked for", "calls", (outcome.calls,)),
        Figure("of them broken", "calls", (outcome.broken,)),
        Figure("reconciling all of it", "s", (outcome.reconcile_seconds,)),
    )
    is_spaced = outcome.fastest_second <= PER_SECOND * JITTER
    musts = (
        ("transfers too many", outcome.twice, 0, outcome.twice == 0),
        ("cents off", outcome.off_minor, 0, outcome.off_minor == 0),
        ("differences from Stripe, breaches of the ledger", outcome.differences, 0, outcome.differences == 0),
        ("calls in the fastest second", outcome.fastest_second, PER_SECOND * JITTER, is_spaced),
    )
    return Report("payouts", outcome.paid / items, 1.0, figures, musts)
