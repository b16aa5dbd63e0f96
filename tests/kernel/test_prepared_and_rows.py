"""What is prepared finds what its queryset finds, and what is written by the row is what Django would have written."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import AuditEvent, User
from kernel.db import app_now
from kernel.prepared import Prepared
from kernel.rows import insert, update
from labs.models import Event, Lab
from tests.accounts.factories import make_user
from tests.agreements.factories import a_lab

NAMED = Prepared(
    lambda name, at: User.objects.filter(name=name, date_joined__lte=at, is_active=True).order_by("email"),
    name="the name",
    at=datetime(2000, 1, 1, tzinfo=UTC),
)


def values(row):
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_a_prepared_queryset_finds_what_the_queryset_finds(db):
    make_user(email="b@example.org", name="Ada")
    make_user(email="a@example.org", name="Ada")
    make_user(email="c@example.org", name="Bo")
    later = app_now() + timedelta(days=1)

    found = NAMED.all(name="Ada", at=later)

    assert [values(user) for user in found] == [
        values(user) for user in User.objects.filter(name="Ada").order_by("email")
    ]
    assert [user.email for user in NAMED.all(name="Bo", at=later)] == ["c@example.org"]
    assert NAMED.get(name="Ada", at=later) == found[0]
    assert NAMED.get(name="Cyd", at=later) is None


def test_a_prepared_row_comes_with_what_was_selected_with_it(db, django_assert_num_queries):
    event = Event.objects.create(lab=a_lab(), mode="live", kind="batch.staged", data={"a": [1]}, created_at=app_now())
    prepared = Prepared(lambda event: Event.objects.select_related("lab").filter(pk=event), event=uuid4())

    with django_assert_num_queries(1):
        found = prepared.get(event=event.pk)

        assert found.lab == event.lab

    assert (found.data, found.transaction) == ({"a": [1]}, Event.objects.get().transaction)
    assert isinstance(found.lab, Lab)


def test_an_example_that_the_queryset_does_not_use_is_a_mistake(db):
    unused = Prepared(lambda user, other: User.objects.filter(pk=user), user=uuid4(), other=uuid4())

    with pytest.raises(ValueError, match="makes no use of other"):
        unused.get(user=uuid4(), other=uuid4())


def test_an_inserted_row_is_the_one_that_saving_makes(db):
    facts = {"at": app_now(), "verb": "lamp.lit", "object_type": "lamp", "object_id": "1", "details": {"n": [1, None]}}

    insert(AuditEvent(**facts, ip=None))
    AuditEvent(**facts, ip=None).save()

    one, other = (values(row) for row in AuditEvent.objects.order_by("id"))
    assert one | {"id": 0} == other | {"id": 0}


def test_a_key_that_is_taken_is_refused(db):
    ada = make_user(name="Ada")

    with pytest.raises(IntegrityError), transaction.atomic():
        insert(User(id=ada.pk, email="bo@example.org", date_joined=app_now()))


def test_an_update_happens_only_while_the_row_is_as_it_was(db):
    ada, bo = make_user(name="Ada"), make_user(name="Bo")

    assert update(ada, {"name": "Ada L.", "time_zone": "Europe/London"}, name="Ada") is True
    assert update(ada, {"name": "Eve"}, name="Ada") is False

    ada.refresh_from_db()
    bo.refresh_from_db()
    assert (ada.name, ada.time_zone, bo.name) == ("Ada L.", "Europe/London", "Bo")


def test_statements_that_come_again_are_prepared_by_the_server(db):
    at = app_now()
    for _ in range(8):
        NAMED.all(name="Ada", at=at)

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%accounts_user%%'")
        assert cursor.fetchone()[0] >= 1
