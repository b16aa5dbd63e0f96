"""POST /batches/{id}/tasks: a stream of lines in, a summary out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.db import app_now
from kernel.errors import FieldError, Invalid
from kernel.guards import load_json
from labs.doors import (
    IDEMPOTENCY,
    JSON,
    NDJSON,
    PAGING,
    READ,
    WRITE,
    LabView,
    content_type_of,
    idempotency,
    keyset_page,
    page_of,
    query,
    read_body,
    read_choice,
    refuse_unknown_parameters,
)
from labs.models import Scope
from tasks import lab_queries
from tasks.actions import ingest
from tasks.actions.posting import numbered, posting_to
from tasks.api import finding
from tasks.api.bodies import BodyLines
from tasks.models import Batch, IngestMode, IngestRun, Task
from tasks.serializers.batches import MAX_INLINE, LineIn, PostedOut, TaskDetail, TaskOut
from tasks.states import SlotState

MAX_ARRAY_BYTES = 32 * 1024 * 1024
ARRAY_KEYS = 200_000
RENEW_SECONDS = 10.0
FILTERS = ("external_id", "state", "tag", "expand")
MOST_EXPANDED = 20  # A task has up to 1 MB.
MOST_SEARCHED = 200


class Tasks(LabView):
    """The tasks of a batch."""

    scopes = {"GET": None, "POST": Scope.TASKS_WRITE}
    is_streamed = True

    @extend_schema(
        operation_id="list_tasks",
        tags=["tasks"],
        parameters=[
            *PAGING,
            query("external_id", "Only the task with this external id."),
            query("state", "Only tasks of which a wanted answer is in this state.", choices=SlotState.values),
            query("tag", "Only tasks with this tag."),
            query("expand", f"`payload` adds content; a page is then {MOST_EXPANDED} at most.", choices=["payload"]),
        ],
        responses={200: page_of(TaskDetail), **READ},
    )
    def get(self, request: Request, batch_id: UUID) -> Response:
        """List a batch's tasks, newest first, each with its slots by state, and with its content on request."""
        batch = self._batch(batch_id)
        state, tag = read_choice(request, "state", SlotState.values), _searched(request, "tag")
        rows, via = lab_queries.tasks_of(batch), lab_queries.pointers_to_tasks(batch, state=state, tag=tag)
        if (external_id := _searched(request, "external_id")) is not None:
            rows = rows.filter(external_id=external_id)
            via = via and via.among(rows)
        if read_choice(request, "expand", ["payload"]) is None:
            return Response(keyset_page(request, rows, with_slots, filters=FILTERS, via=via))
        show, rows = partial(self.expanded, batch), lab_queries.with_content(rows)
        return Response(keyset_page(request, rows, show, filters=FILTERS, via=via, at_most=MOST_EXPANDED))

    def expanded(self, batch: Batch, tasks: list[Task]) -> list[dict[str, Any]]:
        """Show tasks of a batch with their content, each after an access row of its own."""
        opened = lab_queries.opened_tasks(batch.project, tasks, by=self.key.public_id, at=app_now())
        return [row | content for row, content in zip(with_slots(tasks), opened, strict=True)]

    @extend_schema(
        operation_id="post_tasks",
        tags=["tasks"],
        parameters=[
            IDEMPOTENCY,
            query(
                "mode",
                "`partial` (default) stores the good lines; `all_or_nothing` none, if one is bad.",
                choices=IngestMode.values,
            ),
        ],
        request={JSON: LineIn(many=True)},
        responses={200: PostedOut, **WRITE},
    )
    def post(self, request: Request, batch_id: UUID) -> HttpResponseBase:
        """Post tasks: up to 1,000 as a JSON array, or up to 100,000 lines (512 MB) of `application/x-ndjson`.

        A line is one task. The same `external_id` with the same content is a no-op and counts as a duplicate; with
        other content it is that line's error `conflict`. Lines are checked against the project's kind, and every error
        names its line and a JSON pointer. Nothing of a posting shows until all of it is in.
        """
        # First: in another charset than UTF-8 the parameters, too, would be read as what they are not.
        is_array = content_type_of(request._request, allowed=(NDJSON, JSON)) == JSON
        refuse_unknown_parameters(request, {"mode"})
        mode = read_choice(request, "mode", IngestMode.values) or IngestMode.PARTIAL
        batch = self._batch(batch_id)
        name = request.headers.get("Idempotency-Key")
        stored = self.reserve_stream(name) if name is not None else None
        if stored is not None:
            return self._replayed(request, stored, is_array=is_array)
        with posting_to(batch, ingest_mode=mode, key=name or "", by=self.key) as self.posting:
            digest = self._take_all(request, is_array=is_array)
            return self._merge(request, digest)

    def _take_all(self, request: Request, *, is_array: bool) -> bytes:
        """Read, check and stage the whole body; return its hash."""
        lines: Iterable[tuple[int, bytes | None]]
        digest: Callable[[], bytes]
        if is_array:
            raw = read_body(request._request, at_most=MAX_ARRAY_BYTES)
            lines, digest = numbered(read_array(raw)), lambda: idempotency.digest_of(raw)
        else:
            body = BodyLines(request._request, on_chunk=Renewal(self), is_hashed=self.reservation is not None)
            lines, digest = body, body.digest.digest
        self.posting.take(lines)
        return digest()

    def _merge(self, request: Request, digest: bytes) -> Response:
        """Make tasks of what was staged, closing the Idempotency-Key in the same transaction."""
        if self.reservation is not None:
            self.reservation.fingerprint = idempotency.fingerprint_with("POST", request.get_full_path(), digest)
        with self.closing():
            run = ingest.merge_ingest(self.posting.run, self.posting.tally, by=self.key, now=app_now())
        return Response(shown_run(run, self.posting.tally.errors))

    def _replayed(self, request: Request, stored: idempotency.Stored, *, is_array: bool) -> HttpResponseBase:
        """Compare the whole body with the first one, then answer as it was answered."""
        if is_array:
            digest = idempotency.digest_of(read_body(request._request, at_most=MAX_ARRAY_BYTES))
        else:
            digest = BodyLines(request._request, on_chunk=lambda: None, is_hashed=True).drain()
        sent = idempotency.fingerprint_with("POST", request.get_full_path(), digest)
        idempotency.check_fingerprint(stored.fingerprint, sent)
        return self.replay(stored)

    def rebuilt(self, object_id: str) -> Response:
        """Show the figures of an earlier posting; its line errors are gone with the answer that was never sent."""
        rows = IngestRun.objects.filter(lab=self.lab, batch__project__mode=self.key.mode).select_related("batch")
        return Response(shown_run(finding.by_id(rows, object_id), []))

    def _batch(self, batch_id: UUID) -> Batch:
        return finding.one(lab_queries.batches_of(self.lab, self.key.mode), batch_id)


