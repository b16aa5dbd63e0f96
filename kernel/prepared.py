"""Querysets compiled once, for the few reads of the busiest requests: writing their SQL takes longer than running it.

Django turns a queryset into SQL anew at each use. A prepared one keeps the SQL and how its rows become models, and a
call only binds values. What it finds is what the queryset would have found; a test compares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection, models
from django.db.models import QuerySet
from django.db.models.query import get_related_populators

M = TypeVar("M", bound=models.Model)
Value = UUID | datetime | str | int


@dataclass(frozen=True)
class Plan(Generic[M]):
    """The SQL of a queryset, the parameters it always has, and how a row of its answer becomes a model."""

    model: type[M]
    sql: str
    params: tuple[Any, ...]
    names: tuple[str, ...]  # For each parameter, whose value goes there; '' for one that never changes.
    columns: list[str]
    part: slice  # The model's own columns; those of related models follow.
    converters: list[tuple[int, Any, Any]]
    related: list[Any]
    extra: dict[str, int]  # Where annotations stand, by name.

    def bind(self, values: Mapping[str, Value]) -> list[Any]:
        """Return the parameters of one call."""
        return [values[name] if name else kept for name, kept in zip(self.names, self.params, strict=True)]

    def read(self, row: Sequence[Any]) -> M:
        """Make a model of a row, and of what was selected with it."""
        if self.converters:
            row = list(row)
            for place, convert, column in self.converters:
                row[place] = convert(row[place], column, connection)
        made = self.model.from_db(connection.alias, self.columns, row[self.part])
        for related in self.related:
            related.populate(row, made)
        for name, place in self.extra.items():
            setattr(made, name, row[place])
        return made


class Prepared(Generic[M]):
    """A queryset of one model, with ``select_related`` if it has any, and named values that differ from call to call.

    ``build`` makes the queryset out of the ``examples``; each must be unlike every other constant in it.
    """

    def __init__(self, build: Callable[..., QuerySet[M]], **examples: Value) -> None:
        self._build = build
        self._examples = examples

    def get(self, **values: Value) -> M | None:
        """Return the first row, or None."""
        rows = self.all(**values)
        return rows[0] if rows else None

    def all(self, **values: Value) -> list[M]:
        """Return every row, in the queryset's order."""
        plan = self._plan
        with connection.cursor() as cursor:
            cursor.execute(plan.sql, plan.bind(values))
            return [plan.read(row) for row in cursor.fetchall()]

    @cached_property
    def _plan(self) -> Plan[M]:
        compiler = self._build(**self._examples).query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        names = tuple(self._name_of(param) for param in params)
        if missing := self._examples.keys() - set(names):
            raise ValueError(f"The queryset makes no use of {', '.join(sorted(missing))}.")
        shape, columns = compiler.klass_info, [column for column, _, _ in compiler.select]
        part = slice(shape["select_fields"][0], shape["select_fields"][-1] + 1)
        return Plan(
            model=shape["model"],
            sql=sql,
            params=tuple(params),
            names=names,
            columns=[column.target.attname for column in columns[part]],
            part=part,
            converters=[
                (place, convert, column)
                for place, (converters, column) in compiler.get_converters(columns).items()
                for convert in converters
            ],
            related=get_related_populators(shape, compiler.select, connection.alias),  # type: ignore[call-arg]  # stubs of a newer Django
            extra=dict(compiler.annotation_col_map or {}),
        )

    def _name_of(self, param: object) -> str:
        return next(
            (name for name, value in self._examples.items() if type(param) is type(value) and param == value), ""
        )
