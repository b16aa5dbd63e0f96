"""Labs with keys, and clients that call the API with them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.test import Client

from accounts.models import User
from labs.actions import create_api_key
from labs.models import ApiKey, Lab, Scope

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
ALL_SCOPES = tuple(Scope.values)
API = "/api/v1"


class ApiClient:
    """A lab's own client: sends JSON and the key, and gives back what came."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.client = Client(raise_request_exception=True)

    def get(self, path: str, **query: str) -> Any:
        """GET an address."""
        return self.client.get(API + path, query, **self._headers())

    def post(self, path: str, body: object = None, *, key: str | None = None) -> Any:
        """POST a JSON body."""
        return self.send("post", path, b"" if body is None else orjson.dumps(body), key=key)

    def patch(self, path: str, body: object) -> Any:
        """PATCH with a JSON body."""
        return self.send("patch", path, orjson.dumps(body))

    def lines(self, path: str, rows: list[object], *, key: str | None = None) -> Any:
        """POST rows as NDJSON."""
        raw = b"".join(row if isinstance(row, bytes) else orjson.dumps(row) + b"\n" for row in rows)
        return self.send("post", path, raw, key=key, content_type="application/x-ndjson")

    def send(
        self, method: str, path: str, raw: bytes, *, key: str | None = None, content_type: str = "application/json"
    ) -> Any:
        """Send bytes as they are."""
        headers = self._headers() | ({"HTTP_IDEMPOTENCY_KEY": key} if key else {})
        return self.client.generic(method.upper(), API + path, raw, content_type=content_type, **headers)

    def _headers(self) -> dict[str, Any]:
        return {"HTTP_AUTHORIZATION": f"Bearer {self.text}"}


def make_key(
    lab: Lab, by: User | None = None, *, mode: str = "live", scopes: tuple[str, ...] = ALL_SCOPES, now: datetime = NOW
) -> tuple[ApiKey, str]:
    """Make a key that lasts as long as the tests."""
    return create_api_key(
        lab, mode=mode, label="Pipeline", scopes=scopes, by=by, now=now, expires_at=now + timedelta(days=3_650)
    )


def make_client(
    lab: Lab, by: User | None = None, *, mode: str = "live", scopes: tuple[str, ...] = ALL_SCOPES
) -> ApiClient:
    """Make a key and a client that uses it."""
    _, text = make_key(lab, by, mode=mode, scopes=scopes)
    return ApiClient(text)


def ok(answer: Any, status: int = 200) -> Any:
    """Return the body of an answer that has this status."""
    assert answer.status_code == status, answer.content
    return answer.json()


def feed(client: ApiClient, *, least: int = 1, **query: str) -> dict[str, Any]:
    """Read on until so many events are there: they are held back while older transactions run, other tests' too."""
    deadline = time.monotonic() + 20
    while len((page := ok(client.get("/events", **query)))["data"]) < least:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return dict(page)
