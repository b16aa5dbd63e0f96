"""Lists by keyset: a page says where the next one starts, and nothing is counted or skipped over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple, TypeVar

from django.core import signing
from django.db import models
from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer

from kernel.errors import FieldError, Invalid
from kernel.ids import BadId, TypedIdModel
from labs.models import ApiKey

Row = TypeVar("Row", bound=TypedIdModel)
DEFAULT_LIMIT = 50
MAX_LIMIT = 200


class Pointers(NamedTuple):
    """Rows that name others by ``key``, and have an index in that order: a page of the others is found by it."""

    rows: QuerySet[Any]
    key: str

    def among(self, rows: QuerySet[Any]) -> Pointers:
        """Leave out those that point elsewhere; meant for few ``rows``."""
        return self._replace(rows=self.rows.filter(**{f"{self.key}__in": rows.values("pk")}))

    def page(self, after: Any, at_most: int) -> list[Any]:
        """Return the next keys, newest first."""
        rows = self.rows if after is None else self.rows.filter(**{f"{self.key}__lt": after})
        return list(rows.order_by(f"-{self.key}").values_list(self.key, flat=True).distinct()[:at_most])


def keyset_page(
    request: Request,
    rows: QuerySet[Row],
    show: Callable[[list[Row]], Iterable[dict[str, Any]]],
    *,
    filters: Collection[str] = (),
    via: Pointers | None = None,
    at_most: int = MAX_LIMIT,
) -> dict[str, Any]:
    """Return one page of ``rows``, newest first, as ``{"data": […], "next_cursor": … or null}``.

    With ``via`` only rows that it points to are there; ``at_most`` bounds pages whose rows are large.
    """
    refuse_unknown_parameters(request, {"limit", "cursor", *filters})
    limit = read_limit(request, at_most)
    cursor = request.query_params.get("cursor")
    after = None if cursor is None else open_cursor(request, cursor, rows.model)
    if via is not None:
        rows = rows.filter(pk__in=via.page(after, limit + 1))
    elif after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows.order_by("-pk")[: limit + 1])
    page = found[:limit]
    more = len(found) > limit
    return {
        "data": list(show(page)),
        "next_cursor": make_cursor(request, page[-1]) if more else None,
    }


def rows_as(serializer: type[BaseSerializer[Any]]) -> Callable[[list[Any]], Iterable[dict[str, Any]]]:
    """Show a page by one serializer for all its rows: making one for each takes ten times as long as the rows."""
    return lambda page: serializer(page, many=True).data


def refuse_unknown_parameters(request: Request, known: Collection[str]) -> None:
    """Refuse query parameters that mean nothing here, by name, and any that is given twice."""
    errors = [
        FieldError(f"?{str(name)[:80]}", "unknown_parameter", "There is no parameter of this name here.")
        for name in request.query_params
        if name not in known
    ]
    errors += [
        FieldError(f"?{name}", "duplicate", "Give this parameter once.")
        for name in known
        if len(request.query_params.getlist(name)) > 1
    ]
    if errors:
        raise Invalid(errors)


def read_limit(request: Request, at_most: int = MAX_LIMIT) -> int:
    """Return how many rows are wanted, 1 to 200, or to ``at_most``."""
    text = request.query_params.get("limit", str(min(DEFAULT_LIMIT, at_most)))
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= at_most):
        raise Invalid([FieldError("?limit", "out_of_range", f"Ask for 1 to {at_most} rows here.")])
    return int(text)


def read_choice(request: Request, name: str, allowed: Collection[str]) -> str | None:
    """Return a query parameter that must be one of some words, or None when it was not given."""
    text = request.query_params.get(name)
    if text is not None and text not in allowed:
        raise Invalid([FieldError(f"?{name}", "unknown_value", f"Choose one of: {', '.join(sorted(allowed))}.")])
    return text


def read_choices(request: Request, name: str, allowed: Collection[str]) -> set[str]:
    """Return the words of a query parameter that lists some, with commas between them; none when it was not given."""
    words = set(request.query_params.get(name, "").split(",")) - {""}
    if words - set(allowed):
        raise Invalid([FieldError(f"?{name}", "unknown_value", f"Choose any of: {', '.join(sorted(allowed))}.")])
    return words


def make_cursor(request: Request, row: TypedIdModel) -> str:
    """Write where a list goes on: readable by this lab, in this mode, on this address only."""
    return _signer(request).sign(row.public_id)


def open_cursor(request: Request, text: str, model: type[models.Model]) -> Any:
    """Return the id that a cursor of this address names, or refuse a text that is none."""
    try:
        assert issubclass(model, TypedIdModel)
        return model.parse_id(_signer(request).unsign(text))
    except (signing.BadSignature, BadId) as error:
        refusal = FieldError("?cursor", "invalid", "This is not a cursor of this list. Start without one.")
        raise Invalid([refusal]) from error


def _signer(request: Request) -> signing.Signer:
    key = request.auth
    assert isinstance(key, ApiKey)
    return signing.Signer(salt=f"cursor:{key.lab_id}:{key.mode}:{request.path}", sep=".")
