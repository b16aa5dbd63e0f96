"""The lab's pages in a real browser: a key made, copied and revoked, and nothing that shuts anyone out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from labs.models import ApiKey
from tests.accounts.factories import make_operator, make_user
from tests.browser import OpenPage, breaches
from tests.tasks.factories import make_lab

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

SHOTS = os.environ.get("SHOTS_DIR")


def keep(page: Page, name: str) -> None:
    """Keep a picture where SHOTS_DIR says so."""
    if SHOTS:
        page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


@pytest.mark.parametrize(("dark", "width"), [(False, 1_440), (True, 390)])
def test_an_owner_makes_a_key_and_revokes_it(page: OpenPage, dark: bool, width: int) -> None:
    _, owner = make_lab()
    tab = page(owner, dark=dark, width=width)
    tab.goto("/lab/keys/")
    found = breaches(tab)

    tab.get_by_role("button", name="New key").click()
    tab.get_by_label("Name").fill("Trainer pipeline")
    keep(tab, f"keys-drawer-{width}")
    found += breaches(tab)
    tab.get_by_role("button", name="Make the key").click()
    expect(tab.get_by_text("Copy this key now.")).to_be_visible()
    keep(tab, f"keys-made-{width}")
    found += breaches(tab)
    tab.get_by_role("link", name="Networks of Trainer pipeline").click()
    tab.get_by_label("Only from these networks").fill("127.0.0.0/8 and home")
    tab.get_by_role("button", name="Save").click()
    expect(tab.get_by_text("is not an address or a network")).to_be_visible()
    keep(tab, f"keys-networks-{width}")
    found += breaches(tab)
    tab.get_by_label("Only from these networks").fill("127.0.0.0/8")
    tab.get_by_role("button", name="Save").click()
    expect(tab.get_by_text("works from these networks alone")).to_be_visible()
    tab.get_by_role("button", name="Revoke Trainer pipeline").click()

    expect(tab.get_by_text("its next request is refused")).to_be_visible()
    keep(tab, f"keys-revoked-{width}")
    assert ApiKey.objects.get().revoked_at is not None
    assert [*found, *breaches(tab)] == []


@pytest.mark.parametrize(("dark", "width"), [(False, 1_440), (True, 390)])
def test_the_other_pages_shut_nobody_out(page: OpenPage, dark: bool, width: int) -> None:
    lee = make_user("Lee Okoye")
    applying = page(lee, dark=dark, width=width)
    applying.goto("/labs/join/")
    keep(applying, f"join-{width}")
    found = breaches(applying)
    applying.get_by_role("button", name="Apply", exact=True).click()
    keep(applying, f"join-refused-{width}")
    found += breaches(applying)
    applying.get_by_label("Company or lab").fill("Northwind Research")
    applying.get_by_label("Country").select_option("US")
    applying.get_by_label("We accept the terms").check()
    applying.get_by_role("button", name="Apply", exact=True).click()
    expect(applying.get_by_role("heading", name="Begin with a test key")).to_be_visible()
    for path in ("/lab/members/", "/labs/terms/"):
        applying.goto(path)
        keep(applying, f"{path.strip('/').replace('/', '-')}-{width}")
        found += breaches(applying)
    desk = page(make_operator("trust", name="Vera Holm"), dark=dark, width=width)
    make_lab("Other Lab")
    desk.goto("/desk/labs/")
    keep(desk, f"desk-{width}")

    assert [*found, *breaches(desk)] == []
