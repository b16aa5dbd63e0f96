"""Batches: opened, quoted, launched, watched, driven."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime

from guildhall.models import Batch, BatchChanges, BatchDetail, BatchState, NewSimulation, NewTask, Quote
from guildhall.resources.resource import Resource, given


class Batches(Resource):
    """Batches of tasks."""

    def all(self, *, project: str | None = None, state: BatchState | None = None) -> Iterator[Batch]:
        """Yield batches, of one project or of all, newest first."""
        path = "/batches" if project is None else f"/projects/{project}/batches"
        return self._transport.pages(path, {"state": state})

    def get(self, batch: str) -> BatchDetail:
        """Return a batch: its wanted answers by state, its cost so far, when it may be done."""
        found: BatchDetail = self._transport.get(f"/batches/{batch}")
        return found

    def create(
        self,
        project: str,
        *,
        name: str,
        priority: int | None = None,
        due_at: datetime | None = None,
        cap_minor: int | None = None,
        tasks: Sequence[NewTask] | None = None,
        simulation: NewSimulation | None = None,
        idempotency_key: str | None = None,
    ) -> BatchDetail:
        """Open a batch, with up to 1,000 tasks at once: all of it is stored, or nothing is.

        ``due_at`` has a time zone; ``cap_minor`` is the most that it may cost; ``simulation`` is for test keys.
        """
        values = given(
            name=name,
            priority=priority,
            due_at=None if due_at is None else due_at.isoformat(),
            cap_minor=cap_minor,
            tasks=tasks,
            simulation=simulation,
        )
        made: BatchDetail = self._transport.post(f"/projects/{project}/batches", values, key=idempotency_key)
        return made

    def update(self, batch: str, changes: BatchChanges) -> BatchDetail:
        """Change name, priority, due time or cap."""
        changed: BatchDetail = self._transport.patch(f"/batches/{batch}", changes)
        return changed

    def quote(self, batch: str, *, idempotency_key: str | None = None) -> Quote:
        """Return what the open answers will cost, who can do them, by when, and what would widen the pool."""
        quote: Quote = self._transport.post(f"/batches/{batch}:quote", key=idempotency_key)
        return quote

    def launch(self, batch: str, *, idempotency_key: str | None = None) -> BatchDetail:
        """Offer the batch's tasks; it goes on taking more."""
        return self._move(batch, "launch", idempotency_key)

    def pause(self, batch: str, *, idempotency_key: str | None = None) -> BatchDetail:
        """Hand nothing more out until it is resumed."""
        return self._move(batch, "pause", idempotency_key)

    def resume(self, batch: str, *, idempotency_key: str | None = None) -> BatchDetail:
        """Hand out again."""
        return self._move(batch, "resume", idempotency_key)

    def drain(self, batch: str, *, idempotency_key: str | None = None) -> BatchDetail:
        """Say that these were all tasks: the batch completes with its last answer."""
        return self._move(batch, "drain", idempotency_key)

    def cancel(self, batch: str, *, reason: str = "", idempotency_key: str | None = None) -> BatchDetail:
        """Stop a batch: open work is void, work under way is closed out and paid, submitted work is decided."""
        moved: BatchDetail = self._transport.post(
            f"/batches/{batch}:cancel", given(reason=reason or None), key=idempotency_key
        )
        return moved

    def watch(self, batch: str, *, every_seconds: float = 2.0) -> Iterator[BatchDetail]:
        """Yield the batch as it stands now and after every change, to where ``is_over`` is true."""
        before: BatchDetail | None = None
        while True:
            now = self.get(batch)
            if now != before:
                yield now
            if is_over(now):
                return
            before = now
            time.sleep(every_seconds)

    def _move(self, batch: str, verb: str, key: str | None) -> BatchDetail:
        moved: BatchDetail = self._transport.post(f"/batches/{batch}:{verb}", key=key)
        return moved


def is_over(batch: BatchDetail) -> bool:
    """Tell whether nothing more comes of a batch: it ended, or runs and has an answer to all that it holds."""
    if batch["state"] in ("COMPLETED", "CANCELLED"):
        return True
    counts = batch["progress"]
    is_waiting = counts["open"] or counts["claimed"] or counts["submitted"] or batch["postings"]
    return batch["state"] == "RUNNING" and counts["created"] > 0 and not is_waiting
