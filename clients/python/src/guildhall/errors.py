"""What can go wrong, by what there is to do about it."""

from __future__ import annotations

from typing import Any, TypedDict

import httpx


class _FieldErrorMust(TypedDict):
    pointer: str
    code: str
    detail: str


class FieldError(_FieldErrorMust, total=False):
    """What is wrong with one field, at a JSON pointer; of a posted line, with its number and external id."""

    line: int
    external_id: str


class GuildhallError(Exception):
    """Anything that this client raises by itself; ``retry_after`` is how many seconds the server asks to wait."""

    retry_after: float | None = None


class NoAddress(GuildhallError, ValueError):
    """The address of the site is missing, or is none."""


class NoKey(GuildhallError, ValueError):
    """The key is missing, or is none."""


class NetworkError(GuildhallError):
    """No whole answer came, however often it was tried."""


class BadAnswer(GuildhallError):
    """What answered is not Guildhall: the address is wrong, or something stands in between."""


class BadLine(GuildhallError):
    """A task that was to be pushed cannot be written as a line of JSON."""


class TooMuch(GuildhallError):
    """A push that is stored whole or not at all is larger than one posting may be."""


class BadFile(GuildhallError):
    """A downloaded file is not the one that the manifest names."""


class ExportFailed(GuildhallError):
    """An export was not made, or lies ready no more."""


class ApiError(GuildhallError):
    """A refusal, as the API's problem document (RFC 9457) says it: act on ``code``, show ``detail``."""

    def __init__(self, status: int, problem: dict[str, Any], *, retry_after: float | None = None) -> None:
        self.status = status
        self.code: str = problem.get("code", "")
        self.title: str = problem.get("title", "")
        self.detail: str = problem.get("detail", "")
        self.errors: list[FieldError] = problem.get("errors", [])
        self.request_id: str = problem.get("request_id", "")
        self.retry_after = retry_after
        super().__init__(f"{status} {self.code or self.title}: {self.detail}")


class AuthenticationError(ApiError):
    """401: the key is missing, wrong, expired or revoked."""


class ForbiddenError(ApiError):
    """403: the key is valid and not for this: its scopes, its networks, or a frozen lab."""


class NotFoundError(ApiError):
    """404: not there, or not of this lab and mode."""


class ConflictError(ApiError):
    """409: not possible in this state."""


class InvalidError(ApiError):
    """400, 413, 415 or 422: the content is refused; ``errors`` names fields and lines."""


class RateLimitedError(ApiError):
    """429: too many requests, still so after every retry."""


class ServerError(ApiError):
    """5xx: trouble at Guildhall, still so after every retry."""


KINDS: dict[int, type[ApiError]] = {
    400: InvalidError,
    401: AuthenticationError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    413: InvalidError,
    415: InvalidError,
    422: InvalidError,
    429: RateLimitedError,
}


def error_of(response: httpx.Response) -> ApiError:
    """Read a refusal; one that is no problem document, as of a proxy in between, gets what it has."""
    problem = _problem_in(response)
    if not problem:
        where = f" It leads to {response.headers['location']}." if response.has_redirect_location else ""
        detail = f"{response.request.url} answered {response.status_code} without saying why.{where}"
        problem = {"title": response.reason_phrase, "detail": detail}
    fallback = ServerError if response.status_code >= 500 else ApiError
    kind = KINDS.get(response.status_code, fallback)
    return kind(response.status_code, problem, retry_after=_seconds(response.headers.get("Retry-After", "")))


def _problem_in(response: httpx.Response) -> dict[str, Any]:
    if "json" not in response.headers.get("Content-Type", ""):
        return {}
    try:
        value = response.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _seconds(text: str) -> float | None:
    return float(text) if text.isdigit() else None
