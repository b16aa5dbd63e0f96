"""Break what the database guards, as its owner, and ask the check of the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

from django.core.management import call_command
from psycopg import sql

from tests.database import empty_tables, owner_connection

# A constraint is put back by its definition, an index that is none by its own.
DEFINITION = """
SELECT 'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT ' || conname,
       'ALTER TABLE ' || conrelid::regclass || ' ADD CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE conname = %(guard)s
UNION ALL
SELECT 'DROP INDEX ' || c.oid::regclass, pg_get_indexdef(c.oid) FROM pg_class c WHERE c.relname = %(guard)s
    AND c.relkind = 'i' AND c.relnamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = %(guard)s)
"""


def check() -> tuple[int, str]:
    """Run the command; return how it exits and what it prints."""
    out = StringIO()
    try:
        call_command("check_ledger", stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def broken() -> list[str]:
    """Return the lines that the command prints of broken invariants."""
    return [line.removeprefix("BROKEN  ") for line in check()[1].splitlines() if line.startswith("BROKEN")]


def tamper(statement: str) -> None:
    """Change rows by hand, past every trigger and foreign key."""
    with owner_connection() as owner:
        owner.execute(statement.encode())


@contextmanager
def without(guard: str) -> Iterator[None]:
    """Take a constraint or unique index away; empty all tables and put it back at the end."""
    with owner_connection() as owner:
        row = owner.execute(DEFINITION, {"guard": guard}).fetchone()
        assert row is not None, f"{guard} is no guard"
        drop, add = row
        owner.execute(drop.encode())
        try:
            yield
        finally:
            empty_tables()
            owner.execute(add.encode())


@contextmanager
def all_triggers_off() -> Iterator[set[str]]:
    """Disable every trigger of ours, and yield their names."""
    with owner_connection() as owner:
        rows = owner.execute(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'"
            " AND tgrelid::regclass::text ~ '^(payments|tasks)_'"
        ).fetchall()
        try:
            _switch(owner, rows, "DISABLE")
            yield {name for _, name in rows}
        finally:
            _switch(owner, rows, "ENABLE")


def _switch(owner, rows: list[tuple[str, str]], way: str) -> None:  # type: ignore[no-untyped-def]  # psycopg's own.
    for table, name in rows:
        statement = sql.SQL("ALTER TABLE {} {} TRIGGER {}")
        owner.execute(statement.format(sql.Identifier(table), sql.SQL(way), sql.Identifier(name)))
