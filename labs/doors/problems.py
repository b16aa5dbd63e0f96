"""Every answer that is not a success, in one shape: application/problem+json (RFC 9457)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any

from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, RequestDataTooBig
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response

from accounts.context import door
from kernel.errors import FieldError, Refused

TITLES = {
    400: "The request cannot be read",
    401: "No valid key",
    403: "Not allowed with this key",
    404: "Not found",
    405: "Method not allowed",
    409: "Not possible in this state",
    413: "Too large",
    415: "Wrong content type",
    422: "The content is not valid",
    429: "Too many requests",
    503: "Busy, try again",
}
NOT_FOUND = "There is nothing here, or nothing of yours."
TRY_AGAIN_SECONDS = 1
# Serialization failure, deadlock, lock or statement timeout, connections gone: the same request may pass next time.
PASSING_TROUBLE = ("40001", "40P01", "55P03", "57014", "57P01", "57P02", "57P03", "53300", "08")


class TooLarge(Refused):
    """The body, or a part of it, is over its limit."""

    code = "too_large"
    status = 413


class WrongType(Refused):
    """The content type or encoding is not one that this address takes."""

    code = "wrong_content_type"
    status = 415


class Unreadable(Refused):
    """The body ended before it should have."""

    code = "unreadable_body"
    status = 400


def problem(exc: Exception, context: dict[str, Any] | None = None) -> Response | None:
    """Turn an exception into its problem document, or return None for a mistake of ours (a 500)."""
    if isinstance(exc, Refused):
        # Refusals that name fields or lines carry them as ``errors``; those that pass say when, as ``retry_after``.
        errors = getattr(exc, "errors", ())
        return answer(exc.status, exc.code, exc.detail, errors=errors, retry_after=getattr(exc, "retry_after", None))
    if isinstance(exc, exceptions.ValidationError):
        errors = list(field_errors(exc.detail))
        return answer(422, "invalid", _summary(errors), errors=errors)
    if isinstance(exc, (Http404, ObjectDoesNotExist, exceptions.NotFound)):
        return answer(404, "not_found", NOT_FOUND)
    if isinstance(exc, exceptions.Throttled):
        return answer(
            429,
            "rate_limited",
            "Slow down; Retry-After says for how long.",
            retry_after=getattr(exc, "wait", None) or 1,
        )
    if isinstance(exc, exceptions.APIException):
        return _of_framework(exc)
    return _of_django(exc)


def answer(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Sequence[FieldError | Mapping[str, str | int]] = (),
    retry_after: float | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Build one problem document."""
    body: dict[str, Any] = {
        "type": f"urn:guildhall:problem:{code}",
        "title": TITLES.get(status, "Not possible"),
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": door.get().request_id,
    }
    if errors:
        body["errors"] = [as_json(error) if isinstance(error, FieldError) else dict(error) for error in errors]
    sent = dict(headers or {})
    if retry_after is not None:
        sent["Retry-After"] = str(max(1, ceil(retry_after)))
    return Response(body, status=status, headers=sent, content_type="application/problem+json")


def as_json(error: FieldError) -> dict[str, str | int]:
    """Write one field error the way the API shows it."""
    shown: dict[str, str | int] = {"pointer": _pointer(error.pointer), "code": error.code, "detail": error.detail}
    return shown if error.line is None else {"line": error.line, **shown}


def field_errors(detail: Any, at: str = "") -> Iterator[FieldError]:
    """Flatten the framework's nested errors into JSON pointers."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            step = "" if name == "non_field_errors" else f"/{str(name).replace('~', '~0').replace('/', '~1')[:100]}"
            yield from field_errors(inner, at + step)
    elif isinstance(detail, (list, tuple)):
        for number, inner in enumerate(detail):
            nested = isinstance(inner, (dict, list, tuple))
            yield from field_errors(inner, f"{at}/{number}" if nested else at)
    else:
        yield FieldError(at or "/", getattr(detail, "code", "invalid"), str(detail))


def _pointer(pointer: str) -> str:
    return pointer if pointer.startswith("/") else f"/{pointer}"


def _summary(errors: Sequence[FieldError]) -> str:
    return "One field is not valid." if len(errors) == 1 else f"{len(errors)} fields are not valid."


def _of_framework(exc: exceptions.APIException) -> Response:
    codes = {401: "no_valid_key", 403: "scope_missing", 405: "method_not_allowed", 415: "wrong_content_type"}
    if isinstance(exc, exceptions.ParseError):
        return answer(400, "unreadable_body", str(exc.detail))
    header = getattr(exc, "auth_header", None)
    headers = {"WWW-Authenticate": header} if header else {}
    code = codes.get(exc.status_code, str(exc.default_code))
    return answer(exc.status_code, code, str(exc.detail), headers=headers)


def _of_django(exc: Exception) -> Response | None:
    if isinstance(exc, PermissionDenied):
        return answer(403, "forbidden", "This is not for you to do.")
    if isinstance(exc, RequestDataTooBig):
        return answer(413, "too_large", "The body is larger than this address takes.")
    if isinstance(exc, UnreadablePostError):
        return answer(400, "unreadable_body", "The connection broke before the body was whole. Nothing was kept.")
    if isinstance(exc, DatabaseError) and is_passing(exc):
        return answer(503, "busy", "The database is busy. Nothing was kept; try again.", retry_after=TRY_AGAIN_SECONDS)
    return None


def is_passing(exc: Exception) -> bool:
    """Tell whether the same request may pass in a moment: a lost race, a timeout, a restart."""
    state = getattr(exc.__cause__, "sqlstate", None)
    if state is None:
        return isinstance(exc, (OperationalError, InterfaceError))
    return str(state).startswith(PASSING_TROUBLE)