class Renewal:
    """Renew the lease of a posting's Idempotency-Key while its body comes in, every ten seconds at most."""

    def __init__(self, view: LabView) -> None:
        self.view = view
        self.renewed_at = time.monotonic()

    def __call__(self) -> None:
        """Renew where it is time to."""
        if self.view.reservation is not None and time.monotonic() - self.renewed_at > RENEW_SECONDS:
            self.view.reservation.renew()
            self.renewed_at = time.monotonic()


def read_array(raw: bytes) -> list[object]:
    """Parse a body that must be a JSON array of at most 1,000 tasks."""
    value = load_json(raw, max_bytes=MAX_ARRAY_BYTES, name="", max_keys=ARRAY_KEYS)
    if not isinstance(value, list):
        raise Invalid([FieldError("/", "wrong_type", "Send a JSON array of tasks, or NDJSON.")])
    if len(value) > MAX_INLINE:
        detail = f"A JSON array has at most {MAX_INLINE:,} tasks. Stream more as {NDJSON}."
        raise Invalid([FieldError("/", "too_many", detail)])
    return value


def shown_run(run: IngestRun, errors: list[ingest.LineError]) -> dict[str, Any]:
    """Show what became of a posting, errors by line."""
    run.errors = sorted(errors, key=lambda error: int(error["line"]))  # type: ignore[attr-defined]  # For the row.
    return dict(PostedOut(run).data)


def with_slots(tasks: list[Task]) -> list[dict[str, Any]]:
    """Show tasks, each with its wanted answers by where they stand; one query for all."""
    counted = lab_queries.slots_of_tasks(tasks)
    for task in tasks:
        task.slots_by_state = counted[task.pk]  # type: ignore[attr-defined]  # For the row.
    return [dict(row) for row in TaskOut(tasks, many=True).data]


def _searched(request: Request, name: str) -> str | None:
    """Return the text that is looked for, or None; one that nothing can be called is refused."""
    text = request.query_params.get(name)
    if text is not None and (not 1 <= len(text) <= MOST_SEARCHED or "\x00" in text):
        raise Invalid([FieldError(f"?{name}", "wrong_form", f"Give 1 to {MOST_SEARCHED} characters without NUL.")])
    return text
