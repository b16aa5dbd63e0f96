"""A budget runs out over HTTP: experts claim until it is gone, the project stops and says so, money lets it go on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from accounts.models import Mail
from accounts.outbox import drain, due
from experts.models import Expert as ExpertRow
from kernel.db import app_now
from payments.checks import breaches
from tests.accounts.factories import log_in
from tests.journeys.cast import Expert, LabApi
from tests.journeys.people import words
from tests.labs.factories import make_client
from tests.labs.receiver import Receiver, receiving
from tests.tasks.factories import World, make_world, pay_in

pytestmark = pytest.mark.django_db(transaction=True)

CLAIM_MINOR = 7_200 + 3 * 4_200  # Twenty minutes at $180, three reviews of six at $350, and a fifth on top.
COVERED, EXPERTS, TASKS = 4, 6, 8
REST_MINOR = CLAIM_MINOR - 1  # Too little for one claim more.


@pytest.fixture
def world() -> World:
    budget = COVERED * CLAIM_MINOR + REST_MINOR
    return make_world(tasks=TASKS, experts=EXPERTS, budget_minor=budget, now=app_now() - timedelta(hours=1))


@pytest.fixture
def receiver(settings: Any, live_server: LiveServer) -> Iterator[Receiver]:
    settings.PUBLIC_URL = live_server.url
    with receiving() as receiver:
        settings.OUTBOUND_ALLOW = [receiver.pair]
        yield receiver


def at_work(site: str, row: ExpertRow) -> Expert:
    """Return an expert who is signed in."""
    expert = Expert(site, row.user.email, row.user.name)
    name = settings.SESSION_COOKIE_NAME
    expert.session.cookies.set(name, log_in(Client(), row.user).cookies[name].value)
    return expert


def look_at_budgets() -> None:
    """Let the beat's moment come, and do all that follows from it, deliveries and letters too."""
    with transaction.atomic():
        due("tasks.sweep_budgets", key=f"budgets-{app_now().isoformat()}")
    drain()


def told_of_money(receiver: Receiver) -> list[tuple[str, object]]:
    """Return what the lab's endpoint heard of the budget, in the order of the events' ids."""
    events = {got.event["id"]: got.event for got in receiver.received}
    kinds = {"funds.low", "project.paused_for_budget", "project.resumed"}
    told = sorted((event for event in events.values() if event["type"] in kinds), key=lambda event: event["id"])
    return [(event["type"], event["data"].get("percent")) for event in told]


def test_claims_use_a_budget_up_and_money_lets_the_project_go_on(
    live_server: LiveServer, world: World, receiver: Receiver
) -> None:
    lab = LabApi(live_server.url, make_client(world.lab, world.owner).text)
    lab.post("/webhooks", {"url": receiver.url}, status=201)
    *first, fifth, sixth = [at_work(live_server.url, expert) for expert in world.experts]
    project, budget = f"/projects/{world.project.public_id}", f"/projects/{world.project.public_id}/budget"

    for number, expert in enumerate(first, 1):
        expert.claim()
        look_at_budgets()
        assert lab.get(budget)["held_minor"] == number * CLAIM_MINOR
    refusal = words(fifth.claim(status=409))
    stopped = lab.get(project)
    said_by_then = told_of_money(receiver)
    pay_in(world.lab, 3 * CLAIM_MINOR, currency="USD", now=app_now())
    amount = {"amount_minor": CLAIM_MINOR, "currency": "USD"}
    lab.post(f"{budget}:allocate", {"amount": amount}, key="top-up")
    lab.post(f"{budget}:allocate", {"amount": amount}, key="top-up")
    drain()
    bench = fifth.claim()

    assert "reached its budget" in refusal
    assert (stopped["state"], stopped["pause_reason"]) == ("PAUSED", "budget")
    assert said_by_then == [("funds.low", 50), ("funds.low", 100), ("project.paused_for_budget", None)]
    assert re.search(r"/work/clm_\w+/", bench.url)
    assert lab.get(project)["state"] == "LIVE"
    assert told_of_money(receiver)[3:] == [("project.resumed", None)]
    assert lab.get(budget)["available_minor"] == REST_MINOR
    assert sorted(letters(world)) == ["Bedside: 100 % of the budget", "Bedside: 50 % of the budget"]
    assert "reached its budget" in words(sixth.claim(status=409))
    assert breaches() == []


def letters(world: World) -> list[str]:
    """Return the subjects of what the lab's owner was written of the budget."""
    return list(Mail.objects.filter(to=world.owner.email, subject__contains="budget").values_list("subject", flat=True))
