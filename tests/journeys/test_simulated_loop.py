"""A lab tries everything out with a test key, over HTTP alone, while real workers play its experts: under a minute."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
import requests
from django.conf import settings as django_settings
from django.core.management import call_command
from pytest_django.live_server_helper import LiveServer

from marketplace.management.commands.seed import first_batch
from marketplace.seeding.story import Told
from payments.checks import breaches
from payments.models import PayLine
from tests.faults.processes import deliverer, kill, running, sweeper, worker
from tests.journeys.cast import LabApi
from tests.journeys.people import Person
from tests.labs.receiver import Receiver, receiving
from tests.stripe_fixture import StripeAtHand, stripe_at_hand, stripe_server

__all__ = ["stripe_at_hand", "stripe_server"]

EACH, GOLD = 60, 12
PATIENCE_SECONDS = 60
QUEUES = "default,mail,notices,payments,routing,exports,ingest,simulation"
SIMULATION = {
    "seed": 7, "accept_rate": 0.6, "return_rate": 0.15, "reject_rate": 0.1, "disagree_rate": 0.3, "gold_fail_rate": 0.5,
}  # fmt: skip
BUDGET_MINOR = 200_000_00


@dataclass
class Trial:
    """One kind of work: what is posted, and what is right."""

    kind: str
    shape: str
    domain: str
    payload: dict[str, Any]
    gold: dict[str, Any]
    project: str = ""
    batch: str = ""
    submissions: list[dict[str, Any]] = field(default_factory=list)

    def lines(self, tasks: int) -> bytes:
        """Return the tasks, the first of them with their right answer."""
        rows: list[dict[str, Any]] = [{"external_id": f"t-{n}", "payload": self.payload} for n in range(tasks)]
        for row in rows[:GOLD]:
            row["gold"] = self.gold
        return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def trials() -> list[Trial]:
    """Return one trial for each kind."""
    reply = "Levels are taken twelve hours after the last dose, and never before the fifth day."
    asked = {"prompt": "When are lithium levels taken?", "response": reply}
    right = {"answer": "Twelve hours after the last dose.", "citations": []}
    piece = {"brief": "A ferry in the fog, in fifty words.", "length": {"min_words": 40, "max_words": 60}}
    return [
        Trial("factuality", "ragtruth", "medicine", asked, {"spans": [], "verdict": "sound"}),
        Trial("demonstration", "sft", "litigation", {"prompt": "Does notice matter?"}, right),
        Trial("creative", "sft", "fiction", piece, {"piece": "Lamps in the fog. " * 12}),
    ]


@pytest.fixture
def site(live_server: LiveServer, settings: Any, transactional_db: None, stripe_at_hand: StripeAtHand) -> Iterator[str]:
    """Serve an installed site whose jobs real workers do."""
    broker = redis.Redis.from_url(django_settings.REDIS_URL)
    broker.flushdb()
    settings.PUBLIC_URL, settings.OUTBOX_NUDGES = live_server.url, True
    call_command("install", owner="owner@guildhall.example", verbosity=0, card_from=None)
    yield live_server.url
    settings.OUTBOX_NUDGES = False
    broker.flushdb()
    broker.close()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with receiving() as receiver:
        settings.OUTBOUND_ALLOW = [receiver.pair]
        yield receiver


@pytest.mark.processes
def test_an_integration_is_built_with_no_human_in_the_loop(site: str, receiver: Receiver) -> None:
    with ExitStack() as processes:
        for process in (worker(QUEUES), deliverer(OUTBOUND_ALLOW=receiver.pair), sweeper()):
            processes.enter_context(running(process))
        lab = join(site)
        lab.post("/webhooks", {"url": receiver.url}, status=201)
        before = set(follow(lab, lambda kinds: kinds["funds.received"] == 1))
        played = [launch(lab, trial) for trial in trials()]

        feed = follow(lab, lambda kinds: kinds["batch.settled"] == len(played))
        for trial in played:
            trial.submissions = list(lab.pages("/submissions", batch=trial.batch, limit=200, expand="response"))
            check_work(trial)
            check_export(lab, trial)
        wait_for(lambda: {got.headers["webhook-id"] for got in receiver.received} >= set(feed) - before)

    check_money(lab, played)


@pytest.mark.processes
def test_the_lines_that_the_demo_prints_end_in_a_completed_batch(site: str) -> None:
    with running(worker(QUEUES)):
        lab = join(site)
        project = launch(lab, trials()[1], tasks=1).project
        key = str(lab.session.headers["Authorization"]).removeprefix("Bearer ")
        lines = "\n".join(first_batch(Told(test_key=key, project=project)))

        said = subprocess.run(["sh", "-c", lines], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True)

    assert '"state":"COMPLETED"' in said.stdout
    assert '"external_id":"first-1"' in said.stdout


@pytest.mark.processes
def test_a_worker_that_is_killed_in_the_middle_loses_nothing(site: str) -> None:
    dying = worker(QUEUES)
    lab = join(site)
    trial = launch(lab, trials()[1])
    follow(lab, lambda kinds: kinds["submission.accepted"] > 0)

    kill(dying)
    left = lab.get(f"/batches/{trial.batch}")["progress"]
    with running(worker(QUEUES)), running(sweeper()):
        follow(lab, lambda kinds: kinds["batch.settled"] == 1)

    assert left["accepted"] < EACH
    assert lab.get(f"/batches/{trial.batch}")["progress"]["accepted"] == EACH
    assert breaches() == []


def join(site: str) -> LabApi:
    """Sign up, name a lab, make a test key: nobody has to approve anything, and play money comes with the key."""
    owner = Person(site, "lee@northwind.example", "Lee Okoye")
    owner.sign_up()
    owner.sign_in()
    about = {"name": "Northwind Research", "country": "US", "terms": "on", "purpose": "Trying it out"}
    owner.submit(owner.get("/labs/join/"), "/labs/join/", **about)
    scopes = ["tasks:write", "results:read", "funds:read", "webhooks:write"]
    made = owner.submit(owner.get("/lab/keys/"), "/lab/keys/", label="Pipeline", mode="test", scopes=scopes)
    key = re.search(r"gh_test_\w+", made.text)
    assert key is not None
    lab = LabApi(site, key.group(0))
    wait_for(lambda: lab.get("/balance")["available_minor"] > 0)
    return lab


def launch(lab: LabApi, trial: Trial, tasks: int = EACH) -> Trial:
    """Write a project down, give it play money, post its tasks, and let them be done."""
    agreement = lab.post("/agreements", {"title": "Trial", "code_name": "Sandpiper"}, status=201)
    versions = f"/agreements/{agreement['id']}/versions"
    version = lab.post(versions, {"text": "# Trial\n\nKeep it to yourself."}, status=201)
    lab.post(f"{versions}/{version['id']}:publish")
    values = {"name": trial.kind, "code_name": "Sandpiper", "kind": trial.kind, "domain": trial.domain, "tier_min": 3}
    project = lab.post("/projects", {**values, "agreement": agreement["id"], "expected_seconds": 300}, status=201)
    trial.project = project["id"]
    amount = {"amount_minor": BUDGET_MINOR, "currency": "XTS"}
    lab.post(f"/projects/{trial.project}/budget:allocate", {"amount": amount})
    lab.post(f"/projects/{trial.project}:launch")
    batch = lab.post(f"/projects/{trial.project}/batches", {"name": "All", "simulation": SIMULATION}, status=201)
    trial.batch = batch["id"]
    posted = post_lines(lab, f"/batches/{trial.batch}/tasks", trial.lines(tasks))
    assert (posted["accepted"], posted["errors"]) == (tasks, [])
    lab.post(f"/batches/{trial.batch}:launch")
    lab.post(f"/batches/{trial.batch}:drain")
    return trial


def post_lines(lab: LabApi, path: str, raw: bytes) -> Any:
    """Post NDJSON."""
    headers = {"Content-Type": "application/x-ndjson"}
    answer: requests.Response = lab.session.post(lab.site + path, data=raw, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def follow(lab: LabApi, is_done: Any) -> dict[str, str]:
    """Read the feed as it grows until its counts by type satisfy ``is_done``; return types by event id."""
    seen: dict[str, str] = {}
    after: dict[str, str] = {}

    def look() -> bool:
        page = lab.get("/events", limit=200, **after)
        seen.update({event["id"]: event["type"] for event in page["data"]})
        if page.get("last"):
            after["after"] = page["last"]
        return bool(is_done(Counter(seen.values())))

    wait_for(look)
    return seen


def wait_for(is_so: Any) -> None:
    """Look four times a second until it is so."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < until, f"It was not so within {PATIENCE_SECONDS} seconds."
        time.sleep(0.25)


