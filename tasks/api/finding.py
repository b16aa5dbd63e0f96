"""Find what a path or a body names among the caller's own rows, or answer as if it were not there."""

from __future__ import annotations

import re
from typing import TypeVar

from django.db.models import QuerySet
from django.http import Http404

from kernel.errors import FieldError, Invalid
from kernel.ids import BadId, TypedIdModel

SINCE_FORM = re.compile(r"since_([0-9a-f]{1,15})")
Row = TypeVar("Row", bound=TypedIdModel)


def one(rows: QuerySet[Row], pk: object) -> Row:
    """Return the row with this key; another lab's and one that never was are the same 404."""
    found = rows.filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def named(rows: QuerySet[Row], text: str, pointer: str) -> Row:
    """Return the row that a field of the body names, or say that the field names none of the caller's."""
    try:
        found = rows.filter(pk=rows.model.parse_id(text)).first()
    except BadId:
        found = None
    if found is None:
        raise Invalid([FieldError(pointer, "not_found", "There is nothing of yours with this id.")])
    return found


def by_id(rows: QuerySet[Row], text: str) -> Row:
    """Return the row that an earlier answer named."""
    try:
        return one(rows, rows.model.parse_id(text))
    except BadId as error:
        raise Http404 from error


def since(text: str) -> int:
    """Return the number that an earlier export's ``next_since`` names; 0 for none."""
    if not text:
        return 0
    found = SINCE_FORM.fullmatch(text)
    if found is None:
        raise Invalid([FieldError("/since", "not_a_cursor", "Send the next_since of an earlier export, as it was.")])
    return int(found.group(1), 16)
