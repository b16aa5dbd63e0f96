"""The tests' database: made by the owner, served by the app's role, and emptied between tests.

Tests run as the role that serves, which owns nothing; only the schema's making and the emptying are the owner's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.test import TransactionTestCase
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

from marketplace.embedded import APP

KEPT = "pristine"  # The schema that keeps the rows which migrations wrote.
UNTOUCHED = frozenset({"django_migrations"})


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Make the schema as the owner, then serve every test as the app's role."""
    suffix = os.environ.get("PYTEST_XDIST_WORKER", "")
    owner = settings.DATABASES["default"]["USER"]
    name = f"test_guildhall{'_' + suffix if suffix else ''}"
    connection.settings_dict["TEST"]["NAME"] = name
    with django_db_blocker.unblock():
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        call_command("grant_app_role", role=APP)
        keep_pristine_rows()
        connection.close()
        connection.settings_dict["USER"] = APP
    yield
    with django_db_blocker.unblock():
        connections.close_all()
        connection.settings_dict["USER"] = owner
        connection.creation.destroy_test_db(settings.DATABASES["default"]["NAME"], verbosity=0)


@contextmanager
def owner_connection() -> Iterator[psycopg.Connection[Any]]:
    """Connect to the test's database as the schema's owner, past triggers and foreign keys."""
    parameters = connection.get_connection_params()
    address = {key: parameters[key] for key in ("dbname", "host", "port", "password") if parameters.get(key)}
    user = settings.DATABASE_OWNER_URL.partition("://")[2].partition("@")[0].partition(":")[0]
    with psycopg.connect(**address, user=user, autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        yield owner


def keep_pristine_rows() -> None:
    """Copy the rows that migrations wrote, so that emptying can put them back."""
    with owner_connection() as owner:
        owner.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(KEPT)))
        for table in filled_tables(owner):
            owner.execute(
                sql.SQL("CREATE TABLE {} AS TABLE {}").format(
                    sql.Identifier(KEPT, table), sql.Identifier("public", table)
                )
            )


def empty_tables() -> None:
    """Put every table back to what the migrations left."""
    with owner_connection() as owner:
        kept = {row[0] for row in owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [KEPT])}
        with owner.transaction():
            for table in {*filled_tables(owner), *kept} - UNTOUCHED:
                name = sql.Identifier("public", table)
                if table in kept:
                    owner.execute(RESTORE.format(name, sql.Identifier(KEPT, table)))
                else:
                    owner.execute(sql.SQL("DELETE FROM {}").format(name))


RESTORE = sql.SQL("WITH gone AS (DELETE FROM {0}) SELECT 1; INSERT INTO {0} SELECT * FROM {1}")


def filled_tables(owner: psycopg.Connection[Any]) -> list[str]:
    """Return the names of the tables that hold rows."""
    names = [row[0] for row in owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    question = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(sql.Literal(name), sql.Identifier("public", name))
        for name in names
    )
    return [row[0] for row in owner.execute(question)]


def _empty_after_test(self: TransactionTestCase) -> None:
    """Empty the tables as the owner: the app's role may not, and Django's flush would trip over the guards."""
    for each in connections.all():
        each.close()
    empty_tables()


TransactionTestCase._fixture_teardown = _empty_after_test  # type: ignore[attr-defined]
