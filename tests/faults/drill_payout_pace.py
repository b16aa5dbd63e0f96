"""Thirty seconds at the real pace: whoever sends, Stripe is asked for at most ten transfers a second.

Too long for every run of the tests: ``bin/drill payouts`` runs it.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.db import connections
from pytest_django import Settings

from bench.payees import an_approved_run, experts_who_earned, people_of_finance
from kernel.db import app_now
from payments import sending
from payments.models import PayoutRun
from payments.rates import week_of
from payments.sandbox.faults import Faults
from payments.states import RunState
from tests.stripe_fixture import StripeAtHand, stripe_at_hand, stripe_server

__all__ = ["stripe_at_hand", "stripe_server"]

pytestmark = pytest.mark.django_db(transaction=True)

PACE, SECONDS, SENDERS = 10, 30, 4


class Watch(Faults):
    """Keeps when each transfer was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_at: list[float] = []

    def take(self, method: str, path: str) -> str:
        if method == "POST" and path == "/v1/transfers":
            self.asked_at.append(time.monotonic())
        return ""


def most_in_a_second(times: list[float]) -> int:
    """Return the most calls within any second."""
    return max(sum(0 <= other - at < 1 for other in times) for at in times)


def test_four_senders_at_once_keep_ten_a_second_for_thirty_seconds(
    stripe_at_hand: StripeAtHand, settings: Settings
) -> None:
    settings.STRIPE_SENDS_PER_SECOND = PACE
    stripe_at_hand.sandbox.engine.faults = watch = Watch()
    now = app_now()
    week, finance = week_of(now) - timedelta(days=7), people_of_finance(now)
    experts_who_earned(stripe_at_hand.sandbox, PACE * SECONDS, week=week, by=finance[0], now=now)
    run = an_approved_run(week, finance, now=now)
    sending.start_sending(run, now=app_now())
    items = list(run.items.values_list("pk", flat=True))
    begun = time.monotonic()

    def send(share: int) -> None:
        for item in items[share::SENDERS]:
            sending.carry_item(item)
        connections.close_all()

    senders = [threading.Thread(target=send, args=(share,)) for share in range(SENDERS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    assert time.monotonic() - begun >= SECONDS
    assert len(watch.asked_at) == PACE * SECONDS
    assert most_in_a_second(watch.asked_at) <= PACE + 1  # One may leave late and the next in time.
    assert PayoutRun.objects.get().state == RunState.COMPLETED
