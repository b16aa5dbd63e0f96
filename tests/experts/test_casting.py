"""The cast of labs' test mode: complete, made once, and nobody that could come in."""

from __future__ import annotations

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.adapter import AccountAdapter
from accounts.backends import AccountBackend
from accounts.mail import post_mail
from accounts.models import Mail, Notification, User
from accounts.notices import notify
from experts.actions import install_cast, install_domains
from experts.models import Application, Domain, Expert
from experts.queries import has_reviewer_mark, tier_of
from tests.experts.factories import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> list[Expert]:
    install_domains()
    install_cast(now=NOW)
    return list(Expert.objects.filter(mode="test").select_related("user").order_by("user__name"))


def test_there_are_workers_of_each_tier_and_reviewers_above_the_lowest(cast: list[Expert]) -> None:
    fiction = Domain.objects.get(slug="fiction")

    found = [(tier_of(expert, fiction), has_reviewer_mark(expert, fiction)) for expert in cast]

    assert {kind: found.count(kind) for kind in set(found)} == {
        **{(tier, False): 24 for tier in range(1, 6)},
        **{(tier, True): 4 for tier in range(2, 6)},
    }


def test_it_is_made_once(cast: list[Expert]) -> None:
    before = User.objects.count()

    assert install_cast(now=NOW) == len(cast)

    assert User.objects.count() == before


def test_nobody_of_it_ever_applied(cast: list[Expert]) -> None:
    assert Application.objects.count() == 0


def test_a_session_of_a_simulated_expert_is_nobodys(cast: list[Expert]) -> None:
    client = Client()
    client.force_login(cast[0].user)

    response = client.get("/work/")

    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/work/")
    assert AccountBackend().get_user(cast[0].user.pk) is None


def test_no_password_opens_a_simulated_account(cast: list[Expert]) -> None:
    assert authenticate(None, email=cast[0].user.email, password="") is None

    with pytest.raises(IntegrityError, match="user_simulated_has_no_way_in"), transaction.atomic():
        User.objects.filter(pk=cast[0].user.pk).update(password="pbkdf2_sha256$1$salt$hash")


@pytest.mark.parametrize("change", [{"is_staff": True}, {"operator_roles": ["owner"]}, {"email": "cyd@example.org"}])
def test_a_simulated_account_gets_no_power_and_no_address(cast: list[Expert], change: dict[str, object]) -> None:
    with pytest.raises(IntegrityError, match="user_simulated_has_no_way_in"), transaction.atomic():
        User.objects.filter(pk=cast[0].user.pk).update(**change)


def test_nobody_signs_up_with_a_simulated_address() -> None:
    with pytest.raises(ValidationError, match="No letter can reach"):
        AccountAdapter().clean_email("Cyd@Simulated.Invalid")

    with pytest.raises(IntegrityError, match="user_simulated_has_no_way_in"), transaction.atomic():
        User.objects.create_user("cyd@simulated.invalid")


def test_no_letter_and_no_notice_is_written_to_one(cast: list[Expert]) -> None:
    with transaction.atomic():
        notify(cast[0].user, "A seat waits for you.", "/work/", NOW)
        is_posted = post_mail(to=cast[0].user.email, subject="Hello", body="", key="hello")

    assert (is_posted, Mail.objects.count(), Notification.objects.count()) == (False, 0, 0)
