"""The errors that the local Stripe answers, in Stripe's own shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """Carry one error answer: its status, its body, and whether an idempotency key remembers it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        kind: str = "invalid_request_error",
        is_stored: bool = True,
        headers: Mapping[str, str] | None = None,
        **extra: str,
    ) -> None:
        super().__init__(message)
        fields: dict[str, Any] = {"type": kind, "code": code, "message": message, "param": param, **extra}
        self.status = status
        self.is_stored = is_stored
        self.headers = dict(headers or {})
        self.body = {"error": {name: value for name, value in fields.items() if value is not None}}


class Disconnect(Exception):
    """Close the connection without an answer, after hanging for a while if asked."""

    def __init__(self, *, hang: bool) -> None:
        super().__init__("connection closed")
        self.hang = hang


def missing_parameter(name: str) -> ApiError:
    """Return the refusal of a request without a required parameter."""
    return ApiError(400, f"Missing required param: {name}.", code="parameter_missing", param=name, is_stored=False)


def unknown_parameter(name: str) -> ApiError:
    """Return the refusal of a parameter that the endpoint does not have."""
    return ApiError(400, f"Received unknown parameter: {name}", code="parameter_unknown", param=name, is_stored=False)


def invalid_parameter(name: str, message: str, *, code: str = "parameter_invalid_integer") -> ApiError:
    """Return the refusal of a parameter with a value of the wrong form."""
    return ApiError(400, message, code=code, param=name, is_stored=False)


def missing_resource(kind: str, identifier: str, param: str, *, status: int = 404) -> ApiError:
    """Return the refusal of an identifier that names nothing."""
    return ApiError(status, f"No such {kind}: '{identifier}'", code="resource_missing", param=param)


def no_access(account: str) -> ApiError:
    """Return the refusal of an account that the key cannot reach."""
    message = f"The provided key does not have access to account '{account}' (or that account does not exist)."
    return ApiError(403, message, code="account_invalid", is_stored=False)


def unauthenticated(shown: str) -> ApiError:
    """Return the refusal of a key that is not a test key."""
    return ApiError(401, f"Invalid API Key provided: {shown}", is_stored=False)


def rate_limited() -> ApiError:
    """Return the answer of a full endpoint; nothing was executed."""
    return ApiError(429, "Request rate limit exceeded.", code="rate_limit", is_stored=False)


def lock_timeout() -> ApiError:
    """Return the answer of an object that another request holds; nothing was executed."""
    message = "This object cannot be accessed right now because another request is currently accessing it."
    return ApiError(409, message, code="lock_timeout", is_stored=False, headers={"Stripe-Should-Retry": "true"})


def key_in_use() -> ApiError:
    """Return the answer to a second request while the first with its key is running."""
    message = "There is currently another in-progress request using this Idempotent Key."
    return ApiError(
        409,
        message,
        code="idempotency_key_in_use",
        kind="idempotency_error",
        is_stored=False,
        headers={"Stripe-Should-Retry": "true"},
    )


def key_reused(key: str) -> ApiError:
    """Return the refusal of a key that came first with other parameters."""
    message = (
        "Keys for idempotent requests can only be used with the same parameters they were first used with. "
        f"Try using a key other than '{key}' if you meant to execute a different request."
    )
    return ApiError(400, message, kind="idempotency_error", is_stored=False)


def server_error(status: int = 500, *, is_stored: bool = False) -> ApiError:
    """Return an error of Stripe's own; the caller cannot know what was done."""
    retry = "true" if status == 503 else "false"
    return ApiError(
        status,
        "An unknown error occurred",
        kind="api_error",
        is_stored=is_stored,
        headers={"Stripe-Should-Retry": retry},
    )


def insufficient_balance() -> ApiError:
    """Return the refusal of a movement that the available balance cannot cover."""
    message = "You have insufficient available funds in your Stripe account."
    return ApiError(400, message, code="balance_insufficient")
