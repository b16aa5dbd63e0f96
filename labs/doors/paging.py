"""Lists by keyset: a page says where the next one starts, and nothing is counted or skipped over."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from django.core import signing
from django.db import models
from django.db.models import QuerySet
from rest_framework.request import Request

from kernel.errors import FieldError, Invalid
from kernel.ids import BadId, TypedIdModel
from labs.models import ApiKey

Row = TypeVar("Row", bound=TypedIdModel)
DEFAULT_LIMIT = 50
MAX_LIMIT = 200


def keyset_page(
    request: Request, rows: QuerySet[Row], show: Callable[[Row], dict[str, Any]], *, filters: Collection[str] = ()
) -> dict[str, Any]:
    """Return one page of ``rows``, newest first, as ``{"data": […], "next_cursor": … or null}``."""
    refuse_unknown_parameters(request, {"limit", "cursor", *filters})
    limit = read_limit(request)
    after = request.query_params.get("cursor")
    if after is not None:
        rows = rows.filter(pk__lt=open_cursor(request, after, rows.model))
    found = list(rows.order_by("-pk")[: limit + 1])
    page = found[:limit]
    more = len(found) > limit
    return {
        "data": [show(row) for row in page],
        "next_cursor": make_cursor(request, page[-1]) if more else None,
    }


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


def read_limit(request: Request) -> int:
    """Return how many rows are wanted, 1 to 200."""
    text = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= MAX_LIMIT):
        raise Invalid([FieldError("?limit", "out_of_range", f"Ask for 1 to {MAX_LIMIT} rows.")])
    return int(text)


def read_choice(request: Request, name: str, allowed: Collection[str]) -> str | None:
    """Return a query parameter that must be one of some words, or None when it was not given."""
    text = request.query_params.get(name)
    if text is not None and text not in allowed:
        raise Invalid([FieldError(f"?{name}", "unknown_value", f"Choose one of: {', '.join(sorted(allowed))}.")])
    return text


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
