"""Requests to the API: sent until they are answered, each POST under one Idempotency-Key however often it is sent."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from guildhall.errors import ApiError, BadAnswer, GuildhallError, NetworkError, NoAddress, NoKey, error_of
from guildhall.retries import PASSING, Retries, is_passing
from guildhall.version import VERSION

PAGE = 200
CONNECT_SECONDS = 15.0
Query = Mapping[str, Any]
Paused = Callable[[GuildhallError, float], None]


@dataclass(frozen=True)
class Body:
    """What is sent: read anew for every attempt, the same bytes each time."""

    read: Callable[[], Iterable[bytes]]
    size: int
    media_type: str


@dataclass(frozen=True)
class Call:
    """One request, to be sent once or more."""

    method: str
    path: str
    query: Query = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Body | None = None
    timeout_seconds: float | None = None


class Transport:
    """One lab's connection, kept open between requests; may be used by several threads."""

    def __init__(
        self,
        api_key: str,
        base_url: str,
        *,
        timeout_seconds: float,
        retries: Retries,
        on_pause: Paused | None,
    ) -> None:
        if not _is_address(base_url):
            raise NoAddress(f"{base_url!r} is not the address of a site. Give one as https://guildhall.example.")
        if not re.fullmatch(r"[\x21-\x7e]+", api_key):
            raise NoKey("This is no key. One begins with gh_live_ or gh_test_, and is made in the lab's console.")
        self.base = f"{base_url.rstrip('/')}/api/v1"
        self.timeout_seconds = timeout_seconds
        self.retries = retries
        self.on_pause = on_pause
        self.http = httpx.Client(
            headers={"Authorization": f"Bearer {api_key}", "User-Agent": f"guildhall-python/{VERSION}"}
        )

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def get(self, path: str, query: Query | None = None) -> Any:
        """Return the JSON at an address."""
        return _json(self.answered(Call("GET", path, query or {})))

    def post(
        self,
        path: str,
        value: object = None,
        *,
        query: Query | None = None,
        body: Body | None = None,
        key: str | None = None,
        timeout_seconds: float | None = None,
    ) -> Any:
        """Send a value as JSON, or a body; return the JSON that answers."""
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        if value is not None:
            body = _json_body(value)
        return _json(self.answered(Call("POST", path, query or {}, headers, body, timeout_seconds)))

    def patch(self, path: str, changes: object) -> Any:
        """Send changes; return the JSON that answers."""
        return _json(self.answered(Call("PATCH", path, body=_json_body(changes))))

    def pages(self, path: str, query: Query | None = None, *, limit: int = PAGE) -> Iterator[Any]:
        """Yield the rows of a list, asking for the next page when it is needed."""
        cursor = None
        while True:
            page = self.get(path, {**(query or {}), "limit": limit, "cursor": cursor})
            yield from page["data"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def answered(self, call: Call) -> httpx.Response:
        """Send a request until it succeeds, is refused, or every attempt is spent; return the answer, read whole.

        Raises the ApiError of a refusal, and NetworkError where nothing answered.
        """
        was_lost = False
        for attempt in count(1):
            problem: ApiError | NetworkError
            try:
                response = self.http.send(self._request(call))
            except PASSING as error:
                was_lost, problem = True, self.network_error(error)
            else:
                # Where the answer to a deletion was lost, that the thing is gone is what was wanted.
                is_gone = was_lost and call.method == "DELETE" and response.status_code == 404
                if response.is_success or is_gone:
                    return response
                problem = error_of(response)
                if not is_passing(problem):
                    raise problem
            self.rest(attempt, problem)
        raise AssertionError("the attempts are counted")

    @contextmanager
    def streamed(self, call: Call) -> Iterator[httpx.Response]:
        """Open an answer to be read in pieces, once; redirects are followed, without the key to other hosts."""
        response = self.http.send(self._request(call), stream=True, follow_redirects=True)
        try:
            yield response
        finally:
            response.close()

    def rest(self, attempt: int, problem: ApiError | NetworkError) -> None:
        """Wait before the next attempt, or raise ``problem`` where there is none."""
        pause = self.retries.pause(attempt, problem.retry_after)
        if pause is None:
            raise problem
        if self.on_pause is not None:
            self.on_pause(problem, pause)
        time.sleep(pause)

    def network_error(self, error: Exception) -> NetworkError:
        """Say what became of a connection."""
        return NetworkError(f"No whole answer from {self.base}: {str(error) or type(error).__name__}")

    def _request(self, call: Call) -> httpx.Request:
        headers = dict(call.headers)
        if call.body is not None:
            headers |= {"Content-Type": call.body.media_type, "Content-Length": str(call.body.size)}
        return self.http.build_request(
            call.method,
            self.base + call.path,
            params={name: value for name, value in call.query.items() if value is not None},
            headers=headers,
            content=None if call.body is None else call.body.read(),
            timeout=httpx.Timeout(call.timeout_seconds or self.timeout_seconds, connect=CONNECT_SECONDS),
        )


def _is_address(text: str) -> bool:
    try:
        return bool(re.match(r"https?://[^/\s]", text)) and bool(httpx.URL(text).host)
    except httpx.InvalidURL:
        return False


def _json_body(value: object) -> Body:
    raw = json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return Body(lambda: (raw,), len(raw), "application/json")


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise BadAnswer(f"{response.request.url} did not answer JSON. Is this the address of Guildhall?") from None
