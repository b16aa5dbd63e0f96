"""Roles are given by others, for a reason, and end on the next request."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction

from accounts import rules
from accounts.actions import grant_role, revoke_role
from accounts.models import AuditEvent, Notification, RoleGrant, User
from kernel.db import app_now
from kernel.errors import Refused
from tests.accounts.factories import make_user

QUESTIONS = [rules.is_operator, rules.is_vetting, rules.is_finance, rules.is_trust, rules.is_owner]


def answers(user) -> list[bool]:
    """Ask every question."""
    return [question(user) for question in QUESTIONS]


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("vetting", [True, True, False, False, False]),
        ("finance", [True, False, True, False, False]),
        ("trust", [True, False, False, True, False]),
        ("owner", [True, False, False, False, True]),
    ],
)
def test_a_role_gives_itself_and_no_other(db, role, expected):
    cyd = make_user()
    grant_role(cyd, role, by=make_user("Ada"), reason="Hired", now=app_now())

    assert answers(cyd) == answers(User.objects.get(pk=cyd.pk)) == expected


def test_strangers_and_closed_accounts_hold_nothing(db):
    cyd = make_user()
    grant_role(cyd, "owner", by=None, reason="First", now=app_now())
    cyd.is_active = False

    assert answers(cyd) == answers(AnonymousUser()) == answers(make_user("Dov")) == [False] * 5


def test_roles_cost_no_statement(db, django_assert_num_queries):
    cyd = User.objects.get(pk=make_user().pk)

    with django_assert_num_queries(0):
        answers(cyd)


def test_a_grant_says_who_and_why_and_tells_the_person(db):
    ada, cyd, now = make_user("Ada"), make_user("Cyd"), app_now()
    grant = grant_role(cyd, "vetting", by=ada, reason="Ten years a nurse", now=now)

    assert (grant.granted_by, grant.reason, grant.granted_at) == (ada, "Ten years a nurse", now)
    event = AuditEvent.objects.get(verb="role.granted")
    assert (event.actor, event.object_id, event.details["role"]) == (ada.public_id, cyd.public_id, "vetting")
    assert Notification.objects.get().user == cyd


def test_nobody_gives_a_role_to_themselves(db):
    ada = make_user("Ada")

    with pytest.raises(Refused, match="Ask another owner"):
        grant_role(ada, "finance", by=ada, reason="me", now=app_now())
    with pytest.raises(IntegrityError), transaction.atomic():
        RoleGrant.objects.create(user=ada, role="finance", granted_by=ada, reason="me", granted_at=app_now())


def test_a_role_is_held_once(db):
    ada, cyd = make_user("Ada"), make_user("Cyd")
    grant_role(cyd, "trust", by=ada, reason="a", now=app_now())

    with pytest.raises(Refused, match="already holds"):
        grant_role(cyd, "trust", by=ada, reason="b", now=app_now())


@pytest.mark.parametrize(("role", "reason"), [("king", "a"), ("owner", "")])
def test_a_grant_of_an_unknown_role_or_without_a_reason_is_not_stored(db, role, reason):
    with pytest.raises(IntegrityError), transaction.atomic():
        RoleGrant.objects.create(user=make_user(), role=role, reason=reason, granted_at=app_now())


def test_a_role_taken_back_is_gone_at_once_and_can_be_given_again(db):
    ada, cyd = make_user("Ada"), make_user("Cyd")
    grant = grant_role(cyd, "trust", by=ada, reason="a", now=app_now())
    revoke_role(grant, by=ada, now=app_now())
    gone = rules.is_trust(User.objects.get(pk=cyd.pk))
    grant_role(cyd, "trust", by=ada, reason="b", now=app_now())

    assert (gone, rules.is_trust(User.objects.get(pk=cyd.pk))) == (False, True)


def test_nobody_takes_back_their_own_role(db):
    ada = make_user("Ada")
    grant = grant_role(ada, "owner", by=None, reason="First", now=app_now())

    with pytest.raises(Refused, match="own roles"):
        revoke_role(grant, by=ada, now=app_now())


def test_a_role_is_taken_back_once(db):
    ada, cyd = make_user("Ada"), make_user("Cyd")
    grant = grant_role(cyd, "trust", by=ada, reason="a", now=app_now())
    revoke_role(grant, by=ada, now=app_now())

    with pytest.raises(Refused, match="taken back before"):
        revoke_role(grant, by=ada, now=app_now())


def test_an_address_is_stored_in_lower_case(db):
    cyd = make_user(email="Cyd@Example.COM")

    assert (cyd.email, User.objects.get_by_natural_key("CYD@example.com")) == ("cyd@example.com", cyd)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create(email="Dov@example.com")


@pytest.mark.parametrize(
    ("name", "initials"), [("Cyd Charisse", "CC"), ("Cyd", "C"), ("Ana de la Cruz", "AC"), ("é", "É")]
)
def test_initials_stand_for_a_picture(name, initials):
    assert User(name=name, email="a@b.example").initials == initials
