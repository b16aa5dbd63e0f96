"""The pages of accounts as a browser shows them: nothing for axe to find, nothing blocked, nothing too wide."""

import os
from pathlib import Path

import pytest
from django.db import transaction
from django.urls import reverse

from accounts.mail import post_mail
from accounts.models import User
from accounts.notices import notify
from kernel.db import app_now
from tests.accounts.factories import add_totp, make_operator, make_user
from tests.accounts.test_pages import dead_job
from tests.browser import OpenPage, breaches, overflow

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
SHOTS = os.environ.get("SHOTS_DIR", "")  # Keep the pictures there, to be looked at.
LOOKS = [(False, 1440), (True, 390)]
VISITOR = [
    "account_login", "account_signup", "account_reset_password", "account_reset_password_done",
    "account_email_verification_sent", "account_inactive", "accounts:mail",
]  # fmt: skip
SIGNED_IN = [
    "accounts:profile", "accounts:inbox", "accounts:home", "account_logout", "account_reauthenticate",
    "account_change_password", "account_email", "mfa_index", "mfa_activate_totp", "mfa_add_webauthn",
]  # fmt: skip
OPERATOR = [
    "accounts:jobs", "accounts:health", "accounts:people", "mfa_view_recovery_codes", "mfa_reauthenticate",
    "mfa_generate_recovery_codes", "mfa_deactivate_totp",
]  # fmt: skip


def look(open_page: OpenPage, names: list[str], user: User | None = None) -> dict[str, object]:
    """Open each page in light and wide, dark and narrow; return what is wrong with any."""
    wrong: dict[str, object] = {}
    for dark, width in LOOKS:
        page = open_page(user, dark=dark, width=width)
        for name in names:
            page.goto(reverse(name))
            if SHOTS:
                mode = "dark" if dark else "light"
                page.screenshot(path=Path(SHOTS) / f"{name.replace(':', '-')}-{mode}-{width}.png", full_page=True)
            problems = [*breaches(page), *([f"{overflow(page)} px too wide"] if overflow(page) else [])]
            if problems:
                wrong[f"{name} at {width}"] = problems
    return wrong


def test_a_visitor_finds_nothing_wrong(page):
    add_totp(make_user("Ada"))
    with transaction.atomic():
        post_mail(to="cyd@example.com", subject="Confirm your address", body="Open http://localhost/x", key="a")

    assert look(page, VISITOR) == {}


def test_a_person_finds_nothing_wrong(page):
    cyd = make_user("Cyd with a very long name that goes on and on, of the House of Saxe-Coburg", password="x" * 12)
    with transaction.atomic():
        for number in range(3):
            notify(cyd, f"Your work on task {number} was accepted: $130.00 for 30 m.", "/work/mine/", app_now())

    assert look(page, SIGNED_IN, cyd) == {}


def test_an_operator_finds_nothing_wrong(page):
    ada = make_operator("owner", "finance")
    make_operator("trust", name="Bo")
    for _ in range(2):
        dead_job()

    assert look(page, OPERATOR, ada) == {}


def test_the_empty_desk_finds_nothing_wrong(page):
    assert look(page, ["accounts:jobs", "accounts:inbox"], make_operator("trust")) == {}


def test_a_new_account_says_the_browsers_zone(page, live):
    opened = page(None, timezone_id="Asia/Tokyo")
    opened.goto(reverse("account_signup"))
    opened.get_by_label("Your name").fill("Cyd")
    opened.get_by_label("Email").fill("cyd@example.com")
    for label in ("Password", "Password (again)"):
        opened.get_by_label(label, exact=True).fill("correct horse battery")
    opened.get_by_role("button", name="Make the account").click()
    opened.get_by_role("heading", name="Look in your mail").wait_for()

    assert User.objects.get().time_zone == "Asia/Tokyo"
