"""Write single rows with SQL that is put together once for each model: what the busiest requests do again and again."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import AutoField, Field, Model
from django.db.models.expressions import DatabaseDefault

Fields = tuple["Field[Any, Any]", ...]


def insert(row: Model) -> None:
    """Add a new row: ``save(force_insert=True)`` without signals, and without reading back what the database adds.

    Columns whose value is left to the database (a default of its own, a counted key) are left to it.
    """
    given = {field: getattr(row, field.attname) for field in _columns(type(row))}
    given = {field: value for field, value in given.items() if not isinstance(value, DatabaseDefault)}
    with connection.cursor() as cursor:
        cursor.execute(_insert(type(row), tuple(given)), [_stored(field, value) for field, value in given.items()])
    row._state.adding = False


def update(row: Model, changes: Mapping[str, object], **still: object) -> bool:
    """Set fields of a row's line in the table if it ``still`` has these values; tell whether it had."""
    fields = type(row)._meta.get_field
    wanted = {fields(name): value for name, value in changes.items()}
    known = {row._meta.pk: row.pk} | {fields(name): value for name, value in still.items()}
    values = [_stored(field, value) for part in (wanted, known) for field, value in part.items()]
    with connection.cursor() as cursor:
        cursor.execute(_update(type(row), tuple(wanted), tuple(known)), values)
        return bool(cursor.rowcount)


def _stored(field: Any, value: Any) -> Any:
    if isinstance(value, Model):
        value = value.prepare_database_save(field)
    return field.get_db_prep_save(value, connection)


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
    return f"UPDATE {_name(model._meta.db_table)} SET {changes} WHERE {still}"  # noqa: S608 -- names of our models


def _name(name: str | None) -> str:
    assert name is not None  # Every field listed here has a column.
    return connection.ops.quote_name(name)


def _place(field: Any) -> str:
    """Return where a field's value goes; some say of which type it is."""
    if hasattr(field, "get_placeholder"):
        return str(field.get_placeholder(None, None, connection))
    return "%s"
