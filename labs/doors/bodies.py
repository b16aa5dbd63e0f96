"""The body of a request, read once, bounded before it is read, and parsed by the kernel's guard."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from kernel.errors import FieldError, Invalid
from kernel.guards import MAX_KEYS, load_json
from labs.doors.problems import TooLarge, WrongType

MAX_JSON_BYTES = 2_000_000
JSON = "application/json"
NDJSON = "application/x-ndjson"


def content_type_of(request: HttpRequest, *, allowed: tuple[str, ...] = (JSON,)) -> str:
    """Return the body's type, or refuse one that this address does not take, as well as any content encoding."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise WrongType("Send the body as it is, without a Content-Encoding.")
    kind, _, parameters = str(request.META.get("CONTENT_TYPE", "")).partition(";")
    kind = kind.strip().lower()
    if kind not in allowed:
        raise WrongType(f"Send Content-Type: {' or '.join(allowed)}.")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if charset not in {"", "utf-8", "utf8"}:
        raise WrongType("Write the body in UTF-8.")
    return kind


def read_body(request: HttpRequest, *, at_most: int) -> bytes:
    """Read the whole body from the stream, refusing one that is longer before more than that is in memory."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if announced.isdigit() and int(announced) > at_most:
        raise TooLarge(f"The body is larger than {at_most:,} bytes.")
    raw: bytes = request.read(at_most + 1)
    if len(raw) > at_most:
        raise TooLarge(f"The body is larger than {at_most:,} bytes.")
    return raw


def parse_object(raw: bytes, *, at_most: int = MAX_JSON_BYTES, max_keys: int = MAX_KEYS) -> dict[str, Any]:
    """Parse a body that must be one JSON object; an empty body is an empty object."""
    if not raw.strip():
        return {}
    value = load_json(raw, max_bytes=at_most, name="", max_keys=max_keys)
    if not isinstance(value, dict):
        raise Invalid([FieldError("/", "wrong_type", "Send a JSON object.")])
    return value
