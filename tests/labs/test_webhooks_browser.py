"""Webhooks in a real browser: made, tried, replayed, and nothing that shuts anyone out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.outbox import drain
from kernel.db import app_now
from labs.models import WebhookDelivery, WebhookEndpoint
from labs.webhooks.actions import create_endpoint, replay_delivery, send_trial
from tests.browser import OpenPage, breaches
from tests.labs.receiver import Receiver, receiving
from tests.tasks.factories import make_lab

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

NOBODY = "127.0.0.1:9"
SHOTS = os.environ.get("SHOTS_DIR")


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with receiving() as receiver:
        settings.OUTBOUND_ALLOW = [receiver.pair, NOBODY]
        yield receiver


def keep(page: Page, name: str) -> None:
    """Keep a picture where SHOTS_DIR says so."""
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(("dark", "width"), [(False, 1_440), (True, 390)])
def test_an_owner_makes_an_endpoint_tries_it_and_replays(
    page: OpenPage, receiver: Receiver, dark: bool, width: int
) -> None:
    lab, owner = make_lab()
    receiver.answers, receiver.answer_body = [500, 200], b'{"error": "no such queue"}'
    failing = f"http://{NOBODY}/{'a-long-path-' * 12}"
    endpoint, _ = create_endpoint(
        lab, mode="test", url=failing, kinds=["batch.completed", "export.ready"], by=owner, now=app_now()
    )
    send_trial(endpoint, by=owner, now=app_now())
    drain()
    tab = page(owner, dark=dark, width=width)
    tab.goto("/lab/webhooks/")
    keep(tab, f"webhooks-{width}")
    found = breaches(tab)

    tab.get_by_role("button", name="New endpoint").click()
    tab.get_by_label("Address").fill(receiver.url)
    tab.get_by_label("What it is for").fill("Trainer pipeline")
    keep(tab, f"webhooks-drawer-{width}")
    found += breaches(tab)
    tab.get_by_role("button", name="Make the endpoint").click()
    expect(tab.get_by_text("Copy this signing secret now.")).to_be_visible()
    keep(tab, f"webhooks-made-{width}")
    found += breaches(tab)
    tab.get_by_role("link", name=receiver.url, exact=True).click()
    found += breaches(tab)
    keep(tab, f"webhook-empty-{width}")
    tab.get_by_role("button", name="Send a test").click()
    expect(tab.get_by_text("Nothing yet")).to_be_visible()
    drain()
    tab.reload()
    expect(tab.get_by_text("Answered 500")).to_be_visible()
    keep(tab, f"webhook-failed-{width}")
    found += breaches(tab)
    tab.get_by_role("button", name="Send now").click()
    expect(tab.get_by_text("It goes once more")).to_be_visible()
    drain()
    tab.reload()
    expect(tab.get_by_text("Answered 200")).to_be_visible()
    keep(tab, f"webhook-delivered-{width}")
    tab.get_by_role("link", name="Trainer pipeline").click()
    tab.get_by_role("button", name="Rotate the secret").click()
    expect(tab.get_by_text("Two secrets sign until")).to_be_visible()
    keep(tab, f"webhook-rotated-{width}")
    assert [*found, *breaches(tab)] == []


def test_an_endpoint_that_fails_says_so(page: OpenPage, receiver: Receiver) -> None:
    lab, owner = make_lab()
    receiver.answers = [503, 410]
    endpoint, _ = create_endpoint(lab, mode="live", url=receiver.url, by=owner, now=app_now())
    send_trial(endpoint, by=owner, now=app_now())
    drain()
    tab = page(owner, dark=False, width=390)

    tab.goto(f"/lab/webhooks/{endpoint.public_id}/")
    expect(tab.get_by_text("It has failed since")).to_be_visible()
    found = breaches(tab)
    replay_delivery(WebhookDelivery.objects.get(), by=owner, now=app_now())
    drain()
    tab.reload()

    expect(tab.get_by_text("it answered 410 Gone")).to_be_visible()
    keep(tab, "webhook-gone-390")
    assert (found, breaches(tab)) == ([], [])
    assert WebhookEndpoint.objects.get().state == "DISABLED"
