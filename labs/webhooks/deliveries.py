"""Deliver events to the labs' addresses: one turn of one endpoint at a time, so that nobody waits for somebody else's.

A worker takes an endpoint's turn, sends what is due there, a few requests at once, and passes the turn on after 20
seconds, or as soon as a request ran into its time limit: then the endpoint rests for a minute and is asked with one
request. However much is due there, an endpoint that hangs holds one thread of a worker for a fifth of the time, and a
lab holds no more than four. What is due is rows (``WebhookDelivery``); the outbox only says when to look.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import orjson
from django.db import connection
from django.db.models import Min

from accounts.audit import audit
from accounts.outbox import due
from kernel.db import action, app_now, forbid_transaction, require_transaction
from kernel.outbound import OutboundFailed, OutboundRefused, fetch
from kernel.states import move
from labs.events import shown
from labs.models import DeliveryState, EndpointState, WebhookAttempt, WebhookDelivery, WebhookEndpoint, WhyDisabled
from labs.states import DELIVERY_MOVES, ENDPOINT_MOVES
from labs.webhooks import schedule, signing

AT_ONCE: Final = 4
TURN_SECONDS: Final = 20
TURN_LEASE_SECONDS: Final = 45  # A turn, and a request that began at its end.
TURNS_OF_A_LAB: Final = 4
LOOK_AGAIN_SECONDS: Final = 5
REQUEST_SECONDS: Final = 15
MOST_BYTES: Final = 65_536
KEPT_BYTES: Final = 1_024
GONE: Final = 410
AGENT: Final = "Guildhall-Webhooks/1"

TAKE_TURN: Final = """
UPDATE labs_webhookendpoint AS mine
SET turn_until = clock_timestamp() + make_interval(secs => %s), turn_holder = %s
WHERE id = %s AND state = 'ENABLED' AND (turn_until IS NULL OR turn_until < clock_timestamp())
  AND (rests_until IS NULL OR rests_until <= app_now())
  AND %s > (SELECT count(*) FROM labs_webhookendpoint AS other
            WHERE other.lab_id = mine.lab_id AND other.turn_until > clock_timestamp())
"""
LEFT_BEHIND: Final = """
SELECT DISTINCT endpoint_id FROM labs_webhookdelivery AS delivery
JOIN labs_webhookendpoint AS endpoint ON endpoint.id = delivery.endpoint_id
WHERE delivery.state = 'PENDING' AND delivery.next_attempt_at < app_now() - interval '2 minutes'
  AND endpoint.state = 'ENABLED' AND (endpoint.turn_until IS NULL OR endpoint.turn_until < clock_timestamp())
  AND (endpoint.rests_until IS NULL OR endpoint.rests_until < app_now())
"""


@dataclass(frozen=True)
class Parcel:
    """One request to be made: nothing in it needs the database."""

    delivery: WebhookDelivery
    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Outcome:
    """What came of a request; without an answer there is no status, and ``error`` says why."""

    status: int | None
    error: str
    answer: str
    duration_ms: int

    @property
    def is_delivered(self) -> bool:
        """Say whether the endpoint took it."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_slow(self) -> bool:
        """Say whether the endpoint made us wait for as long as we do."""
        return self.status is None and self.duration_ms >= REQUEST_SECONDS * 900


def deliver(endpoint_id: UUID) -> None:
    """Give the endpoint its turn, unless it has one, rests, or its lab has enough of them; safe to run at any time."""
    forbid_transaction()
    holder = uuid4().hex
    if not _take_turn(endpoint_id, holder):
        _look_again(endpoint_id)
        return
    ends_at = time.monotonic() + TURN_SECONDS
    try:
        while time.monotonic() < ends_at and (parcels := _pack(endpoint_id)):
            outcomes = _send_all(parcels)
            if any(outcome.is_slow for outcome in outcomes):
                break
    finally:
        _end_turn(endpoint_id, holder)


@action
def ask_for_left_behind() -> int:
    """Ask again for what nobody came to deliver; return for how many endpoints."""
    with connection.cursor() as cursor:
        cursor.execute(LEFT_BEHIND)
        rows = cursor.fetchall()
    for (endpoint_id,) in rows:
        due("labs.deliver", endpoint=endpoint_id)
    return len(rows)


