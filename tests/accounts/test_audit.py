"""What happened is written with it, cannot be changed, and shows when it was changed all the same."""

import time
from io import StringIO
from typing import LiteralString

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts.actions import grant_role
from accounts.audit import audit, audit_refusal
from accounts.context import Door, door
from accounts.models import AuditEvent, AuditSeal, User
from accounts.seals import Fault, seal_audit, verify_audit
from kernel.db import app_now
from tests.accounts.factories import make_user
from tests.database import owner_connection

PATIENCE_SECONDS = 60


def happen(verb: str = "user.tested") -> AuditEvent:
    """Commit one event."""
    user = make_user()
    with transaction.atomic():
        audit(user, verb, user, at=app_now(), was="OLD", reason="a test", count=3)
    return AuditEvent.objects.latest("id")


def as_owner(statement: LiteralString, *values: object) -> None:
    """Change rows behind the application's back."""
    with owner_connection() as owner:
        owner.execute(statement, values)


def seal_settled() -> int:
    """Seal once no transaction is older than what happened: the other workers of a run share the server's numbers."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT COALESCE(max(xid), 0) < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
                " FROM accounts_auditevent"
            )
            if cursor.fetchone()[0]:
                return seal_audit()
        time.sleep(0.02)
    pytest.fail("another transaction stayed open")


def fail_after_an_event(user: User) -> None:
    """Write an event in a transaction that fails."""
    with transaction.atomic():
        audit(user, "user.tested", user, at=app_now())
        raise ZeroDivisionError


def verify() -> str:
    """Run the command and give what it prints."""
    out = StringIO()
    call_command("verify_audit", stdout=out)
    return out.getvalue()


def test_an_event_is_one_statement(db, django_assert_num_queries):
    user = make_user()
    now = app_now()

    with django_assert_num_queries(1):
        audit(user, "user.tested", user, at=now)


def test_an_event_says_who_what_when_and_from_where(db):
    user, now = make_user(), app_now()
    token = door.set(Door(acting_role="operator", ip="192.0.2.7", request_id="r-1"))
    audit(user, "user.tested", user, at=now, was="OLD", count=3)
    door.reset(token)

    fields = ("at", "actor", "acting_role", "verb", "object_type", "object_id", "was", "details", "ip", "request_id")
    assert list(AuditEvent.objects.values_list(*fields)) == [
        (now, user.public_id, "operator", "user.tested", "accounts.user", user.public_id, "OLD", {"count": 3},
         "192.0.2.7", "r-1"),
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_an_event_needs_the_transaction_of_what_happens():
    user = make_user()

    with pytest.raises(RuntimeError):
        audit(user, "user.tested", user, at=app_now())


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_did_not_happen():
    user = make_user()
    with pytest.raises(ZeroDivisionError):
        fail_after_an_event(user)

    assert not AuditEvent.objects.exists()


def test_a_refusal_is_kept(db):
    user = make_user()
    audit_refusal(user, method="GET", path="/desk/payouts/", status=403)

    event = AuditEvent.objects.get()
    assert (event.actor, event.verb, event.details) == (
        user.public_id, "access.refused", {"method": "GET", "path": "/desk/payouts/", "status": 403},
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", ["accounts_auditevent", "accounts_auditseal"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_application_cannot_change_what_happened(table, statement):
    happen()
    seal_settled()

    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute(statement.format(table))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", ["UPDATE {} SET verb = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
def test_not_even_the_owner_changes_what_happened_by_accident(statement):
    happen()

    with owner_connection() as owner:
        owner.execute("SET session_replication_role = origin")
        with pytest.raises(Exception, match="append-only"):
            owner.execute(statement.format("accounts_auditevent"))


@pytest.mark.django_db(transaction=True)
def test_the_chain_holds_over_many_seals():
    for _ in range(3):
        happen()
        assert seal_settled() > 0
    happen()

    assert (list(verify_audit()), AuditSeal.objects.count()) == ([], 3)
    assert verify().startswith("OK 4 events; newest seal 3 ")


@pytest.mark.django_db(transaction=True)
def test_nothing_new_makes_no_seal():
    happen()
    seal_settled()

    assert (seal_audit(), AuditSeal.objects.count()) == (0, 1)


CHANGES = {
    "actor": "UPDATE accounts_auditevent SET actor = 'usr_other' WHERE id = %s",
    "verb": "UPDATE accounts_auditevent SET verb = 'x' WHERE id = %s",
    "time": "UPDATE accounts_auditevent SET at = at + interval '1 second' WHERE id = %s",
    "details": "UPDATE accounts_auditevent SET details = '{}' WHERE id = %s",
    "address": "UPDATE accounts_auditevent SET ip = '192.0.2.1' WHERE id = %s",
    "state": "UPDATE accounts_auditevent SET was = '' WHERE id = %s",
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", list(CHANGES.values()), ids=list(CHANGES))
def test_a_changed_row_is_named(change):
    happen()
    event = happen()
    happen()
    seal_settled()
    as_owner(change, event.pk)

    assert list(verify_audit()) == [Fault("event", event.pk, "The row is not what seal 1 holds.")]
    with pytest.raises(CommandError, match="1 faults"):
        verify()


@pytest.mark.django_db(transaction=True)
def test_a_row_taken_away_is_named():
    event = happen()
    happen()
    seal_settled()
    as_owner("DELETE FROM accounts_auditevent WHERE id = %s", event.pk)

    assert list(verify_audit()) == [Fault("event", event.pk, "The row that seal 1 holds is gone.")]


@pytest.mark.django_db(transaction=True)
def test_a_row_slipped_in_is_named():
    first = happen()
    seal_settled()
    as_owner(
        "INSERT INTO accounts_auditevent"
        " (at, actor, acting_role, verb, object_type, object_id, was, details, request_id, xid)"
        " SELECT at, actor, acting_role, 'forged', object_type, object_id, was, details, request_id, xid"
        " FROM accounts_auditevent WHERE id = %s",
        first.pk,
    )
    forged = AuditEvent.objects.get(verb="forged")

    assert list(verify_audit()) == [Fault("event", forged.pk, "The row was slipped in after seal 1.")]


@pytest.mark.django_db(transaction=True)
def test_a_forged_seal_breaks_the_chain():
    for _ in range(3):
        happen()
        seal_settled()
    as_owner("UPDATE accounts_auditseal SET sealed_at = sealed_at, hash = sha256('x') WHERE number = 2")

    assert {(fault.what, fault.row) for fault in verify_audit()} == {("seal", 2), ("seal", 3)}


@pytest.mark.django_db(transaction=True)
def test_a_seal_taken_away_is_noticed():
    for _ in range(3):
        happen()
        seal_settled()
    as_owner("DELETE FROM accounts_auditseal WHERE number = 2")

    assert [fault.row for fault in verify_audit()][:1] == [3]


@pytest.mark.django_db(transaction=True)
def test_an_event_of_a_slow_transaction_is_sealed_when_it_is_over():
    user = make_user()
    with owner_connection() as slow:
        slow.execute("SET session_replication_role = origin")
        with slow.transaction():
            slow.execute(
                "INSERT INTO accounts_auditevent (at, actor, acting_role, verb, object_type, object_id, was, details,"
                " request_id) VALUES (now(), '', '', 'slow', 'x', '1', '', '{}', '')"
            )
            with transaction.atomic():
                audit(user, "quick", user, at=app_now())
            sealed_meanwhile = seal_audit()
        sealed_after = seal_settled()

    sealed = [number for seal in AuditSeal.objects.all() for number in seal.event_ids]
    assert sorted(sealed) == sorted(AuditEvent.objects.values_list("pk", flat=True))
    assert (sealed_meanwhile, sealed_after, list(verify_audit())) == (0, 2, [])


@pytest.mark.django_db(transaction=True)
def test_a_full_page_ends_at_a_whole_transaction(monkeypatch):
    monkeypatch.setattr("accounts.seals.MOST_EVENTS", 3)
    ada, bo = make_user("Ada"), make_user("Bo")
    for role in ("vetting", "trust"):
        grant_role(bo, role, by=ada, reason="a test", now=app_now())
    with transaction.atomic():
        for number in range(4):
            audit(ada, "many", bo, at=app_now(), number=number)
    while seal_settled():
        continue

    assert (list(verify_audit()), AuditSeal.objects.count() > 1) == ([], True)
    assert sum(len(seal.event_ids) for seal in AuditSeal.objects.all()) == AuditEvent.objects.count()
