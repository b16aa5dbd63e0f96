"""Signing up and in, the second factor, proof before money, and sessions that end."""

import re
import time

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.core import mail as outgoing
from django.test import Client
from django.urls import reverse

from accounts.actions import enrol_totp
from accounts.models import AuditEvent, Mail, Session, User
from accounts.outbox import drain
from accounts.queries import current_codes
from accounts.sessions import BEGAN, SEEN
from kernel.db import app_now
from tests.accounts.factories import PASSWORD, add_totp, log_in, make_operator, make_user
from tests.bad_input import BAD_NAMES, cases

NEW = {"name": "Cyd Charisse", "email": "Cyd@Example.com", "password1": PASSWORD, "password2": PASSWORD}


def sign_in(client: Client, user: User, *, password: str = PASSWORD):
    """Press Sign in."""
    return client.post(reverse("account_login"), {"login": user.email, "password": password})


def code_of(user: User) -> str:
    """Read the current one-time code from the demo's mail page."""
    return next(code.code for code in current_codes() if code.user == user)


def test_sign_up_confirms_the_address_by_letter(client, db):
    answer = client.post(reverse("account_signup"), {**NEW, "time_zone": "Europe/Paris"})
    user = User.objects.get()
    drain()
    link = re.search(r"/accounts/confirm-email/\S+", outgoing.outbox[0].body).group()
    before = sign_in(client, user)
    client.post(link)
    after = sign_in(client, user)

    assert (user.name, user.email, user.time_zone) == ("Cyd Charisse", "cyd@example.com", "Europe/Paris")
    sent = reverse("account_email_verification_sent")
    assert [response["Location"] for response in (answer, before, after)] == [sent, sent, reverse("accounts:home")]
    assert EmailAddress.objects.get(user=user).verified


@pytest.mark.parametrize("name", cases(BAD_NAMES))
def test_a_bad_name_is_shown_at_its_field(client, db, name):
    response = client.post(reverse("account_signup"), {**NEW, "name": name.encode("utf-8", "replace").decode()[:5000]})

    if User.objects.exists():
        assert "\ud800" in name
    else:
        assert (response.status_code, list(response.context["form"].errors)) == (200, ["name"])


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "no address"), ("email", "a\x00@b.example"), ("email", "x" * 300 + "@b.example"), ("password1", "short"),
     ("password1", "1234567890"), ("password2", "other than the first"), ("name", "")],
)  # fmt: skip
def test_a_bad_field_makes_no_account(client, db, field, value):
    response = client.post(reverse("account_signup"), {**NEW, field: value})

    assert (response.status_code, User.objects.count(), bool(response.context["form"].errors)) == (200, 0, True)


def test_a_zone_that_does_not_exist_is_utc(client, db):
    client.post(reverse("account_signup"), {**NEW, "time_zone": "Mars/Olympus"})

    assert User.objects.get().time_zone == "UTC"


def test_nobody_learns_who_has_an_account(client, db):
    make_user("Cyd", email="cyd@example.com")
    taken = client.post(reverse("account_signup"), NEW)
    free = client.post(reverse("account_signup"), {**NEW, "email": "dov@example.com"})

    assert (taken.status_code, taken["Location"]) == (free.status_code, free["Location"])
    assert User.objects.filter(email="cyd@example.com").count() == 1


def test_signing_in_makes_a_new_session_and_is_recorded(client, db):
    user = make_user(password=PASSWORD)
    client.get(reverse("account_login"))
    key = client.session.session_key
    sign_in(client, user)

    assert client.session.session_key != key
    assert list(AuditEvent.objects.values_list("verb", "actor", "ip")) == [
        ("user.signed_in", user.public_id, "127.0.0.1")
    ]


def test_a_wrong_password_is_recorded_and_limited(client, db):
    user = make_user(password=PASSWORD)
    answers = [sign_in(client, user, password=f"wrong {number}") for number in range(8)]
    right = sign_in(client, user)

    assert "Too many failed login attempts" in answers[-1].content.decode() + right.content.decode()
    assert right.status_code == 200
    assert AuditEvent.objects.filter(verb="user.sign_in_failed").count() >= 5


def test_a_closed_account_cannot_sign_in_and_is_out_at_once(client, db):
    user = make_user(password=PASSWORD)
    sign_in(client, user)
    User.objects.update(is_active=False)

    assert client.get(reverse("accounts:profile"))["Location"].startswith(reverse("account_login"))


def test_an_operator_without_codes_is_sent_to_set_them_up(client, db):
    ada = make_operator("finance")
    Authenticator.objects.all().delete()
    log_in(client, ada)
    for name in ("accounts:jobs", "accounts:profile", "accounts:inbox", "accounts:home"):
        response = client.get(reverse(name))

        assert (response.status_code, response["Location"].split("?")[0]) == (302, reverse("mfa_activate_totp"))


def test_an_operator_sets_up_codes_and_goes_on(client, db):
    ada = make_user("Ada", password=PASSWORD)
    ada.role_grants.create(role="finance", reason="Hired", granted_at=app_now())
    sign_in(client, ada)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_activate_totp"))
    secret = page.context["form"].secret
    code = _code(secret)
    with_codes = client.post(reverse("mfa_activate_totp"), {"code": code})

    assert with_codes.status_code == 302
    assert Authenticator.objects.filter(user=ada).count() == 2
    assert secret not in str(Authenticator.objects.get(type="totp").data)


def _code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def test_an_operator_signs_in_with_password_and_code(client, db):
    ada = make_operator("finance", password=PASSWORD)
    first = sign_in(client, ada)
    before = client.get(reverse("accounts:jobs"))
    second = client.post(reverse("mfa_authenticate"), {"code": code_of(ada)})
    after = client.get(reverse("accounts:jobs"))

    assert first["Location"] == reverse("mfa_authenticate")
    assert before["Location"].startswith(reverse("account_login"))
    assert (second.status_code, after.status_code) == (302, 200)


