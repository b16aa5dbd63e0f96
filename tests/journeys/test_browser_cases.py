"""A case in a real browser, from a rejection to the last word, with keys where there are keys."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from experts.models import Case
from kernel.db import app_now
from tests.browser import OpenPage, breaches, overflow
from tests.tasks.factories import make_world
from tests.tasks.test_views_cases import REASONS, WHY, decided, make_trust

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(("dark", "width"), [(False, 1_440), (True, 360)])
def test_a_rejection_is_contested_dismissed_appealed_and_overturned(page: OpenPage, dark: bool, width: int) -> None:
    world = make_world(now=app_now())
    claim = decided(world, "REJECT", app_now())
    cyd, first, second = (
        page(user, dark=dark, width=width) for user in (world.cyd.user, make_trust("Tess"), make_trust("Una"))
    )
    sound: dict[str, object] = {}

    cyd.goto(reverse("tasks:submission", args=[claim.pk]))
    cyd.get_by_role("link", name="Ask a person").click()
    sound["ask"] = (breaches(cyd), overflow(cyd))
    cyd.get_by_label("What happened").fill(WHY)
    cyd.get_by_role("button", name="Ask a person").click()
    expect(cyd.get_by_role("heading", name="Contested review")).to_be_visible()

    first.goto(reverse("tasks:case_desk"))
    sound["desk"] = (breaches(first), overflow(first))
    first.keyboard.press("t")
    first.get_by_label("Dismissed").check()
    first.get_by_label("Reasons").fill(REASONS)
    sound["decide"] = (breaches(first), overflow(first))
    first.get_by_role("button", name="Decide").click()
    expect(first.get_by_text("Nothing waits.")).to_be_visible()
    sound["empty"] = (breaches(first), overflow(first))

    cyd.reload()
    cyd.get_by_label("What the decision overlooked").fill(WHY)
    sound["decided"] = (breaches(cyd), overflow(cyd))
    cyd.get_by_role("button", name="Appeal").click()
    second.goto(reverse("tasks:case_desk"))
    second.keyboard.press("t")
    second.get_by_label("Upheld").check()
    second.get_by_label("Reasons").fill(REASONS)
    second.get_by_role("button", name="Decide").click()
    expect(second.get_by_text("Both sides can read your reasons.")).to_be_visible()

    cyd.reload()
    expect(cyd.get_by_text("This is the last word.")).to_be_visible()
    assert Case.objects.get().state == "FINAL"
    assert sound == {name: ([], 0) for name in sound}
