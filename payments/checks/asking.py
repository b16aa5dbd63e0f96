"""Ask the database whether an invariant holds, over how much, and whether what guards it still stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

SHOWN = 5
STANDING = """
SELECT name FROM unnest(%s::text[]) AS name
WHERE NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = name AND tgenabled IN ('O', 'A'))
  AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = name AND convalidated AND contype <> 't')
  AND NOT EXISTS (SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
                  WHERE c.relname = name AND i.indisunique AND i.indisvalid)
"""


@dataclass(frozen=True)
class Invariant:
    """A sentence, the statement that finds what breaks it, what it was asked of, and the guards that keep it true."""

    name: str
    sql: str
    figure: str  # A statement whose one text says how much was looked at.
    guards: tuple[str, ...] = ()  # Triggers, constraints and unique indexes, by name.


@dataclass(frozen=True)
class Finding:
    """An invariant, how much it was asked of, and the first breaches of it: none means it holds."""

    name: str
    figure: str
    breaches: list[str]


def ask(invariants: Iterable[Invariant]) -> list[Finding]:
    """Ask every question and return what was found."""
    asked = list(invariants)
    fallen = guards_that_fell([guard for each in asked for guard in each.guards])
    return [
        _found(each, [f"{guard} is gone or disabled" for guard in each.guards if guard in fallen]) for each in asked
    ]


def guards_that_fell(names: Sequence[str]) -> set[str]:
    """Return which of these triggers, constraints and unique indexes are missing, disabled or not validated."""
    with connection.cursor() as cursor:
        cursor.execute(STANDING, [list(names)])
        return {row[0] for row in cursor.fetchall()}


def count_of(table: str, what: str) -> str:
    """Return the statement that says how many rows a table has."""
    return f"SELECT count(*) || ' {what}' FROM {table}"  # noqa: S608  (our own names)


def sums_of(table: str, amount: str, where: str = "true") -> str:
    """Return the statement that says what a column adds up to in each currency."""
    return (
        "SELECT coalesce(string_agg(currency || ' ' || to_char(total / 100.0, 'FM999999999990.00'), ', '"  # noqa: S608  (our own names)
        f" ORDER BY currency), 'nothing') FROM (SELECT currency, sum({amount}) AS total FROM {table}"
        f" WHERE {where} GROUP BY currency) AS sums"
    )


def _found(invariant: Invariant, fallen: list[str]) -> Finding:
    with connection.cursor() as cursor:
        cursor.execute(invariant.figure)
        figure = str(cursor.fetchone()[0])
        cursor.execute(f"SELECT * FROM ({invariant.sql}) AS found LIMIT {SHOWN}")  # noqa: S608  (our own text)
        return Finding(invariant.name, figure, fallen + [str(row[0]) for row in cursor.fetchall()])
