"""Files of accepted work: asked for, watched, downloaded as a stream."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from agreements.gate import open_for_lab
from kernel.db import app_now
from kernel.errors import Refused
from labs.doors import (
    IDEMPOTENCY,
    NDJSON,
    PAGING,
    READ,
    WRITE,
    LabView,
    keyset_page,
    page_of,
    refuse_unknown_parameters,
)
from labs.models import Scope
from tasks import lab_queries
from tasks.actions.exporting import request_export
from tasks.api import finding
from tasks.exports.files import read_frames
from tasks.models import Export
from tasks.serializers.results import ExportIn, ExportOut
from tasks.states import ExportState

TAG = ["exports"]


class NotReady(Refused):
    """The file is not there yet, or not any more."""

    code = "export_not_ready"


def shown(export: Export) -> dict[str, Any]:
    """Show an export."""
    return dict(ExportOut(export).data)


def stream(export: Export, *, by: str) -> HttpResponseBase:
    """Send a ready export's file; one access row is written before its first byte."""
    if export.state != ExportState.READY:
        raise NotReady(f"This export is {export.state.lower()}. Ask again when its state is READY.")
    frames = read_frames(export.file_name, key=bytes(export.project.data_key), about=export.public_id)
    opened = open_for_lab(
        export.lab,
        by=by,
        subject=export.public_id,
        purpose="download",
        at=app_now(),
        contents=frames,
        count=export.rows or 0,
    )
    response = StreamingHttpResponse(opened, content_type=NDJSON)
    response.headers["Content-Length"] = str(export.size_bytes or 0)
    response.headers["Content-Disposition"] = f'attachment; filename="{export.public_id}.jsonl"'
    response.headers["Repr-Digest"] = f"sha-256=:{b64encode(bytes.fromhex(export.sha256)).decode()}:"
    response.headers["Cache-Control"] = "no-store"
    return response


class ExportView(LabView):
    """A view about the caller's exports."""

    scopes = {"GET": Scope.RESULTS_READ, "POST": Scope.RESULTS_READ}

    def rows(self) -> Any:
        """List the caller's exports."""
        return lab_queries.exports_of(self.lab, self.key.mode)

    def rebuilt(self, object_id: str) -> Response:
        """Show the export that an earlier request asked for."""
        return Response(shown(finding.by_id(self.rows(), object_id)), status=202)


class Exports(ExportView):
    """All exports."""

    @extend_schema(
        operation_id="list_exports", tags=TAG, parameters=list(PAGING), responses={200: page_of(ExportOut), **READ}
    )
    def get(self, request: Request) -> Response:
        """List exports, newest first."""
        return Response(keyset_page(request, self.rows(), shown))

    @extend_schema(
        operation_id="create_export",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=ExportIn,
        responses={202: ExportOut, **WRITE},
    )
    def post(self, request: Request) -> Response:
        """Ask for a file of a project's or a batch's accepted work; it is READY within moments."""
        values = self.body(ExportIn)
        batch = None
        if "batch" in values:
            batch = finding.named(lab_queries.batches_of(self.lab, self.key.mode), values["batch"], "/batch")
            project = batch.project
        else:
            project = finding.named(lab_queries.projects_of(self.lab, self.key.mode), values["project"], "/project")
        export = request_export(
            project,
            batch=batch,
            shape=values["shape"],
            since=values.get("since"),
            file_format=values["format"],
            by=self.key,
            now=app_now(),
        )
        return Response(shown(export), status=202)


class OneExport(ExportView):
    """One export."""

    @extend_schema(operation_id="get_export", tags=TAG, responses={200: ExportOut, **READ})
    def get(self, request: Request, export_id: UUID) -> Response:
        """Show an export: its state, progress and, once READY, its rows, size and SHA-256."""
        refuse_unknown_parameters(request, ())
        return Response(shown(finding.one(self.rows(), export_id)))


class Download(ExportView):
    """The file of an export."""

    @extend_schema(
        operation_id="download_export",
        tags=TAG,
        responses={(200, NDJSON): OpenApiTypes.BINARY, **WRITE},
    )
    def get(self, request: Request, export_id: UUID) -> HttpResponseBase:
        """Download the file as JSON Lines; the same bytes each time."""
        refuse_unknown_parameters(request, ())
        return stream(finding.one(self.rows(), export_id), by=self.key.public_id)
