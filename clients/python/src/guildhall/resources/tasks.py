"""Tasks: pushed by the file, listed, changed, called off."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from guildhall.lines import Source
from guildhall.models import NewTask, Posted, PostingMode, Task, TaskDetail
from guildhall.pushing import Pushed, push
from guildhall.resources.resource import Resource

SlotState = Literal["OPEN", "CLAIMED", "SUBMITTED", "ACCEPTED", "VOID"]
PAGE_WITH_PAYLOADS = 20


class Tasks(Resource):
    """The tasks of batches."""

    def push(
        self,
        batch: str,
        source: Source,
        *,
        mode: PostingMode = "partial",
        idempotency_key: str | None = None,
        on_posting: Callable[[Pushed], None] | None = None,
    ) -> Pushed:
        """Post any number of tasks from a file of NDJSON, its path, or anything that yields tasks or lines.

        Lines go in postings of a few megabytes, so that memory stays flat; ``all_or_nothing`` makes one posting of all
        (up to 100,000 lines, 512 MB). ``on_posting`` is told the sums after each. Pushing the same again is safe:
        what is there already counts as duplicates. A path that ends in ``.gz`` is unpacked.

        Raises BadLine for what is no JSON, TooMuch for what one posting cannot hold, and ApiError for a refusal of a
        whole posting; with ``partial``, postings before it stay.
        """
        return push(self._transport, batch, source, mode=mode, key=idempotency_key, on_posting=on_posting)

    def post(
        self,
        batch: str,
        tasks: Sequence[NewTask],
        *,
        mode: PostingMode = "partial",
        idempotency_key: str | None = None,
    ) -> Posted:
        """Post up to 1,000 tasks in one body of JSON."""
        path = f"/batches/{batch}/tasks"
        posted: Posted = self._transport.post(path, list(tasks), query={"mode": mode}, key=idempotency_key)
        return posted

    def all(
        self,
        batch: str,
        *,
        external_id: str | None = None,
        state: SlotState | None = None,
        tag: str | None = None,
        with_payload: bool = False,
    ) -> Iterator[TaskDetail]:
        """Yield the tasks of a batch, newest first; payload and metadata on request."""
        query = {"external_id": external_id, "state": state, "tag": tag}
        if not with_payload:
            return self._transport.pages(f"/batches/{batch}/tasks", query)
        query["expand"] = "payload"
        return self._transport.pages(f"/batches/{batch}/tasks", query, limit=PAGE_WITH_PAYLOADS)

    def get(self, task: str, *, with_payload: bool = False) -> TaskDetail:
        """Return a task; payload and metadata on request."""
        query = {"expand": "payload" if with_payload else None}
        found: TaskDetail = self._transport.get(f"/tasks/{task}", query)
        return found

    def update(self, task: str, *, priority: int) -> Task:
        """Change a task's priority within its batch."""
        changed: Task = self._transport.patch(f"/tasks/{task}", {"priority": priority})
        return changed

    def cancel(self, task: str, *, idempotency_key: str | None = None) -> Task:
        """Call a task off: open work is void, work under way is closed out and paid, submitted work is decided."""
        cancelled: Task = self._transport.post(f"/tasks/{task}:cancel", key=idempotency_key)
        return cancelled
