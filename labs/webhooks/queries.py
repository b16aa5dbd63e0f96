"""What a lab sees of its endpoints and deliveries."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import orjson
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery

from kernel.ids import BadId
from labs.events import shown
from labs.models import DeliveryState, Lab, WebhookAttempt, WebhookDelivery, WebhookEndpoint

LOG_ROWS: Final = 50
# What the outbound client calls a failure, in a lab's words.
FAILURES: Final = {
    "TimeoutError": "No answer within 15 seconds",
    "timeout": "No answer within 15 seconds",
    "address_refused": "Does not lead to a public host",
    "ConnectionRefusedError": "Connection refused",
    "ConnectionResetError": "Connection reset",
    "SSLCertVerificationError": "Certificate not trusted",
    "The host's name was not found.": "Name not found",
    "RemoteDisconnected": "Hung up without an answer",
}


@dataclass(frozen=True)
class EndpointRow:
    """An endpoint in the list, with the last thing that was sent to it."""

    endpoint: WebhookEndpoint
    last: WebhookDelivery | None


@dataclass(frozen=True)
class AttemptRow:
    """One request and, in words, what came of it."""

    attempt: WebhookAttempt
    said: str
    is_good: bool


@dataclass(frozen=True)
class DeliveryRow:
    """A delivery in the log, with its last attempt."""

    delivery: WebhookDelivery
    last: AttemptRow | None
    tries: int


@dataclass(frozen=True)
class LogPage:
    """A stretch of the log, newest first; ``older`` is where the next one starts, if there is one."""

    rows: list[DeliveryRow]
    state: str
    states: tuple[str, ...]
    older: str


def endpoints_of(lab: Lab, mode: str | None = None) -> QuerySet[WebhookEndpoint]:
    """List the lab's endpoints without their secrets, newest first, of one mode or of both."""
    rows = WebhookEndpoint.objects.filter(lab=lab, removed_at=None).select_related("lab").order_by("-id")
    rows = rows.defer("secret", "old_secret")
    return rows if mode is None else rows.filter(mode=mode)


def deliveries_of(endpoint: WebhookEndpoint) -> QuerySet[WebhookDelivery]:
    """List what was or is to be delivered to the endpoint, newest first, each with its attempts and kind of event."""
    log = Prefetch("log", queryset=WebhookAttempt.objects.order_by("-id"))
    rows = WebhookDelivery.objects.filter(endpoint=endpoint).select_related("event").defer("event__data")
    return rows.prefetch_related(log).order_by("-id")


def endpoint_rows(lab: Lab) -> list[EndpointRow]:
    """List the endpoints for their page, live ones first."""
    newest = WebhookDelivery.objects.filter(endpoint=OuterRef("pk")).order_by("-id").values("pk")[:1]
    endpoints = list(endpoints_of(lab).order_by("mode", "-id").annotate(newest=Subquery(newest)))
    last = WebhookDelivery.objects.in_bulk([row.newest for row in endpoints if row.newest])
    return [EndpointRow(endpoint, last.get(endpoint.newest)) for endpoint in endpoints]


def log_page(endpoint: WebhookEndpoint, state: str, before: str) -> LogPage:
    """Return a stretch of the endpoint's log; what is not a state or a place in it is as if not given."""
    rows = deliveries_of(endpoint)
    wanted = state if state in DeliveryState.values else ""
    if wanted:
        rows = rows.filter(state=wanted)
    with suppress(BadId):
        rows = rows.filter(pk__lt=WebhookDelivery.parse_id(before)) if before else rows
    found = list(rows[: LOG_ROWS + 1])
    page = [delivery_row(delivery) for delivery in found[:LOG_ROWS]]
    older = page[-1].delivery.public_id if len(found) > LOG_ROWS else ""
    return LogPage(page, wanted, tuple(DeliveryState.values), older)


def delivery_row(delivery: WebhookDelivery) -> DeliveryRow:
    """Return a delivery as its line in the log."""
    attempts = attempt_rows(delivery)
    return DeliveryRow(delivery, attempts[0] if attempts else None, len(attempts))


def attempt_rows(delivery: WebhookDelivery) -> list[AttemptRow]:
    """List the attempts of a delivery, newest first."""
    return [AttemptRow(attempt, said(attempt), _is_good(attempt)) for attempt in delivery.log.all()]


def said(attempt: WebhookAttempt) -> str:
    """Say what came of an attempt."""
    if attempt.status is not None:
        return f"Answered {attempt.status}"
    return FAILURES.get(attempt.error, "No answer that we understand")


def shown_body(delivery: WebhookDelivery) -> str:
    """Return what is posted, laid out for reading."""
    return orjson.dumps(shown(delivery.event), option=orjson.OPT_INDENT_2).decode()


def _is_good(attempt: WebhookAttempt) -> bool:
    return attempt.status is not None and 200 <= attempt.status < 300
