"""Events as they come off the wire, read into our own type."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from payments.gateways.errors import ForgedEvent
from payments.gateways.types import GatewayEvent


def read_signed_event(raw: bytes, *, is_thin: bool) -> GatewayEvent:
    """Return the event in a body whose signature was checked, if it is of the endpoint's kind."""
    payload = _read_object(raw)
    if payload.get("object") != ("v2.core.event" if is_thin else "event"):
        raise ForgedEvent("This endpoint takes another kind of event.", code="kind")
    try:
        return read_event(payload)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ForgedEvent("The event lacks what every event has.", code="shape") from error


def read_event(payload: dict[str, Any]) -> GatewayEvent:
    """Return a snapshot or thin event as ours; one about no single object has an empty ``object_id``."""
    related = payload.get("related_object") or (payload.get("data") or {}).get("object") or {}
    created = payload["created"]
    return GatewayEvent(
        stripe_id=str(payload["id"]),
        kind=str(payload["type"]),
        object_id=str(related.get("id") or ""),
        account=str(payload.get("account") or ""),
        is_live=bool(payload["livemode"]),
        created_at=datetime.fromtimestamp(created, UTC)
        if isinstance(created, int)
        else datetime.fromisoformat(created),
        payload=payload,
    )


def _read_object(raw: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ForgedEvent("The body is not JSON.", code="shape") from error
    return payload if isinstance(payload, dict) else {}
