"""How often, and after how long, a request is sent again."""

from __future__ import annotations

import random
from dataclasses import dataclass

import httpx

from guildhall.errors import ApiError, ServerError

# Anything else that can go wrong with a request would go wrong again.
PASSING = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError, httpx.DecodingError)


@dataclass(frozen=True)
class Retries:
    """Exponential back-off with full jitter, never sooner than the server asks for by Retry-After."""

    attempts: int = 6
    first_seconds: float = 0.5
    most_seconds: float = 20.0
    longest_asked_seconds: float = 120.0

    def pause(self, attempt: int, asked: float | None = None) -> float | None:
        """Return the seconds to wait after failed attempt number ``attempt``, or None to give up."""
        if attempt >= self.attempts or (asked or 0) > self.longest_asked_seconds:
            return None
        jitter = random.uniform(0, min(self.most_seconds, self.first_seconds * 2 ** (attempt - 1)))  # noqa: S311 -- no secret
        return (asked or 0) + jitter


def is_passing(error: ApiError) -> bool:
    """Tell whether the same request may pass in a moment."""
    return error.status == 429 or isinstance(error, ServerError) or error.code == "idempotency_in_flight"
