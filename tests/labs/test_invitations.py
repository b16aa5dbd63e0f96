"""Inviting people: one letter, one use, one week, one mailbox; and never more than a hash of the link is kept."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent, Mail, User
from accounts.outbox import drain
from kernel.db import app_now
from labs.invitations import actions
from labs.models import Invitation, Lab, Member
from tests.accounts.factories import log_in, make_user
from tests.bad_input import BAD_NAMES
from tests.tasks.factories import make_lab

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_lab()[1]


@pytest.fixture
def console(owner: User) -> Client:
    return log_in(Client(), owner)


def link_to(email: str) -> str:
    """Send what is due and return the path in the newest letter to a mailbox."""
    drain()
    body = Mail.objects.filter(to=email).latest("pk").body
    found = re.search(r"(/labs/invitations/[\w-]+/)", body)
    assert found is not None
    return found[1]


def invited(console: Client, user: User, role: str = "member") -> str:
    """Invite somebody with a verified account and return the link."""
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    console.post("/lab/members/", {"email": user.email.upper(), "role": role})
    return link_to(user.email)


def test_somebody_is_invited_and_accepts_once(console: Client) -> None:
    mia = make_user("Mia")
    link, browser = invited(console, mia, "owner"), log_in(Client(), mia)

    shown: Any = browser.get(link)
    accepted = browser.post(link)
    again = browser.post(link)

    assert "Act for Northwind Research" in shown.content.decode()
    assert (accepted.url, again.status_code) == ("/lab/start/", 409)  # type: ignore[attr-defined]  # A redirect has it.
    assert Member.objects.get(user=mia).role == "owner"
    verbs = AuditEvent.objects.filter(verb__startswith="invitation.").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["invitation.made", "invitation.accepted"]


def test_the_letter_names_no_lab_and_of_its_link_only_a_hash_is_kept(console: Client, owner: User) -> None:
    link = invited(console, make_user("Mia"))
    token = link.rstrip("/").rpartition("/")[2]

    invitation, letter = Invitation.objects.get(), Mail.objects.get(subject="You are invited to act for a lab")

    assert "Northwind" not in letter.subject + letter.body
    assert bytes(invitation.token_sha256) == actions.hash_of(token)
    assert token not in str(AuditEvent.objects.values_list("details", flat=True))


def test_nobody_else_accepts_whoever_holds_the_link(console: Client, owner: User) -> None:
    link = invited(console, make_user("Mia"))
    eve = log_in(Client(), make_user("Eve"))

    answers = [Client().post(link).status_code, eve.post(link).status_code, console.post(link).status_code]

    assert answers == [403, 403, 403]
    assert "Only mia-" in eve.get(link).content.decode()
    assert Member.objects.count() == 1


def test_an_address_that_was_not_proved_accepts_nothing(console: Client) -> None:
    mia = make_user("Mia")
    link = invited(console, mia)
    EmailAddress.objects.filter(user=mia).update(verified=False)

    assert log_in(Client(), mia).post(link).status_code == 403


def test_a_new_account_with_the_address_accepts(console: Client) -> None:
    console.post("/lab/members/", {"email": "new@example.org", "role": "member"})
    link = link_to("new@example.org")

    stranger = Client().get(link).content.decode()
    user = User.objects.create_user("new@example.org", None, name="New Person")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    log_in(Client(), user).post(link)

    assert f"/accounts/signup/?next={link}" in stranger
    assert Member.objects.filter(user=user, role="member").exists()


def test_a_letter_sent_again_ends_the_link_before(console: Client) -> None:
    mia = make_user("Mia")
    first = invited(console, mia)
    invitation = Invitation.objects.get()
    too_soon = console.post(f"/lab/invitations/{invitation.public_id}/again/")
    Invitation.objects.update(sent_at=app_now() - timedelta(minutes=6))
    console.post(f"/lab/invitations/{invitation.public_id}/again/")
    second = link_to(mia.email)
    browser = log_in(Client(), mia)

    assert (too_soon.status_code, first != second) == (409, True)
    assert [browser.post(first).status_code, browser.post(second).status_code] == [404, 302]


def test_a_withdrawn_and_a_lapsed_invitation_open_nothing(console: Client) -> None:
    mia, nia = make_user("Mia"), make_user("Nia")
    withdrawn, lapsed = invited(console, mia), invited(console, nia)
    console.post(f"/lab/invitations/{Invitation.objects.get(email=mia.email).public_id}/withdraw/")
    Invitation.objects.filter(email=nia.email).update(expires_at=app_now())

    assert [log_in(Client(), mia).post(withdrawn).status_code, log_in(Client(), nia).post(lapsed).status_code] == [
        409,
        409,
    ]
    assert log_in(Client(), nia).get(lapsed).status_code == 410
    assert Member.objects.count() == 1


def test_an_invitation_is_not_told_from_one_of_somebody_unknown(console: Client) -> None:
    known = console.post("/lab/members/", {"email": make_user("Mia").email, "role": "member"})
    unknown = console.post("/lab/members/", {"email": "nobody@example.org", "role": "member"})

    assert (known.status_code, unknown.status_code) == (302, 302)


def test_who_acts_already_or_is_invited_is_not_invited_again(console: Client, owner: User) -> None:
    answers = [
        console.post("/lab/members/", {"email": email, "role": "member"}).status_code
        for email in (owner.email, "a@example.org", "A@example.org")
    ]

    assert (answers, Invitation.objects.count()) == ([422, 302, 422], 1)


@pytest.mark.parametrize("email", ["", "nobody", "a@b", *(f"{bad}@example.org" for bad in BAD_NAMES.values())])
def test_no_bad_address_gets_in(console: Client, email: str) -> None:
    answer = console.post("/lab/members/", {"email": email.encode("utf-8", "surrogatepass"), "role": "member"})

    assert (answer.status_code in (400, 413, 422), Invitation.objects.count()) == (True, 0)


@pytest.mark.parametrize("values", [{"role": "root"}, {}, {"role": ""}])
def test_no_bad_role_gets_in(console: Client, values: dict[str, str]) -> None:
    answer = console.post("/lab/members/", {"email": "mia@example.org", "lab": "lab_x", **values})

    assert (answer.status_code, Invitation.objects.count()) == (422, 0)


def test_another_lab_sees_and_ends_none_of_it(console: Client) -> None:
    invited(console, make_user("Mia"))
    eve = log_in(Client(), make_lab("Eve's")[1])
    invitation = Invitation.objects.get()

    answers = [
        eve.post(f"/lab/invitations/{invitation.public_id}/{verb}/").status_code for verb in ("again", "withdraw")
    ]

    assert answers == [404, 404]
    assert invitation.email not in eve.get("/lab/members/").content.decode()


def test_the_page_costs_the_same_for_one_and_for_three(console: Client) -> None:
    counts = []
    for names in (("a",), ("b", "c")):
        for name in names:
            console.post("/lab/members/", {"email": f"{name}@example.org", "role": "member"})
        console.get("/lab/members/")  # Shows, and so forgets, what was said.
        with CaptureQueriesContext(connection) as statements:
            console.get("/lab/members/")
        counts.append(len(statements))

    assert (counts[0] == counts[1], Lab.objects.count()) == (True, 1)