def body_of(delivery: WebhookDelivery) -> bytes:
    """Return what is posted: the same bytes at every attempt."""
    return orjson.dumps(shown(delivery.event))


def disable(endpoint: WebhookEndpoint, because: str, *, now: datetime, **fields: object) -> None:
    """Stop delivering, within the caller's transaction; what was on its way is given up, and can be replayed."""
    require_transaction()
    move(endpoint, EndpointState.DISABLED, moves=ENDPOINT_MOVES, now=now, disabled_because=because, **fields)
    WebhookDelivery.objects.filter(endpoint=endpoint, state=DeliveryState.PENDING).update(
        state=DeliveryState.FAILED, state_changed_at=now, next_attempt_at=None
    )


def _take_turn(endpoint_id: UUID, holder: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(TAKE_TURN, [TURN_LEASE_SECONDS, holder, endpoint_id, TURNS_OF_A_LAB])
        return bool(cursor.rowcount)


@action
def _look_again(endpoint_id: UUID) -> None:
    """Come back when the endpoint has rested or its lab has a turn left; whoever has its turn now looks after it."""
    now = app_now()
    endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id, state=EndpointState.ENABLED).first()
    if endpoint is None or _has_turn(endpoint_id):
        return
    _wake(endpoint_id, max(endpoint.rests_until or now, now + timedelta(seconds=LOOK_AGAIN_SECONDS)))


def _has_turn(endpoint_id: UUID) -> bool:
    with connection.cursor() as cursor:
        sql = "SELECT turn_until > clock_timestamp() FROM labs_webhookendpoint WHERE id = %s"
        cursor.execute(sql, [endpoint_id])
        row = cursor.fetchone()
    return bool(row and row[0])


@action
def _end_turn(endpoint_id: UUID, holder: str) -> None:
    """Pass the turn on, then look whether more is due: what was added during the turn was told to nobody else."""
    WebhookEndpoint.objects.filter(pk=endpoint_id, turn_holder=holder).update(turn_until=None, turn_holder="")
    endpoint = WebhookEndpoint.objects.get(pk=endpoint_id)
    pending = WebhookDelivery.objects.filter(endpoint=endpoint, state=DeliveryState.PENDING)
    first = pending.aggregate(first=Min("next_attempt_at"))["first"]
    if first is not None and endpoint.state == EndpointState.ENABLED:
        _wake(endpoint_id, max(first, endpoint.rests_until or first))


def _wake(endpoint_id: UUID, at: datetime) -> None:
    """Look at the endpoint at this time; many who ask for the same second to come are one."""
    if at <= app_now():
        due("labs.deliver", endpoint=endpoint_id)
        return
    second = at.replace(microsecond=0) + timedelta(seconds=1)
    due("labs.deliver", key=f"{endpoint_id}-{int(second.timestamp())}", run_after=second, endpoint=endpoint_id)


def _pack(endpoint_id: UUID) -> list[Parcel]:
    """Make the next requests to the endpoint: one while it fails, a few while it is well."""
    now = app_now()
    endpoint = WebhookEndpoint.objects.filter(pk=endpoint_id, state=EndpointState.ENABLED).first()
    if endpoint is None:
        return []
    rows = WebhookDelivery.objects.filter(
        endpoint=endpoint, state=DeliveryState.PENDING, next_attempt_at__lte=now
    ).order_by("next_attempt_at", "id")
    due_now = list(rows.select_related("event")[: 1 if endpoint.failing_since else AT_ONCE])
    secrets = signing.valid_secrets(endpoint, now) if due_now else []
    return [_parcel(endpoint, delivery, secrets, now) for delivery in due_now]


def _parcel(endpoint: WebhookEndpoint, delivery: WebhookDelivery, secrets: list[str], now: datetime) -> Parcel:
    body = body_of(delivery)
    headers = signing.signed_headers(secrets, delivery.event.public_id, now, body)
    return Parcel(delivery, endpoint.url, headers | {"Content-Type": "application/json", "User-Agent": AGENT}, body)


