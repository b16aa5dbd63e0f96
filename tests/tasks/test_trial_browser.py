"""Test mode in the console, in a real browser: said plainly, and nothing that shuts anyone out."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from kernel.db import app_now
from tasks.actions import publishing
from tests.browser import OpenPage, breaches, overflow
from tests.tasks.play import make_play

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.mark.parametrize(("dark", "width"), [(False, 1_440), (True, 1_440), (False, 360)])
def test_a_visitor_finds_the_trials_and_is_told_what_they_are(page: OpenPage, dark: bool, width: int) -> None:
    play = make_play()
    name = "A first attempt that has a rather long name " * 3
    publishing.create_batch(play.project, name=name, by=play.owner, now=app_now(), simulation={"seed": 7})
    tab = page(play.owner, dark=dark, width=width)
    found = []

    tab.goto("/lab/projects/")
    tab.get_by_role("navigation", name="Worlds").get_by_role("link", name="Test").click()
    expect(tab.get_by_text("Test mode: simulated experts")).to_be_visible()
    found += [*breaches(tab), overflow(tab)]
    tab.get_by_role("link", name="Trial").click()
    expect(tab.get_by_text("Nobody real is asked or paid.")).to_be_visible()
    found += [*breaches(tab), overflow(tab)]
    tab.get_by_role("link", name="A first attempt").click()
    expect(tab.get_by_text("Drawn from seed 7")).to_be_visible()
    found += [*breaches(tab), overflow(tab)]

    assert found == [0, 0, 0]
