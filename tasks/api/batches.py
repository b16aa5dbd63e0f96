"""Batches: opened, watched, driven; and the tasks in them, one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.db import app_now
from labs.doors import (
    IDEMPOTENCY,
    PAGING,
    READ,
    WRITE,
    LabView,
    Nothing,
    keyset_page,
    page_of,
    parse_object,
    query,
    read_choice,
    refuse_unknown_parameters,
    rows_as,
)
from labs.models import Scope
from tasks import lab_queries
from tasks.actions import posting, publishing
from tasks.api import finding
from tasks.models import Batch
from tasks.queries import batch_progress
from tasks.quoting import quote_of
from tasks.serializers.batches import BatchCreate, BatchDetail, BatchFields, BatchOut, CancelIn
from tasks.serializers.quotes import QuoteOut
from tasks.serializers.simulations import shown_simulation
from tasks.states import BatchState

TAG = ["batches"]
MAX_INLINE_BYTES = 32 * 1024 * 1024
INLINE_KEYS = 200_000


def shown(batch: Batch) -> dict[str, Any]:
    """Show a batch in a list."""
    return dict(BatchOut(batch).data)


def detailed(batch: Batch) -> dict[str, Any]:
    """Show a batch with its progress and cost so far, when it may be done, and what is being posted to it."""
    progress, now = batch_progress(batch), app_now()
    figures = {
        "progress": asdict(progress),
        "expected_finish": asdict(lab_queries.expected_finish(batch, progress, now)),
        "postings": lab_queries.postings_under_way(batch),
        "cost": asdict(lab_queries.cost_of(batch)),
        "simulation": shown_simulation(lab_queries.simulation_of(batch)),
    }
    return {**shown(batch), **figures}


class BatchView(LabView):
    """A view about the caller's batches."""

    scopes = {"GET": None, "POST": Scope.TASKS_WRITE, "PATCH": Scope.TASKS_WRITE}
    success: ClassVar[int] = 200

    def rows(self) -> Any:
        """List the caller's batches."""
        return lab_queries.batches_of(self.lab, self.key.mode)

    def rebuilt(self, object_id: str) -> Response:
        """Show the batch that an earlier request made or moved."""
        return Response(detailed(finding.by_id(self.rows(), object_id)), status=self.success)


class Batches(BatchView):
    """All batches."""

    @extend_schema(
        operation_id="list_batches",
        tags=TAG,
        parameters=[*PAGING, query("state", "Only batches in this state.", choices=BatchState.values)],
        responses={200: page_of(BatchOut), **READ},
    )
    def get(self, request: Request) -> Response:
        """List the batches of all projects, newest first."""
        return Response(keyset_page(request, _filtered(request, self.rows()), rows_as(BatchOut), filters=("state",)))


