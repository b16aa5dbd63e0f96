"""The feed: what happened, in its final order, to be read once or followed."""

from __future__ import annotations

import time
from collections.abc import Iterator

from guildhall.models import Event, EventPage
from guildhall.resources.resource import Resource
from guildhall.transport import PAGE, Transport


class EventStream(Iterator[Event]):
    """Events, oldest first. ``cursor`` is the place up to which all were handed out: keep it, and go on there."""

    def __init__(self, transport: Transport, after: str | None, *, poll_seconds: float | None) -> None:
        self.cursor = after
        self._transport = transport
        self._poll_seconds = poll_seconds
        self._events = self._read()

    def __next__(self) -> Event:
        return next(self._events)

    def _read(self) -> Iterator[Event]:
        while True:
            page: EventPage = self._transport.get("/events", {"after": self.cursor, "limit": PAGE})
            yield from page["data"]
            self.cursor = page["last"] or self.cursor
            if len(page["data"]) == PAGE:
                continue
            if self._poll_seconds is None:
                return
            time.sleep(self._poll_seconds)


class Events(Resource):
    """The same events that webhooks carry."""

    def page(self, *, after: str | None = None, limit: int = PAGE) -> EventPage:
        """Return a stretch of the feed; ask again with ``after`` set to its ``last``."""
        found: EventPage = self._transport.get("/events", {"after": after, "limit": limit})
        return found

    def all(self, *, after: str | None = None) -> EventStream:
        """Yield what happened since a place in the feed, or since its start, up to now."""
        return EventStream(self._transport, after, poll_seconds=None)

    def follow(self, *, after: str | None = None, poll_seconds: float = 2.0) -> EventStream:
        """Yield what happened since a place in the feed, and then what happens, without end."""
        return EventStream(self._transport, after, poll_seconds=poll_seconds)