def _send_all(parcels: list[Parcel]) -> list[Outcome]:
    """Make the requests at once and write down what came of each."""
    started_at = app_now()
    with ThreadPoolExecutor(len(parcels)) as pool:
        outcomes = list(pool.map(_send, parcels))
    now = app_now()
    for parcel, outcome in zip(parcels, outcomes, strict=True):
        _note(parcel.delivery, outcome, started_at=started_at, now=now)
    return outcomes


def _send(parcel: Parcel) -> Outcome:
    began = time.monotonic()
    status, error, kept = None, "", b""
    try:
        answer = fetch(
            "POST",
            parcel.url,
            body=parcel.body,
            headers=parcel.headers,
            deadline_seconds=REQUEST_SECONDS,
            max_bytes=MOST_BYTES,
        )
        status, kept = answer.status, answer.body[:KEPT_BYTES]
    except OutboundRefused as refusal:
        error = refusal.code
    except OutboundFailed as failure:
        error = str(failure)[:60]
    took = round((time.monotonic() - began) * 1_000)
    return Outcome(status, error, kept.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}"), took)


@action
def _note(sent: WebhookDelivery, outcome: Outcome, *, started_at: datetime, now: datetime) -> None:
    """Write the attempt down, then say what follows for the delivery and for its endpoint."""
    # Without their keys: events that are being recorded refer to these rows, and must not wait.
    endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=sent.endpoint_id)
    delivery = WebhookDelivery.objects.select_for_update(no_key=True).get(pk=sent.pk)
    WebhookAttempt.objects.create(
        delivery=delivery,
        started_at=started_at,
        duration_ms=outcome.duration_ms,
        status=outcome.status,
        error=outcome.error,
        answer=outcome.answer,
    )
    if delivery.state != DeliveryState.PENDING:
        return  # The lab disabled the endpoint in the meantime, which gave the delivery up: that stands.
    if outcome.is_delivered:
        end = {"attempts": delivery.attempts + 1, "next_attempt_at": None}
        move(delivery, DeliveryState.DELIVERED, moves=DELIVERY_MOVES, now=now, **end)
        _set(endpoint, failing_since=None, rests_until=None)
        return
    rests_until = now + schedule.REST if outcome.is_slow else endpoint.rests_until
    _set(endpoint, failing_since=endpoint.failing_since or now, rests_until=rests_until)
    if delivery.next_attempt_at == sent.next_attempt_at:  # Else the lab asked for another attempt meanwhile.
        _try_later(delivery, now)
    if outcome.status == GONE:
        _give_up(endpoint, WhyDisabled.GONE, now)
    elif schedule.is_hopeless(endpoint.failing_since, now):
        _give_up(endpoint, WhyDisabled.FAILING, now)


def _try_later(delivery: WebhookDelivery, now: datetime) -> None:
    attempts = delivery.attempts + 1
    again_at = schedule.next_attempt(attempts, now)
    if again_at is None:
        end = {"attempts": attempts, "next_attempt_at": None}
        move(delivery, DeliveryState.FAILED, moves=DELIVERY_MOVES, now=now, **end)
        return
    WebhookDelivery.objects.filter(pk=delivery.pk).update(attempts=attempts, next_attempt_at=again_at)


def _give_up(endpoint: WebhookEndpoint, because: str, now: datetime) -> None:
    """Leave the endpoint alone and let its lab's owners know; one that is disabled already stays as it is."""
    if endpoint.state != EndpointState.ENABLED:
        return
    disable(endpoint, because, now=now)
    audit(None, "webhook.disabled", endpoint, at=now, was=EndpointState.ENABLED, because=because)
    key = f"{endpoint.public_id}-{int(now.timestamp())}"
    due("labs.tell_owners_of_disabled_endpoint", key=key, endpoint=endpoint.pk)


def _set(endpoint: WebhookEndpoint, **fields: datetime | None) -> None:
    """Write what changed, and nothing when nothing did: success is the common case."""
    changed = {name: value for name, value in fields.items() if getattr(endpoint, name) != value}
    if changed:
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**changed)
    for name, value in changed.items():
        setattr(endpoint, name, value)