class ProjectBatches(BatchView):
    """The batches of a project."""

    success = 201
    max_body_bytes = MAX_INLINE_BYTES

    @extend_schema(
        operation_id="list_project_batches",
        tags=TAG,
        parameters=[*PAGING, query("state", "Only batches in this state.", choices=BatchState.values)],
        responses={200: page_of(BatchOut), **READ},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        """List a project's batches, newest first."""
        project = finding.one(lab_queries.projects_of(self.lab, self.key.mode), project_id)
        rows = _filtered(request, self.rows().filter(project=project))
        return Response(keyset_page(request, rows, rows_as(BatchOut), filters=("state",)))

    @extend_schema(
        operation_id="create_batch",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=BatchCreate,
        responses={201: BatchDetail, **WRITE},
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        """Open a batch, with up to 1,000 tasks at once: all of them and the batch are stored, or nothing is."""
        project = finding.one(lab_queries.projects_of(self.lab, self.key.mode), project_id)
        raw = parse_object(self.raw, at_most=MAX_INLINE_BYTES, max_keys=INLINE_KEYS)
        checked = BatchCreate(data=raw)
        checked.is_valid(raise_exception=True)
        values = dict(checked.validated_data)
        lines = values.pop("tasks", None)
        batch = posting.create_batch_with_tasks(project, values, lines, by=self.key, now=app_now())
        return Response(detailed(batch), status=201)


class OneBatch(BatchView):
    """One batch."""

    @extend_schema(operation_id="get_batch", tags=TAG, responses={200: BatchDetail, **READ})
    def get(self, request: Request, batch_id: UUID) -> Response:
        """Show a batch: its wanted answers by state, its cost so far, when it may be done, and postings under way."""
        refuse_unknown_parameters(request, ())
        return Response(detailed(finding.one(self.rows(), batch_id)))

    @extend_schema(operation_id="update_batch", tags=TAG, request=BatchFields, responses={200: BatchDetail, **WRITE})
    def patch(self, request: Request, batch_id: UUID) -> Response:
        """Change a batch's name, priority or due time."""
        batch = finding.one(self.rows(), batch_id)
        changes = self.body(BatchFields)
        return Response(detailed(publishing.update_batch(batch, changes, by=self.key, now=app_now())))


class QuoteBatch(BatchView):
    """What a batch will cost."""

    @extend_schema(
        operation_id="quote_batch",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=None,
        responses={200: QuoteOut, **WRITE},
    )
    def post(self, request: Request, batch_id: UUID) -> Response:
        """Quote the batch's open answers: cost by tier, who can do them and when, and what would widen the pool."""
        self.body(Nothing)
        _, quote = publishing.quote_batch(finding.one(self.rows(), batch_id), by=self.key, now=app_now())
        return Response(QuoteOut(quote).data)

    def rebuilt(self, object_id: str) -> Response:
        """Quote anew for an earlier request whose answer was not kept."""
        return Response(QuoteOut(quote_of(finding.by_id(self.rows(), object_id), app_now())).data)


class MoveBatch(BatchView):
    """One verb on a batch."""

    act: ClassVar[Callable[..., Batch]]

    def move(self, batch_id: UUID, **values: Any) -> Response:
        """Do the verb and show the batch."""
        batch = finding.one(self.rows(), batch_id)
        return Response(detailed(type(self).act(batch, by=self.key, now=app_now(), **values)))


class CancelBatch(MoveBatch):
    """Stop a batch."""

    act = staticmethod(publishing.cancel_batch)

    @extend_schema(
        operation_id="cancel_batch",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=CancelIn,
        responses={200: BatchDetail, **WRITE},
    )
    def post(self, request: Request, batch_id: UUID) -> Response:
        """Stop a batch: open work is void, work under way is closed out and paid, submitted work is decided."""
        return self.move(batch_id, **self.body(CancelIn))


def mover(name: str, act: Callable[..., Batch], sentence: str) -> type[MoveBatch]:
    """Make the view of one verb without a body: ``POST /batches/{id}:name``."""

    @extend_schema(
        operation_id=f"{name}_batch",
        tags=TAG,
        description=sentence,
        parameters=[IDEMPOTENCY],
        request=None,
        responses={200: BatchDetail, **WRITE},
    )
    def post(self: MoveBatch, request: Request, batch_id: UUID) -> Response:
        self.body(Nothing)
        return self.move(batch_id)

    return type(f"{name.title()}Batch", (MoveBatch,), {"act": staticmethod(act), "post": post, "__doc__": sentence})


LaunchBatch = mover("launch", publishing.launch_batch, "Hand the batch's tasks out to experts.")
PauseBatch = mover("pause", publishing.pause_batch, "Hand nothing more out; work under way goes on.")
ResumeBatch = mover("resume", publishing.resume_batch, "Hand work out again.")
DrainBatch = mover(
    "drain",
    publishing.drain_batch,
    "Take no more tasks, hand out what is there, and complete when it is decided.",
)


def _filtered(request: Request, rows: Any) -> Any:
    state = read_choice(request, "state", BatchState.values)
    return rows.filter(state=state) if state else rows
