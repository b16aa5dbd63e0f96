"""Events as they come off the wire, read into our own type."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kernel.errors import Invalid
from kernel.guards import load_json
from payments.gateways.errors import ForgedEvent
from payments.gateways.types import GatewayEvent

MAX_BYTES = 512 * 1024


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
    related = payload.get("related_object") or payload.get("data", {}).get("object") or {}
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
        payload = load_json(raw, max_bytes=MAX_BYTES, name="event")
    except Invalid as error:
        raise ForgedEvent("The body is not an event in JSON.", code="shape") from error
    return payload if isinstance(payload, dict) else {}
