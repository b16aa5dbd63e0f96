"""The lab's own pages and the labs' desk, as people use them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent, Mail, User
from accounts.outbox import drain
from labs.models import ApiKey, Lab, Member
from tests.accounts.factories import log_in, make_operator, make_user
from tests.bad_input import BAD_NAMES, BAD_TEXTS
from tests.labs.factories import ApiClient
from tests.tasks.factories import make_lab

pytestmark = pytest.mark.django_db

APPLICATION = {
    "name": "Northwind Research",
    "contact_email": "lab@example.org",
    "country": "US",
    "website": "https://lab.example.org",
    "purpose": "Judging clinical answers.",
    "is_code_name_only": "on",
    "terms": "on",
}
KEY = {"label": "Trainer", "mode": "test", "scopes": ["tasks:write", "results:read"], "lifetime": "90"}
REASON = "Registered, and the contract came back signed."


@pytest.fixture
def owner() -> User:
    return make_lab()[1]


@pytest.fixture
def console(owner: User) -> Client:
    return log_in(Client(), owner)


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_lab_applies_and_an_operator_approves() -> None:
    lee, vera = make_user("Lee"), make_operator("trust", name="Vera")
    applied: Any = log_in(Client(), lee).post("/labs/join/", APPLICATION)
    lab = Lab.objects.get()
    drain()

    desk = log_in(Client(), vera)
    listed = text(desk.get("/desk/labs/"))
    decided = desk.post(f"/desk/labs/{lab.public_id}/", {"decision": "approve", "reason": REASON})
    drain()

    lab.refresh_from_db()
    assert (applied.status_code, applied.url, decided.status_code, lab.state) == (302, "/lab/start/", 302, "ACTIVE")
    assert "Judging clinical answers." in listed
    assert {mail.subject for mail in Mail.objects.filter(to=lee.email)} >= {"Your lab is approved"}
    assert Mail.objects.filter(to=vera.email, subject="A lab waits for approval").count() == 1
    assert AuditEvent.objects.filter(verb="lab.approved", actor=vera.public_id).count() == 1


def test_declining_says_why() -> None:
    log_in(Client(), make_user("Lee")).post("/labs/join/", APPLICATION)
    lab, desk = Lab.objects.get(), log_in(Client(), make_operator("owner", name="Vera"))

    short = desk.post(f"/desk/labs/{lab.public_id}/", {"decision": "decline", "reason": "No."})
    done = desk.post(f"/desk/labs/{lab.public_id}/", {"decision": "decline", "reason": REASON})

    assert (short.status_code, "at least 20" in text(short), done.status_code) == (422, True, 302)
    assert Lab.objects.get().state == "CLOSED"


def test_nobody_decides_on_their_own_lab_and_finance_not_at_all() -> None:
    vera = make_operator("trust", name="Vera")
    log_in(Client(), vera).post("/labs/join/", APPLICATION)
    lab = Lab.objects.get()

    own = log_in(Client(), vera).post(f"/desk/labs/{lab.public_id}/", {"decision": "approve", "reason": REASON})
    finance = log_in(Client(), make_operator("finance", name="Fay"))
    other = finance.post(f"/desk/labs/{lab.public_id}/", {"decision": "approve", "reason": REASON})

    assert (own.status_code, other.status_code, finance.get("/desk/labs/").status_code) == (403, 403, 200)
    assert log_in(Client(), make_user("Lee")).get("/desk/labs/").status_code == 403


@pytest.mark.parametrize("field", ["name", "purpose", "contact_email", "country", "website"])
def test_a_bad_field_is_named_and_nothing_is_stored(field: str) -> None:
    client = log_in(Client(), make_user("Lee"))

    # What is not UTF-8 in a form comes as replacement characters, so half a surrogate pair cannot arrive.
    values = {
        name: value for name, value in (BAD_TEXTS if field == "purpose" else BAD_NAMES).items() if name != "surrogate"
    }
    for name, value in values.items():
        body = urlencode({**APPLICATION, field: value})
        answer = client.post("/labs/join/", body, content_type="application/x-www-form-urlencoded")
        assert (answer.status_code in (400, 422), Lab.objects.count()) == (True, 0), name


def test_a_key_is_shown_once_and_works(console: Client) -> None:
    made = console.post("/lab/keys/", KEY)
    shown = re.search(r"gh_test_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}", text(made))

    assert shown is not None
    assert ApiClient(shown.group()).get("/me").json()["scopes"] == ["results:read", "tasks:write"]
    assert shown.group() not in text(console.get("/lab/keys/"))
    assert "no-store" in made.headers["Cache-Control"]


def test_a_key_works_from_its_networks_alone(console: Client) -> None:
    made = console.post("/lab/keys/", {**KEY, "networks": "203.0.113.7, 198.51.100.0/24\n2001:db8::1/32"})
    shown = re.search(r"gh_test_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}", text(made))
    key = ApiKey.objects.get()
    assert shown is not None
    client = ApiClient(shown.group())

    refused = client.get("/me")
    console.post(f"/lab/keys/{key.public_id}/networks/", {"networks": "127.0.0.0/8"})
    taken = client.get("/me")
    wrong = console.post(f"/lab/keys/{key.public_id}/networks/", {"networks": "127.0.0.0/8 my-office"})
    console.post(f"/lab/keys/{key.public_id}/rotate/")

    assert key.allowed_networks == ["198.51.100.0/24", "2001:db8::/32", "203.0.113.7/32"]
    assert (refused.status_code, refused.json()["code"], taken.status_code) == (403, "network_not_allowed", 200)
    assert (wrong.status_code, "is not an address or a network" in text(wrong)) == (422, True)
    assert {tuple(each.allowed_networks) for each in ApiKey.objects.all()} == {("127.0.0.0/8",)}
    assert AuditEvent.objects.filter(verb="api_key.bound").count() == 1


def test_rotating_keeps_the_old_key_for_a_day_and_revoking_ends_it(console: Client) -> None:
    console.post("/lab/keys/", KEY)
    key = ApiKey.objects.get()

    rotated = console.post(f"/lab/keys/{key.public_id}/rotate/")
    successor = ApiKey.objects.exclude(pk=key.pk).get()
    revoked = console.post(f"/lab/keys/{successor.public_id}/revoke/")

    key.refresh_from_db()
    successor.refresh_from_db()
    assert (rotated.status_code, "Copy this key now" in text(rotated), revoked.status_code) == (200, True, 302)
    assert key.expires_at is not None
    assert (key.expires_at - successor.created_at).total_seconds() == 24 * 3600
    assert successor.revoked_at is not None


def test_a_member_sees_keys_and_changes_none(owner: User, console: Client) -> None:
    mia = make_user("Mia")
    Member.objects.create(lab=Lab.objects.get(), user=mia, role="member", added_at=Lab.objects.get().created_at)
    console.post("/lab/keys/", KEY)
    client, key = log_in(Client(), mia), ApiKey.objects.get()

    assert client.get("/lab/keys/").status_code == 200
    assert "New key" not in text(client.get("/lab/keys/"))
    assert client.post("/lab/keys/", KEY).status_code == 403
    assert client.post(f"/lab/keys/{key.public_id}/revoke/").status_code == 403
    assert client.post("/lab/members/", {"email": owner.email, "role": "owner"}).status_code == 403


def test_another_lab_s_key_is_not_there(console: Client) -> None:
    console.post("/lab/keys/", KEY)
    eve = log_in(Client(), make_lab("Eve's")[1])

    assert eve.post(f"/lab/keys/{ApiKey.objects.get().public_id}/revoke/").status_code == 404


def test_a_lab_keeps_an_owner(owner: User, console: Client) -> None:
    own = Member.objects.get(user=owner)

    alone = console.post(f"/lab/members/{own.public_id}/remove/")
    demoted = console.post(f"/lab/members/{own.public_id}/role/", {"role": "member"})
    lab, mia = own.lab, make_user("Mia")
    member = Member.objects.create(lab=lab, user=mia, role="member", added_at=lab.created_at)
    console.post(f"/lab/members/{member.public_id}/role/", {"role": "owner"})
    left = console.post(f"/lab/members/{own.public_id}/remove/")

    assert (alone.status_code, demoted.status_code, left.status_code) == (409, 409, 302)
    assert [member.user.name for member in Member.objects.all()] == ["Mia"]


def test_a_person_of_two_labs_chooses(owner: User, console: Client) -> None:
    other, _ = make_lab("Other")
    Member.objects.create(lab=other, user=owner, role="owner", added_at=other.created_at)

    console.post(f"/lab/switch/{other.public_id}/")

    assert "Who acts for Other" in text(console.get("/lab/members/"))
    assert console.post(f"/lab/switch/{make_lab('Eve')[0].public_id}/").status_code == 404


def test_without_a_lab_its_pages_are_not_there() -> None:
    client = log_in(Client(), make_user("Cyd"))

    assert [client.get(path).status_code for path in ("/lab/keys/", "/lab/members/")] == [404, 404]
    assert [client.get(path).status_code for path in ("/labs/join/", "/labs/terms/")] == [200, 200]


def test_the_keys_page_costs_the_same_for_one_and_for_three(console: Client, django_assert_num_queries: Any) -> None:
    console.post("/lab/keys/", KEY)
    with CaptureQueriesContext(connection) as one:
        console.get("/lab/keys/")
    for _ in range(2):
        console.post("/lab/keys/", KEY)

    with CaptureQueriesContext(connection) as three:
        console.get("/lab/keys/")

    assert len(one) == len(three) <= 10


def test_the_reference_is_served_from_our_own_files() -> None:
    page = Client().get("/api/docs/")

    assert page.status_code == 200
    assert "cdn" not in text(page)
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert Client().get("/api/v1/schema/").status_code == 200
