"""Find what a path or a body names among the caller's own rows, or answer as if it were not there."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import QuerySet
from django.http import Http404

from kernel.errors import FieldError, Invalid
from kernel.ids import BadId, TypedIdModel
from tasks.models import Batch, Project
from tasks.models.exports import since_number

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


def since(text: str, project: Project, batch: Batch | None) -> int:
    """Return the acceptance that an earlier export's ``next_since`` names; 0 for none.

    Numbers count a project's acceptances: another project's, or a batch's for the whole, would leave rows out.
    """
    if not text:
        return 0
    try:
        return since_number(text, project.pk, batch.pk if batch else None)
    except LookupError:
        detail = "This is of an export of something else. Send the next_since of one of the same project or batch."
        raise Invalid([FieldError("/since", "not_yours", detail)]) from None
    except ValueError:
        detail = "Send the next_since of an earlier export, as it was."
        raise Invalid([FieldError("/since", "not_a_cursor", detail)]) from None
