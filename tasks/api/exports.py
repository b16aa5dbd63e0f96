"""Files of accepted work: asked for, watched, downloaded as a stream."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.db import app_now
from labs.doors import (
    GONE,
    IDEMPOTENCY,
    PAGING,
    READ,
    WRITE,
    LabView,
    file_of,
    keyset_page,
    page_of,
    refuse_unknown_parameters,
    rows_as,
)
from labs.models import Scope
from tasks import lab_queries
from tasks.actions.exporting import request_export
from tasks.api import finding
from tasks.exports import SHAPES
from tasks.exports.download import CONTENT_TYPES, file_response
from tasks.exports.manifest import manifest_of
from tasks.models import Export
from tasks.serializers.results import ExportIn, ExportOut, ManifestOut, SchemaOut

TAG = ["exports"]


def shown(export: Export) -> dict[str, Any]:
    """Show an export."""
    return dict(ExportOut(export).data)


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
        return Response(keyset_page(request, self.rows(), rows_as(ExportOut)))

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
            since=finding.since(values.get("since", ""), project, batch),
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
        responses={**file_of(*CONTENT_TYPES.values()), **GONE, **WRITE},
    )
    def get(self, request: Request, export_id: UUID) -> HttpResponseBase:
        """Download the file; the same bytes each time, and by Range the rest of a download that broke off."""
        refuse_unknown_parameters(request, ())
        export = finding.one(self.rows(), export_id)
        return file_response(request, export, by=self.key.public_id, at=app_now())


class ExportManifest(ExportView):
    """What an export holds, to be kept beside its file."""

    @extend_schema(operation_id="get_export_manifest", tags=TAG, responses={200: ManifestOut, **READ})
    def get(self, request: Request, export_id: UUID) -> Response:
        """Show a READY export's file with its rows, size and SHA-256, its schema, and what was asked for."""
        refuse_unknown_parameters(request, ())
        return Response(manifest_of(finding.one(self.rows(), export_id)))


class ExportSchemas(LabView):
    """The JSON Schemas of exported rows."""

    scopes = {"GET": None}

    @extend_schema(operation_id="list_export_schemas", tags=TAG, responses={200: SchemaOut(many=True), **READ})
    def get(self, request: Request) -> Response:
        """List every shape with the JSON Schema (2020-12) that each of its rows fits, by its `schema_id`."""
        refuse_unknown_parameters(request, ())
        return Response(
            [{"schema_id": shape.schema_id, "shape": name, "schema": shape.schema} for name, shape in SHAPES.items()]
        )
