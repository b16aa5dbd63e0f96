"""Lines in a lab's feed, written in the transaction that made them true, and handed to the endpoints that listen."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from accounts.outbox import due
from kernel.db import require_transaction
from kernel.rows import as_one, call, insert, is_gathering
from labs.models import DeliveryState, Event, WebhookDelivery, WebhookEndpoint

EVENT_KINDS: Final = {
    "project.launched": "A project offers work.",
    "project.paused": "A project stopped offering work.",
    "project.paused_for_budget": "A project stopped offering work because its budget does not cover a claim.",
    "project.resumed": "A project offers work again.",
    "project.closed": "A project is over.",
    "batch.staged": "A batch has its tasks and waits to be launched.",
    "batch.running": "A batch's tasks are offered.",
    "batch.paused": "A batch's tasks are not offered for now.",
    "batch.draining": "A batch takes no more tasks; what it has is offered to its end.",
    "batch.completed": "Every task of a batch is done.",
    "batch.settled": "Nothing of a batch is held any more: its cost is final.",
    "batch.cancelled": "A batch was called off.",
    "task.completed": "A task has all the answers it asked for.",
    "submission.submitted": "An expert handed in an answer.",
    "submission.accepted": "An answer was accepted, as it was or mended.",
    "submission.rejected": "An answer was rejected.",
    "question.asked": "An expert asked about a project.",
    "case.opened": "A person was asked about finished work (`about`).",
    "case.decided": "A person decided a case.",
    "case.appealed": "A second person was asked about a decided case.",
    "guideline.acknowledged": "An expert read a new version of a project's guidelines.",
    "export.ready": "An export can be downloaded.",
    "funds.received": "A payment arrived.",
    "funds.low": "50, 80 or 100 % of a project's budget is used (`percent`).",
    "webhook.test": "You asked for a test delivery.",
}
# Ids, states, codes, times: words without spaces. Nothing that somebody wrote fits in here.
_WORD: Final = re.compile(r"[A-Za-z0-9_.:+-]{0,80}")

LISTENERS: Final = """
ARRAY(SELECT id FROM labs_webhookendpoint
       WHERE lab_id = %s AND mode = %s AND removed_at IS NULL AND state = 'ENABLED'
         AND (kinds = ARRAY[]::varchar[] OR %s = ANY (kinds)))
"""


def record_event(lab_id: UUID, mode: str, kind: str, *, at: datetime, **ids: str | int | None) -> Event:
    """Add ``kind`` with its ids and states to the feed of the lab with this id, and make its deliveries due."""
    event = _event(lab_id, mode, kind, at, ids)
    if is_gathering():
        _record(event)
        return event
    with as_one():  # Who listens is found on the way: an event costs one round trip, whether anybody does or not.
        _record(event)
    return event


def _record(event: Event) -> None:
    def deliver(listeners: list[UUID]) -> None:
        for endpoint_id in listeners:
            make_delivery(event, endpoint_id, at=event.created_at)

    insert(event)
    call(LISTENERS, [event.lab_id, event.mode, event.kind], deliver)


def record_trial(endpoint: WebhookEndpoint, *, at: datetime) -> WebhookDelivery:
    """Add an event that goes to one endpoint alone, whatever it listens to, because its lab wants to see it arrive."""
    event = _event(endpoint.lab_id, endpoint.mode, "webhook.test", at, {"endpoint": endpoint.public_id})
    event.save(force_insert=True)
    return make_delivery(event, endpoint.pk, at=at)


def make_delivery(event: Event, endpoint_id: UUID, *, at: datetime) -> WebhookDelivery:
    """Make the event due at an endpoint."""
    delivery = WebhookDelivery.objects.create(
        endpoint_id=endpoint_id,
        event=event,
        state=DeliveryState.PENDING,
        state_changed_at=at,
        next_attempt_at=at,
        created_at=at,
    )
    due("labs.deliver", endpoint=endpoint_id)
    return delivery


def shown(event: Event) -> dict[str, Any]:
    """Return an event as labs read it, in the feed and in deliveries alike."""
    return {
        "id": event.public_id,
        "type": event.kind,
        "timestamp": event.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "mode": event.mode,
        "data": event.data,
    }


def _event(lab_id: UUID, mode: str, kind: str, at: datetime, ids: dict[str, str | int | None]) -> Event:
    require_transaction()
    assert kind in EVENT_KINDS, f"Say in labs/events.py what {kind} means."
    loose = [name for name, value in ids.items() if isinstance(value, str) and not _WORD.fullmatch(value)]
    assert not loose, f"Events hold ids and states, never content: {kind} {loose}"
    return Event(lab_id=lab_id, mode=mode, kind=kind, data=ids, created_at=at)
