"""Whatever is typed into the pages of accounts is answered, never crashed on."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.accounts.factories import PASSWORD, log_in, make_operator, make_user
from tests.bad_input import BIDI, CONTROL, NUL, ZERO_WIDTH

WORDS = {
    "nul": NUL,
    "bidi": BIDI,
    "zero_width": ZERO_WIDTH,
    "control": CONTROL,
    "long": "x" * 100_000,
    "lone": "%ED%A0%80",
}
OPEN_FORMS = {
    "account_login": ["login", "password"],
    "account_signup": ["name", "email", "password1", "password2", "time_zone"],
    "account_reset_password": ["email"],
}
OWN_FORMS = {
    "account_reauthenticate": ["password"],
    "account_change_password": ["oldpassword", "password1", "password2"],
    "account_email": ["email"],
    "mfa_activate_totp": ["code"],
    "accounts:profile": ["name", "time_zone"],
}
DESK_FORMS = {"accounts:people": ["email", "role", "reason"], "mfa_reauthenticate": ["code"]}
PATHS = [
    "/accounts/confirm-email/%00/", "/accounts/confirm-email/%ED%A0%80/", "/accounts/password/reset/key/%00-%00/",
    "/accounts/password/reset/key/zzz-zzz/", "/desk/jobs/99999999999999999999/replay/", "/desk/people/%00/revoke/",
    "/desk/jobs/0/replay/", "/inbox/?page=%00", "/inbox/?page=-1", "/inbox/?page=99999999999999999999",
    "/desk/jobs/?page=x", "/accounts/login/?next=//evil.example",
    "/accounts/2fa/webauthn/keys/99999999999999999999/edit/",
]  # fmt: skip


def press(client: Client, name: str, fields: list[str], word: str) -> list[int]:
    """Fill each field of a form in turn; return the statuses."""
    good = {"email": "cyd@example.com", "login": "cyd@example.com", "name": "Cyd", "password1": PASSWORD,
            "password2": PASSWORD, "role": "trust", "reason": "a", "action_add": "1"}  # fmt: skip
    return [client.post(reverse(name), {**good, field: word}).status_code for field in fields]


@pytest.mark.parametrize("word", list(WORDS.values()), ids=list(WORDS))
@pytest.mark.parametrize("name", list(OPEN_FORMS))
def test_a_visitors_form_answers(client, db, name, word):
    statuses = press(client, name, OPEN_FORMS[name], word)

    assert {status for status in statuses if status not in (200, 302, 422, 429)} == set()


@pytest.mark.parametrize("word", list(WORDS.values()), ids=list(WORDS))
@pytest.mark.parametrize("name", list(OWN_FORMS))
def test_a_persons_form_answers(client, db, name, word):
    cyd = make_user("Cyd", password=PASSWORD)
    log_in(client, cyd)
    statuses = press(client, name, OWN_FORMS[name], word)

    assert {status for status in statuses if status not in (200, 302, 422, 429)} == set()
    assert User.objects.get().name == "Cyd"


@pytest.mark.parametrize("word", list(WORDS.values()), ids=list(WORDS))
@pytest.mark.parametrize("name", list(DESK_FORMS))
def test_an_operators_form_answers(client, db, name, word):
    log_in(client, make_operator("owner"))
    statuses = press(client, name, DESK_FORMS[name], word)

    assert {status for status in statuses if status not in (200, 302, 422, 429)} == set()


@pytest.mark.parametrize("path", PATHS)
def test_an_odd_address_answers(client, db, path):
    log_in(client, make_operator("owner"))
    statuses = {client.get(path).status_code, client.post(path, {"next": "//evil.example"}).status_code}

    assert {status for status in statuses if status >= 500} == set()


@pytest.mark.parametrize(
    "address", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_sent_elsewhere_after_signing_in(client, db, address):
    cyd = make_user("Cyd", password=PASSWORD)
    answer = client.post(reverse("account_login"), {"login": cyd.email, "password": PASSWORD, "next": address})

    assert answer["Location"] == reverse("accounts:home")
