"""From a pay line's cents down to the seconds of the meter."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from payments.models import PayLine
from payments.rates import pay_minor
from tasks.actions.claims import release_claim
from tasks.actions.reviews import lab_accept
from tasks.pages.pay import Breakdown, breakdown_of
from tests.accounts.factories import log_in
from tests.browser import OpenPage, breaches, overflow
from tests.tasks.factories import NOW, World, claim_for, make_world, submitted, work

pytestmark = pytest.mark.django_db
SHOTS = os.environ.get("SHOTS_DIR", "")  # Keep the pictures there, to be looked at.


@pytest.fixture
def world() -> World:
    return make_world()


def accepted(world: World, seconds: int) -> Breakdown:
    """Let Cyd work for so long, and the lab accept it."""
    submission = submitted(world, seconds)
    lab_accept(submission, by=world.owner, now=NOW + timedelta(hours=2))
    return breakdown_of(world.cyd, PayLine.objects.get(subject=submission.claim.public_id).pk)


def test_stretches_come_to_the_counted_time_and_that_to_the_cents(world: World) -> None:
    pay = accepted(world, 607)

    assert sum(stretch.seconds for stretch in pay.stretches) == pay.counted_seconds == pay.line.seconds == 607
    assert (pay.beyond_cap_seconds, pay.not_approved_seconds) == (0, 0)
    assert pay.line.amount_minor == pay_minor(607, pay.line.rate_minor)


def test_what_was_counted_beyond_the_cap_is_said(world: World) -> None:
    pay = accepted(world, 1_260)  # The cap is 20 minutes.

    assert sum(stretch.seconds for stretch in pay.stretches) == pay.counted_seconds
    assert (pay.counted_seconds - pay.beyond_cap_seconds, pay.line.seconds) == (1_200, 1_200)


def test_what_is_beyond_the_allowance_is_said(world: World) -> None:
    claim = claim_for(world.cyd)
    release_claim(claim, expert=world.cyd, reason="", now=work(claim, world.cyd, 1_000, since=NOW))

    pay = breakdown_of(world.cyd, PayLine.objects.get(subject=claim.public_id).pk)

    assert (pay.counted_seconds, pay.not_approved_seconds, pay.line.seconds) == (1_000, 400, 600)


def test_the_page_shows_each_second_and_only_to_whom_it_is_paid(world: World) -> None:
    pay = accepted(world, 607)
    address = reverse("tasks:pay_line", args=[pay.line.pk])

    page = log_in(Client(), world.cyd.user).get(address)

    assert (page.status_code, page.content.decode().count("607")) == (200, 4)
    assert log_in(Client(), world.dov.user).get(address).status_code == 404


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("dark", "width"), [(False, 1440), (True, 390), (False, 360)])
def test_the_page_has_nothing_wrong(page: OpenPage, dark: bool, width: int) -> None:
    pay = accepted(make_world(), 1_260)
    tab = page(pay.line.expert.user, dark=dark, width=width)

    tab.goto(reverse("tasks:pay_line", args=[pay.line.pk]))

    if SHOTS:
        tab.screenshot(path=Path(SHOTS) / f"line-{width}.png", full_page=True)
    assert (breaches(tab), overflow(tab)) == ([], 0)
