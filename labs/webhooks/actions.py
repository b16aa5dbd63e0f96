"""The only writers of endpoints, and what a lab may ask of its deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from accounts.audit import audit
from accounts.models import User
from accounts.outbox import due
from kernel.db import action
from kernel.errors import FieldError, Invalid, Refused
from kernel.guards import clean_name
from kernel.states import move
from labs.events import record_trial
from labs.models import ApiKey, DeliveryState, EndpointState, Lab, WebhookDelivery, WebhookEndpoint, WhyDisabled
from labs.states import DELIVERY_MOVES, ENDPOINT_MOVES
from labs.webhooks import rules, signing
from labs.webhooks.deliveries import disable

OVERLAP: Final = timedelta(hours=24)

Actor = User | ApiKey


@action
def create_endpoint(
    lab: Lab, *, mode: str, url: str, description: str = "", kinds: Sequence[str] = (), by: Actor, now: datetime
) -> tuple[WebhookEndpoint, str]:
    """Make an endpoint and return it with its secret."""
    _check([*rules.mode_errors(mode), *rules.address_errors(url), *rules.kinds_errors(kinds)])
    Lab.objects.select_for_update(no_key=True).get(pk=lab.pk)  # Of two who make the last one, one does.
    if WebhookEndpoint.objects.filter(lab=lab, mode=mode, removed_at=None).count() >= rules.MOST_ENDPOINTS:
        raise Refused(f"A lab has at most {rules.MOST_ENDPOINTS} endpoints of a mode. Remove one first.")
    secret = signing.new_secret()
    endpoint = WebhookEndpoint(
        lab=lab,
        mode=mode,
        url=url,
        description=_described(description),
        kinds=sorted(set(kinds)),
        state=EndpointState.ENABLED,
        state_changed_at=now,
        created_at=now,
        created_by=by if isinstance(by, User) else None,
    )
    endpoint.secret = signing.seal(endpoint, secret)
    endpoint.save(force_insert=True)
    audit(by, "webhook.created", endpoint, at=now, lab=lab.public_id, mode=mode)
    return endpoint, secret


@action
def change_endpoint(
    endpoint: WebhookEndpoint,
    *,
    url: str | None = None,
    description: str | None = None,
    kinds: Sequence[str] | None = None,
    state: str | None = None,
    by: Actor,
    now: datetime,
) -> WebhookEndpoint:
    """Change what is given; enabling forgets that the endpoint failed."""
    _check([*(rules.address_errors(url) if url is not None else []), *rules.kinds_errors(kinds or ())])
    endpoint = _locked(endpoint)
    if url is not None:
        endpoint.url = url
    if description is not None:
        endpoint.description = _described(description)
    if kinds is not None:
        endpoint.kinds = sorted(set(kinds))
    endpoint.save(update_fields=["url", "description", "kinds"])
    audit(by, "webhook.changed", endpoint, at=now, lab=endpoint.lab.public_id)
    if state is not None and state != endpoint.state:
        _switch(endpoint, state, by, now)
    return endpoint


@action
def rotate_secret(endpoint: WebhookEndpoint, *, by: Actor, now: datetime) -> tuple[WebhookEndpoint, str]:
    """Make a new secret and return it; the one before signs beside it for a day."""
    endpoint = _locked(endpoint)
    secret = signing.new_secret()
    endpoint.old_secret, endpoint.old_secret_until = endpoint.secret, now + OVERLAP
    endpoint.secret = signing.seal(endpoint, secret)
    endpoint.save(update_fields=["secret", "old_secret", "old_secret_until"])
    audit(by, "webhook.secret_rotated", endpoint, at=now, lab=endpoint.lab.public_id)
    return endpoint, secret


@action
def remove_endpoint(endpoint: WebhookEndpoint, *, by: Actor, now: datetime) -> None:
    """Take the endpoint away with its secrets; rows that name it stay."""
    endpoint = _locked(endpoint)
    if endpoint.state == EndpointState.ENABLED:
        disable(endpoint, WhyDisabled.BY_LAB, now=now)
    endpoint.removed_at, endpoint.secret, endpoint.old_secret, endpoint.old_secret_until = now, "", "", None
    endpoint.save(update_fields=["removed_at", "secret", "old_secret", "old_secret_until"])
    audit(by, "webhook.removed", endpoint, at=now, lab=endpoint.lab.public_id)


@action
def send_trial(endpoint: WebhookEndpoint, *, by: Actor, now: datetime) -> WebhookDelivery:
    """Send the endpoint an event of its own, on the way that all others take."""
    _require_enabled(endpoint)
    delivery = record_trial(endpoint, at=now)
    audit(by, "webhook.tested", endpoint, at=now, delivery=delivery.public_id)
    return delivery


@action
def replay_delivery(delivery: WebhookDelivery, *, by: Actor, now: datetime) -> WebhookDelivery:
    """Send an event once more, under its id; one that waits for its next attempt goes now."""
    endpoint = _locked(delivery.endpoint)
    _require_enabled(endpoint)
    delivery = WebhookDelivery.objects.select_for_update(no_key=True).select_related("event").get(pk=delivery.pk)
    if delivery.state == DeliveryState.PENDING:
        delivery.next_attempt_at = now
        delivery.save(update_fields=["next_attempt_at"])
    else:
        again = {"attempts": 0, "next_attempt_at": now, "replays": delivery.replays + 1}
        move(delivery, DeliveryState.PENDING, moves=DELIVERY_MOVES, now=now, **again)
    endpoint.rests_until = None
    endpoint.save(update_fields=["rests_until"])
    audit(by, "webhook.replayed", endpoint, at=now, delivery=delivery.public_id)
    due("labs.deliver", endpoint=endpoint.pk)
    return delivery


def _switch(endpoint: WebhookEndpoint, state: str, by: Actor, now: datetime) -> None:
    was = endpoint.state
    if state == EndpointState.DISABLED:
        disable(endpoint, WhyDisabled.BY_LAB, now=now)
    else:
        fresh = {"disabled_because": "", "failing_since": None, "rests_until": None}
        move(endpoint, EndpointState.ENABLED, moves=ENDPOINT_MOVES, now=now, **fresh)
    audit(by, f"webhook.{state.lower()}", endpoint, at=now, was=was, lab=endpoint.lab.public_id)


def _locked(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """Return the endpoint as it is now; its key stays free for the events that refer to it."""
    rows = WebhookEndpoint.objects.select_for_update(no_key=True, of=("self",)).select_related("lab")
    found = rows.filter(pk=endpoint.pk, removed_at=None).first()
    if found is None:
        raise Refused("This endpoint was removed.")
    return found


def _require_enabled(endpoint: WebhookEndpoint) -> None:
    if endpoint.state != EndpointState.ENABLED:
        raise Refused("This endpoint is disabled: nothing is sent to it. Enable it first.")


def _described(text: str) -> str:
    return clean_name(text, name="/description") if text.strip() else ""


def _check(errors: list[FieldError]) -> None:
    if errors:
        raise Invalid(errors)
