"""The limit of HTTP on this machine: the same server, and an application that does nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

BODY = b"done"
HEADERS = [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))]


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer at once."""
    environ["wsgi.input"].read()
    start_response("200 OK", HEADERS)
    return [BODY]
