"""Events as the API lists them, and the endpoints that are told of them."""

from __future__ import annotations

from payments.sandbox.deliveries import Hook
from payments.sandbox.errors import ApiError
from payments.sandbox.pages import page
from payments.sandbox.routes import PAGING, Call, route
from payments.sandbox.wire import Body, text_map


@route("GET", "/v1/events", optional=f"type types delivery_success {PAGING}", integers="limit")
def list_events(call: Call) -> Body:
    """Return the caller's snapshot events, newest first."""
    kinds = call.params.get("types") or ([call.params["type"]] if "type" in call.params else [])
    found = call.world.newest("event", call.account)
    return page(call, (each for each in found if not kinds or each["type"] in kinds))


@route("GET", "/v1/events/{}")
def retrieve_event(call: Call) -> Body:
    """Return one snapshot event of the caller's."""
    return call.world.get("event", call.ids[0], owner=call.account)


@route("GET", "/v2/core/events/{}")
def retrieve_thin_event(call: Call) -> Body:
    """Return one v2 event."""
    return call.world.get("v2.core.event", call.ids[0])


@route(
    "POST",
    "/v1/webhook_endpoints",
    required="enabled_events url",
    optional="api_version connect description",
)
def create_webhook_endpoint(call: Call) -> Body:
    """Register an endpoint for snapshot events; its secret is shown this once."""
    endpoint: Body = {
        "id": call.world.new_id("we"),
        "object": "webhook_endpoint",
        "api_version": call.params.get("api_version"),
        "created": call.world.now(),
        "enabled_events": _event_kinds(call),
        "livemode": False,
        "metadata": text_map(call.params.get("metadata")),
        "status": "enabled",
        "url": call.text("url"),
    }
    secret = call.world.new_id("whsec")
    call.world.put(endpoint)
    call.world.hooks.append(
        Hook(endpoint["id"], endpoint["url"], secret, endpoint["enabled_events"], call.flag("connect"))
    )
    return {**endpoint, "secret": secret}


@route(
    "POST",
    "/v2/core/event_destinations",
    required="enabled_events event_payload name type",
    optional="description events_from include snapshot_api_version webhook_endpoint",
)
def create_event_destination(call: Call) -> Body:
    """Register an endpoint for thin events; its secret is shown when asked for."""
    target = call.params.get("webhook_endpoint")
    if not isinstance(target, dict) or "url" not in target:
        raise ApiError(400, "webhook_endpoint.url is required.", code="parameter_missing", is_stored=False)
    destination: Body = {
        "id": call.world.new_id("ed"),
        "object": "v2.core.event_destination",
        "created": call.world.iso_now(),
        "enabled_events": _event_kinds(call),
        "event_payload": call.text("event_payload"),
        "livemode": False,
        "metadata": text_map(call.params.get("metadata")),
        "name": call.text("name"),
        "status": "enabled",
        "type": call.text("type"),
        "updated": call.world.iso_now(),
        "webhook_endpoint": {"url": target["url"]},
    }
    secret = call.world.new_id("whsec")
    from_others = "other_accounts" in (call.params.get("events_from") or [])
    call.world.put(destination)
    call.world.hooks.append(
        Hook(
            destination["id"],
            str(target["url"]),
            secret,
            destination["enabled_events"],
            from_others,
            destination["event_payload"],
        )
    )
    shown = secret if "webhook_endpoint.signing_secret" in (call.params.get("include") or []) else None
    return {**destination, "webhook_endpoint": {"url": target["url"], "signing_secret": shown}}


def _event_kinds(call: Call) -> list[str]:
    kinds = call.params["enabled_events"]
    if not isinstance(kinds, list) or not kinds:
        raise ApiError(400, "enabled_events must be a list.", param="enabled_events", is_stored=False)
    return [str(kind) for kind in kinds]
