"""Write single rows with SQL that is put together once for each model: what the busiest requests do again and again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import AutoField, Field, Model
from django.db.models.expressions import DatabaseDefault

from kernel.db import require_transaction

Fields = tuple["Field[Any, Any]", ...]


@dataclass
class _Writes:
    """Writes that wait for each other; in which order they are made is the database's own."""

    changes: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    change_values: list[Any] = field(default_factory=list)
    call_values: list[Any] = field(default_factory=list)
    readers: dict[int, Callable[[Any], None]] = field(default_factory=dict)  # Who wants what a call returned.


_gathered: ContextVar[_Writes | None] = ContextVar("gathered", default=None)


@contextmanager
def as_one() -> Iterator[None]:
    """Send what the block inserts, surely updates and calls as one statement, at its end: all of it or nothing.

    No part sees what another wrote; the calls come first, and what they return is read after the block.
    """
    require_transaction()
    writes = _Writes()
    outer = _gathered.set(writes)
    try:
        yield
    finally:
        _gathered.reset(outer)
    with connection.cursor() as cursor:
        sql = _as_one(tuple(writes.changes), tuple(writes.calls))
        cursor.execute(sql, writes.change_values + writes.call_values)
        returned = cursor.fetchone() if writes.readers else ()
    for place, read in writes.readers.items():
        read(returned[place])


def call(expression: str, values: Sequence[Any], read: Callable[[Any], None] | None = None) -> None:
    """Call a function of the database for what it does; ``read`` is given what it returns, if anybody wants it."""
    writes = _gathered.get()
    if writes is None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {expression}", values)
            if read is not None:
                read(cursor.fetchone()[0])
        return
    if read is not None:
        writes.readers[len(writes.calls)] = read
    writes.calls.append(expression)
    writes.call_values.extend(values)


def insert(row: Model) -> None:
    """Add a new row: ``save(force_insert=True)`` without signals, and without reading back what the database adds.

    Columns whose value is left to the database (a default of its own, a counted key) are left to it.
    """
    given = {field: getattr(row, field.attname) for field in _columns(type(row))}
    given = {field: value for field, value in given.items() if not isinstance(value, DatabaseDefault)}
    _write(_insert(type(row), tuple(given)), [_stored(field, value) for field, value in given.items()])
    row._state.adding = False


def update(row: Model, changes: Mapping[str, object], **still: object) -> bool:
    """Set fields of a row's line in the table if it ``still`` has these values; tell whether it had."""
    sql, values = _change(row, changes, still)
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone() is not None


def update_surely(row: Model, changes: Mapping[str, object], sentence: str, **still: object) -> None:
    """Do the same; the database itself refuses with ``sentence``, as a lost race, unless the row still had them."""
    sql, values = _change(row, changes, still)
    writes = _gathered.get()
    if writes is None:
        with connection.cursor() as cursor:
            cursor.execute(f"WITH changed AS ({sql}) SELECT {MUST_BE_ONE.format('changed')}", [*values, sentence])
        return
    writes.calls.append(MUST_BE_ONE.format(f"part_{len(writes.changes)}"))
    writes.call_values.append(sentence)
    _write(sql, values)


MUST_BE_ONE = "must_be_one((SELECT count(*) FROM {}), %s)"


def is_gathering() -> bool:
    """Tell whether writes wait for each other at the moment."""
    return _gathered.get() is not None


def _write(sql: str, values: list[Any]) -> None:
    writes = _gathered.get()
    if writes is None:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
        return
    writes.changes.append(sql)
    writes.change_values.extend(values)


def _change(row: Model, changes: Mapping[str, object], still: Mapping[str, object]) -> tuple[str, list[Any]]:
    fields = type(row)._meta.get_field
    wanted = {fields(name): value for name, value in changes.items()}
    known = {row._meta.pk: row.pk} | {fields(name): value for name, value in still.items()}
    values = [_stored(field, value) for part in (wanted, known) for field, value in part.items()]
    return _update(type(row), tuple(wanted), tuple(known)), values


def _stored(field: Any, value: Any) -> Any:
    if isinstance(value, Model):
        value = value.prepare_database_save(field)
    return field.get_db_prep_save(value, connection)


@cache
def _as_one(changes: tuple[str, ...], calls: tuple[str, ...]) -> str:
    parts = ", ".join(f"part_{number} AS ({sql})" for number, sql in enumerate(changes))
    return f"WITH {parts} SELECT {', '.join(calls) or '1'}"


@cache
def _columns(model: type[Model]) -> Fields:
    return tuple(field for field in model._meta.concrete_fields if not isinstance(field, AutoField))


@cache
def _insert(model: type[Model], fields: Fields) -> str:
    columns = ", ".join(_name(field.column) for field in fields)
    places = ", ".join(_place(field) for field in fields)
    return f"INSERT INTO {_name(model._meta.db_table)} ({columns}) VALUES ({places})"  # noqa: S608 -- names of our models


@cache
def _update(model: type[Model], wanted: Fields, known: Fields) -> str:
    changes = ", ".join(f"{_name(field.column)} = {_place(field)}" for field in wanted)
    still = " AND ".join(f"{_name(field.column)} = %s" for field in known)
    return f"UPDATE {_name(model._meta.db_table)} SET {changes} WHERE {still} RETURNING 1"  # noqa: S608 -- names of our models


def _name(name: str | None) -> str:
    assert name is not None  # Every field listed here has a column.
    return connection.ops.quote_name(name)


def _place(field: Any) -> str:
    """Return where a field's value goes; some say of which type it is."""
    if hasattr(field, "get_placeholder"):
        return str(field.get_placeholder(None, None, connection))
    return "%s"
