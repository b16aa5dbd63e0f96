"""One process of the ledger benchmark: hold and settle, again and again, on accounts drawn at random.

Reads one JSON plan from its input, and writes how many it settled, and in how many seconds, to its output.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.db import transaction

from experts.models import Expert
from kernel.db import app_now
from kernel.ids import encode_id, uuid7
from labs.models import Lab
from payments import credits

START = "import django; django.setup(); from bench.posting import main; main()"
SECONDS, RATE_MINOR, TIER, FEE_BPS = 600, 180_00, 3, 2_000
HELD_MINOR = 60_00


@dataclass(frozen=True)
class Plan:
    """Where to post, for how long, and from which seed."""

    lab: str
    projects: list[str]
    experts: list[str]
    seconds: float
    seed: int


def run(plan: Plan) -> tuple[int, float]:
    """Hold and settle as claims do, each in a transaction of its own, until the time is over."""
    lab, dice = Lab.objects.get(pk=plan.lab), random.Random(plan.seed)
    experts = list(Expert.objects.filter(pk__in=plan.experts))
    settle_one(lab, plan.projects, experts, dice)  # The connection is opened, and the functions planned.
    begun, settled = time.monotonic(), 0
    while time.monotonic() - begun < plan.seconds:
        settle_one(lab, plan.projects, experts, dice)
        settled += 1
    return settled, time.monotonic() - begun


def settle_one(lab: Lab, projects: Sequence[str], experts: Sequence[Expert], dice: random.Random) -> None:
    """Set money aside for a claim, commit, pay ten minutes out of it, and commit."""
    now = app_now()
    with transaction.atomic():
        hold = credits.hold_for_claim(
            lab_id=lab.pk,
            project=dice.choice(projects),
            subject=encode_id("clm", uuid7()),
            work_minor=HELD_MINOR,
            review_minor=0,
            review_parts=0,
            currency="USD",
            at=now,
        )
    with transaction.atomic():
        credits.settle(
            hold,
            expert=dice.choice(experts),
            seconds=SECONDS,
            rate_minor=RATE_MINOR,
            tier=TIER,
            card_version=1,
            fee_bps=FEE_BPS,
            kind="work",
            reason="accepted",
            with_fee=True,
            at=now,
        )


def in_processes(plans: Sequence[Plan]) -> float:
    """Run plans at the same time, each in a process of its own, and return what all settled in a second."""
    command = [sys.executable, "-c", START]
    running = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in plans]
    for process, plan in zip(running, plans, strict=True):
        assert process.stdin is not None
        process.stdin.write(json.dumps(asdict(plan)).encode())
        process.stdin.close()
    rate = 0.0
    for process in running:
        assert process.stdout is not None
        settled, seconds = json.loads(process.stdout.read())
        assert process.wait() == 0
        rate += settled / seconds
    return rate


def main() -> None:
    """Read the plan, run it, write what came of it."""
    print(json.dumps(run(Plan(**json.load(sys.stdin)))))
