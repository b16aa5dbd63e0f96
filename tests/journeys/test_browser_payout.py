"""The second signature under a payout run, given in a real browser with the keyboard alone."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from payments.states import RunState
from tests.browser import OpenPage, breaches
from tests.payments.test_pages_browser import set_the_scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.mark.parametrize("dark", [False, True])
def test_the_builder_may_not_approve_and_another_person_does(page: OpenPage, dark: bool) -> None:
    scene = set_the_scene()
    address = reverse("payments:run", args=[scene.waiting.pk])
    builder = page(scene.builder, dark=dark)
    builder.goto(address)
    expect(builder.get_by_role("button", name="Approve")).to_have_count(0)
    approver = page(scene.approver, dark=dark)
    approver.goto(address)

    approver.get_by_label("I looked at").press("Space")
    approver.get_by_label("is what I mean to send").press("Space")
    approver.get_by_role("button", name="Approve").press("Enter")

    expect(approver.get_by_text(f"You approved run {scene.waiting.number}.")).to_be_visible()
    scene.waiting.refresh_from_db()
    assert scene.waiting.state == RunState.APPROVED
    assert [*breaches(builder), *breaches(approver)] == []
