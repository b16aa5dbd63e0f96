"""Which requests were made: a line each, for the checker that judges them by Stripe's specification."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

KEPT_HEADERS = frozenset({"idempotency-key", "stripe-account", "stripe-context", "stripe-version", "content-type"})


def record_request(path: Path, method: str, url: str, headers: Mapping[str, str] | None, body: object) -> None:
    """Append one request to a file, without its key."""
    kept = {name: value for name, value in (headers or {}).items() if name.lower() in KEPT_HEADERS}
    text = body.decode() if isinstance(body, bytes) else body
    line = json.dumps({"method": method.upper(), "url": url, "headers": kept, "body": text})
    with path.open("a") as file:
        file.write(line + "\n")