def check_work(trial: Trial) -> None:
    """Expect all that can happen to an answer to have happened, and some gold to be wrong."""
    newest = [one for one in trial.submissions if one["is_newest"]]
    states = Counter(one["state"] for one in newest)
    decisions = Counter(stage["decision"] for one in trial.submissions for stage in one["stages"])
    gold = [one for one in newest if one["state"] == "ACCEPTED" and int(one["external_id"][2:]) < GOLD]
    failed = [one for one in gold if not trial.gold.items() <= one["response"].items()]
    assert set(states) == {"ACCEPTED", "REJECTED"}
    assert states["ACCEPTED"] == EACH
    assert states["REJECTED"] == decisions["REJECT"] > 0
    assert decisions["RETURN"] > 0
    assert decisions["FIX"] > 0
    assert 0 < len(failed) < GOLD
    assert min(one["active_seconds"] for one in newest) >= 30


def check_export(lab: LabApi, trial: Trial) -> None:
    """Expect a file with every task in it once."""
    made = lab.post("/exports", {"batch": trial.batch, "shape": trial.shape}, status=202)
    wait_for(lambda: lab.get(f"/exports/{made['id']}")["state"] == "READY")
    rows = [json.loads(line) for line in lab.pull(f"/exports/{made['id']}/download")]
    assert sorted(row["external_id"] for row in rows) == sorted(f"t-{n}" for n in range(EACH))


def check_money(lab: LabApi, played: list[Trial]) -> None:
    """Expect what was spent to be the pay and fees of every line, to the minor unit, and the books to be right."""
    balance = lab.get("/balance")
    costs = [lab.get(f"/batches/{trial.batch}")["cost"] for trial in played]
    lines = PayLine.objects.filter(currency="XTS").values_list("amount_minor", "fee_minor")
    assert balance["currency"] == "XTS"
    assert balance["spent_minor"] == sum(pay + fee for pay, fee in lines)
    assert balance["spent_minor"] == sum(cost["pay_minor"] + cost["fee_minor"] for cost in costs)
    assert balance["held_minor"] == 0
    parts = ("available_minor", "allocated_minor", "held_minor", "spent_minor")
    assert balance["prepaid_minor"] == sum(balance[part] for part in parts)
    assert breaches() == []