def test_a_code_works_once(client, db):
    ada = make_operator("finance", password=PASSWORD)
    code = code_of(ada)
    sign_in(client, ada)
    client.post(reverse("mfa_authenticate"), {"code": code})
    other = Client()
    sign_in(other, ada)

    assert other.post(reverse("mfa_authenticate"), {"code": code}).status_code == 200


def test_a_session_without_the_second_factor_is_asked_for_it(client, db):
    ada = make_operator("finance")
    client.force_login(ada)

    assert client.get(reverse("accounts:jobs"))["Location"].startswith(reverse("mfa_reauthenticate"))


def test_the_second_factor_is_not_asked_of_an_expert(client, db):
    log_in(client, make_user())

    assert client.get(reverse("accounts:profile")).status_code == 200


def test_giving_a_role_asks_for_proof_again(client, db):
    ada, cyd = make_operator("owner"), make_user("Cyd")
    log_in(client, ada)
    session = client.session
    session["account_authentication_methods"] = [
        {"method": "mfa", "at": time.time() - 16 * 60, "reauthenticated": True}
    ]
    session.save()
    values = {"email": cyd.email, "role": "trust", "reason": "Hired"}
    response = client.post(reverse("accounts:people"), values)

    cyd.refresh_from_db()
    assert (response.status_code, "reauthenticate" in response["Location"], cyd.operator_roles) == (302, True, [])


@pytest.mark.parametrize(("began", "seen", "stays"), [(0, 0, True), (11, 0, True), (13, 0, False), (1, 0.6, False)])
def test_a_session_ends_in_time(client, db, began, seen, stays):
    log_in(client, make_user())
    session, now = client.session, int(time.time())
    session[BEGAN], session[SEEN] = now - int(began * 3600), now - int(seen * 3600)
    session.save()

    assert (client.get(reverse("accounts:profile")).status_code == 200) == stays


def test_an_operators_session_rests_fifteen_minutes_at_most(client, db):
    log_in(client, make_operator("trust"))
    session = client.session
    session[SEEN] = int(time.time()) - 16 * 60
    session.save()

    assert client.get(reverse("accounts:jobs")).status_code == 302


def test_signing_out_elsewhere_keeps_this_session(db):
    cyd, here, there, other = make_user(), Client(), Client(), Client()
    log_in(here, cyd)
    log_in(there, cyd)
    log_in(other, make_user("Dov"))
    here.post(reverse("accounts:sign_out_elsewhere"))

    assert [client.get(reverse("accounts:profile")).status_code for client in (here, there, other)] == [200, 302, 200]


def test_a_letter_is_sent_once_and_its_body_erased_outside_the_demo(client, db, settings):
    settings.GUILDHALL_MODE = "production"
    client.post(reverse("account_signup"), NEW)
    drain()
    drain()

    letter = Mail.objects.get()
    assert (len(outgoing.outbox), letter.body, letter.sent_at is not None) == (1, "", True)
    assert "confirm-email" in outgoing.outbox[0].body


def test_the_demo_keeps_letters_to_show_them(client, db):
    client.post(reverse("account_signup"), NEW)
    drain()

    assert "confirm-email" in client.get(reverse("accounts:mail")).content.decode()


def test_the_secret_of_codes_is_sealed(db):
    secret = enrol_totp(make_user(), now=app_now())

    assert secret not in str(list(Authenticator.objects.values_list("data", flat=True)))


def test_an_operator_keeps_their_codes(client, db):
    ada = make_operator("finance")
    log_in(client, ada)
    client.post(reverse("mfa_deactivate_totp"))

    assert Authenticator.objects.filter(user=ada, type="totp").exists()


def test_an_expert_may_do_without_codes(client, db):
    cyd = make_user("Cyd")
    add_totp(cyd)
    log_in(client, cyd)
    client.post(reverse("mfa_deactivate_totp"))

    assert not Authenticator.objects.filter(user=cyd).exists()


def test_a_stolen_table_of_sessions_opens_nothing(client, db):
    log_in(client, make_user())
    held = Session.objects.get().session_key
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = held

    assert held != client.session.session_key
    assert thief.get(reverse("accounts:profile")).status_code == 302


def test_signing_out_ends_the_session_for_everybody_who_holds_it(client, db):
    log_in(client, make_user())
    other = Client()
    other.cookies[settings.SESSION_COOKIE_NAME] = client.session.session_key
    before = other.get(reverse("accounts:profile")).status_code
    client.post(reverse("account_logout"))

    assert (before, other.get(reverse("accounts:profile")).status_code) == (200, 302)


def test_a_forgotten_password_is_replaced_by_letter(client, db):
    cyd = make_user("Cyd", password=PASSWORD)
    client.post(reverse("account_reset_password"), {"email": cyd.email})
    drain()
    letter = outgoing.outbox[0]
    link = re.search(r"/accounts/password/reset/key/\S+", letter.body).group()
    form = client.get(link)["Location"]
    new = "another horse battery"
    client.post(form, {"password1": new, "password2": new})

    assert letter.subject == "Choose a new password"
    assert [sign_in(Client(), cyd, password=word).status_code for word in (PASSWORD, new)] == [200, 302]


def test_a_forgotten_password_of_nobody_looks_the_same(client, db):
    cyd = make_user("Cyd", password=PASSWORD)
    answers = [
        client.post(reverse("account_reset_password"), {"email": email}) for email in (cyd.email, "no@b.example")
    ]

    assert answers[0]["Location"] == answers[1]["Location"]
    assert [letter.to for letter in Mail.objects.all()] == [cyd.email]
