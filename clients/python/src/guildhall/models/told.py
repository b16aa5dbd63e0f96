"""What a lab is told: the feed of events, and the webhooks that carry it."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from guildhall.models.account import Mode

DeliveryState = Literal["PENDING", "DELIVERED", "FAILED"]

WebhookState = Literal["ENABLED", "DISABLED"]

EventType = Literal[
    "project.launched",
    "project.paused",
    "project.paused_for_budget",
    "project.resumed",
    "project.closed",
    "batch.staged",
    "batch.running",
    "batch.paused",
    "batch.draining",
    "batch.completed",
    "batch.settled",
    "batch.cancelled",
    "task.completed",
    "submission.submitted",
    "submission.accepted",
    "submission.rejected",
    "question.asked",
    "case.opened",
    "case.decided",
    "case.appealed",
    "guideline.acknowledged",
    "export.ready",
    "funds.received",
    "funds.low",
    "webhook.test",
]


class Event(TypedDict):
    """A line in the feed, which is also the body of a webhook: ids and states, never content."""

    id: str
    type: EventType
    timestamp: str
    mode: Mode
    data: dict[str, Any]


class EventPage(TypedDict):
    """A stretch of the feed, oldest first; ask again with ``after`` set to ``last``."""

    data: list[Event]
    last: str | None


class Webhook(TypedDict):
    """An endpoint of yours that is told of events."""

    id: str
    url: str
    description: str
    types: list[str]
    mode: Mode
    state: WebhookState
    disabled_because: str | None
    failing_since: str | None
    old_secret_until: str | None
    created_at: str


class WebhookWithSecret(Webhook):
    """An endpoint and its secret, which is shown now and not again."""

    secret: str


class WebhookChanges(TypedDict, total=False):
    """What may change of an endpoint."""

    url: str
    description: str
    types: list[str]
    state: WebhookState


class Attempt(TypedDict):
    """One request and what came of it."""

    started_at: str
    duration_ms: int
    status: int | None
    error: str
    answer: str


class Delivery(TypedDict):
    """An event on its way to an endpoint; attempts are newest first."""

    id: str
    endpoint: str
    event: str
    type: str
    state: DeliveryState
    replays: int
    next_attempt_at: str | None
    created_at: str
    attempts: list[Attempt]
