"""Writes that go as one statement, and statements that are sent ahead: all of it happens, or nothing does."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection

from accounts.models import AuditEvent, User
from kernel.db import action, app_now, send_ahead
from kernel.errors import LostRace
from kernel.rows import as_one, call, insert, update_surely
from tests.accounts.factories import make_user


def event(verb: str) -> AuditEvent:
    return AuditEvent(at=app_now(), verb=verb, object_type="lamp", object_id="1", details={}, ip=None)


def verbs() -> list[str]:
    return list(AuditEvent.objects.filter(object_type="lamp").order_by("pk").values_list("verb", flat=True))


@action
def rename(user: User, *, to: str, was: str) -> None:
    """Rename somebody who is still called ``was``, and note it."""
    with as_one():
        insert(event("lamp.renamed"))
        update_surely(user, {"name": to}, "Somebody renamed them first.", name=was)


@pytest.mark.django_db
def test_what_is_written_together_is_one_statement(django_assert_num_queries):
    ada, first, second = make_user(name="Ada"), event("lamp.lit"), event("lamp.out")
    read = []

    with django_assert_num_queries(1), as_one():
        insert(first)
        update_surely(ada, {"name": "Ada L."}, "Gone.", name="Ada")
        insert(second)
        call("1 + %s::integer", [2], read.append)

    ada.refresh_from_db()
    assert (sorted(verbs()), ada.name, read) == (["lamp.lit", "lamp.out"], "Ada L.", [3])


@pytest.mark.django_db(transaction=True)
def test_a_row_that_moved_refuses_all_that_was_written_with_it():
    ada = make_user(name="Ada")

    with pytest.raises(LostRace, match="Somebody renamed them first"):
        rename(ada, to="Eve", was="Bo")

    ada.refresh_from_db()
    assert (verbs(), ada.name) == ([], "Ada")


@pytest.mark.django_db(transaction=True)
def test_alone_a_sure_update_refuses_as_well():
    ada = make_user(name="Ada")

    @action
    def alone() -> None:
        update_surely(ada, {"name": "Eve"}, "Somebody renamed them first.", name="Bo")

    with pytest.raises(LostRace, match="Somebody renamed them first"):
        alone()


@pytest.mark.django_db(transaction=True)
def test_what_fails_after_it_was_sent_ahead_commits_nothing():
    ada = make_user(name="Ada")

    @action
    def double() -> None:
        send_ahead()
        insert(event("lamp.lit"))
        insert(User(id=ada.pk, email="bo@example.org", date_joined=app_now()))

    with pytest.raises(IntegrityError):
        double()

    assert verbs() == []
    assert app_now()  # The connection goes on.


@pytest.mark.django_db(transaction=True)
def test_rows_are_counted_truly_while_statements_are_sent_ahead():
    ada = make_user(name="Ada")
    counts = []

    @action
    def count() -> None:
        send_ahead()
        insert(event("lamp.lit"))
        counts.append(User.objects.filter(pk=ada.pk, name="Ada").update(name="Ada L."))
        counts.append(User.objects.filter(pk=ada.pk, name="Ada").update(name="Eve"))

    count()

    ada.refresh_from_db()
    assert (counts, ada.name, verbs()) == ([1, 0], "Ada L.", ["lamp.lit"])
    assert not connection.in_atomic_block
