"""Clients that generators make of our description do the whole side of a lab, against a running server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from accounts.clock import move_clock, set_offset
from accounts.outbox import drain
from agreements.models import AgreementVersion
from experts.actions import install_domains
from experts.models import Expert
from kernel.db import app_now
from tasks.actions import routes
from tasks.models import Batch, Project
from tests.contracts import node
from tests.faults.processes import wait_until
from tests.labs.factories import make_client
from tests.tasks.factories import RESPONSE, claim_for, hand_in, make_experts, make_lab, make_rates, pay_in, sign, work

pytestmark = pytest.mark.django_db(transaction=True)

HERE = Path(__file__).resolve().parent
SECONDS = 600
COST_MINOR = 3 * 30_00 + 2 * 6_00  # Ten minutes each at $180 an hour; a fifth on top of what was not rejected.


@pytest.fixture
def experts() -> list[Expert]:
    psychiatry = install_domains()["psychiatry"]
    make_rates(psychiatry)
    make_experts(1, domain=psychiatry, tier=4, is_reviewer=True, names=("Ada",))
    return make_experts(3, domain=psychiatry, tier=3)


@pytest.fixture
def lab(live_server: LiveServer, experts: list[Expert]) -> Iterator[dict[str, str]]:
    """Give a lab that has paid in: the environment of its program."""
    lab, owner = make_lab()
    pay_in(lab, 2_000_00, currency="USD")
    yield {**os.environ, "SITE": live_server.url, "KEY": make_client(lab, owner).text}
    set_offset(timedelta(0))


def python_client(site: str, folder: Path) -> list[str]:
    """Generate the Python client; return the command of the program that uses it."""
    options = ["--meta", "none", "--fail-on-warning", "--output-path", str(folder / "generated_client")]
    made_at = Path(sys.executable).parent  # Ruff, which tidies what is made, is looked for on the PATH.
    run(
        [str(made_at / "openapi-python-client"), "generate", "--url", f"{site}/api/v1/schema/?format=json", *options],
        PATH=f"{made_at}:{os.environ['PATH']}",
    )
    return [sys.executable, str(HERE / "python" / "lab_side.py")]


def typescript_client(site: str, folder: Path) -> list[str]:
    """Generate the types, check and compile the program that uses them; return its command."""
    (folder / "node_modules").symlink_to(node.install())
    for name in ("lab_side.ts", "tsconfig.json", "package.json"):
        shutil.copy(node.HERE / name, folder)
    programs = folder / "node_modules" / ".bin"
    run([str(programs / "openapi-typescript"), f"{site}/api/v1/schema/?format=json", "-o", str(folder / "schema.d.ts")])
    run([str(programs / "tsc"), "--project", str(folder)])
    return ["node", str(folder / "lab_side.js")]


def run(command: list[str], **changes: str) -> None:
    """Run a program, and see it end well."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **changes})
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-4_000:]


@pytest.mark.parametrize("generate", [python_client, typescript_client])
def test_a_generated_client_does_the_whole_side_of_a_lab(
    generate: Any, lab: dict[str, str], experts: list[Expert], tmp_path: Path
) -> None:
    command = generate(lab["SITE"], tmp_path)

    said = watched(command, lab | {"PYTHONPATH": str(tmp_path)}, experts)

    assert said.pop("quoted_minor") > 0
    assert said == {
        "mode": "live",
        "states": ["ACCEPTED", "ACCEPTED", "REJECTED"],
        "answers": sorted([RESPONSE["answer"], "Twelve hours after the last dose, in steady state."]),
        "cost_minor": COST_MINOR,
        "spent_minor": COST_MINOR,
    }


def watched(command: list[str], environment: dict[str, str], experts: list[Expert]) -> dict[str, Any]:
    """Run a lab's program, let experts do the work that it launches and jobs be done; return what it says."""
    with subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        try:
            wait_until(lambda: program.poll() is not None or Batch.objects.filter(state="DRAINING").exists(), 60)
            if program.poll() is None:
                do_the_work(experts)
            wait_until(lambda: (drain() >= 0) and program.poll() is not None, 60)
        finally:
            program.kill()
        said, complaint = program.communicate()
    assert program.returncode == 0, complaint
    return dict(json.loads(said))


def do_the_work(experts: list[Expert]) -> None:
    """Let each sign, claim a task, be at it and hand it in."""
    now = app_now().replace(microsecond=0)  # Whole seconds are paid.
    sign(AgreementVersion.objects.get(), experts, now=now)
    routes.compute_eligibility(Project.objects.get(), now=now)
    for expert in experts:
        claim = claim_for(expert, now=now)
        work(claim, expert, SECONDS, since=now)
    move_clock(timedelta(seconds=SECONDS))
    for expert in experts:
        hand_in(expert.claims.get(), expert, now=now + timedelta(seconds=SECONDS))  # And not a moment more is paid.
