"""Files of tasks: uploaded first, then referenced by id from payloads."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
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
    file_of,
    keyset_page,
    page_of,
    refuse_unknown_parameters,
    rows_as,
)
from labs.models import Scope
from tasks import content, lab_queries
from tasks.actions import files
from tasks.api import finding
from tasks.cleaning.bounds import MAX_FILE_BYTES, MEDIA_TYPES
from tasks.models import File
from tasks.serializers.files import FileOut
from tasks.views.confidential import as_file

TAG = ["files"]
ANY_BYTES = "application/octet-stream"


def shown(file: File) -> dict[str, Any]:
    """Show a file."""
    return dict(FileOut(file).data)


class FileView(LabView):
    """A view about the caller's files."""

    scopes = {"GET": None, "POST": Scope.TASKS_WRITE, "DELETE": Scope.TASKS_WRITE}

    def rows(self) -> Any:
        """List the caller's files."""
        return lab_queries.files_of(self.lab, self.key.mode)


class Files(FileView):
    """All files."""

    max_body_bytes = MAX_FILE_BYTES
    content_types = (ANY_BYTES, *MEDIA_TYPES)

    @extend_schema(
        operation_id="list_files", tags=TAG, parameters=list(PAGING), responses={200: page_of(FileOut), **READ}
    )
    def get(self, request: Request) -> Response:
        """List files, newest first."""
        return Response(keyset_page(request, self.rows(), rows_as(FileOut)))

    @extend_schema(
        operation_id="upload_file",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request={ANY_BYTES: OpenApiTypes.BINARY},
        responses={201: FileOut, **WRITE},
    )
    def post(self, request: Request) -> Response:
        """Upload a PNG, JPEG, WebP or PDF of up to 20 MB: the body is the file, and nothing else.

        `Content-Type` is the file's own or `application/octet-stream`; its content decides. What is kept is written
        anew: images without metadata, PDFs without scripts, actions, attachments and metadata, up to 500 pages. What
        cannot be made safe is refused with 422 `file_refused`, and `errors` says why.
        """
        refuse_unknown_parameters(request, ())
        declared = str(request._request.content_type)
        file = files.store_file(
            self.lab,
            mode=self.key.mode,
            raw=self.raw,
            declared="" if declared == ANY_BYTES else declared,
            by=self.key,
            now=app_now(),
        )
        return Response(shown(file), status=201)

    def rebuilt(self, object_id: str) -> Response:
        """Show the file that an earlier request stored."""
        return Response(shown(finding.by_id(self.rows(), object_id)), status=201)


class OneFile(FileView):
    """One file."""

    @extend_schema(operation_id="get_file", tags=TAG, responses={200: FileOut, **READ})
    def get(self, request: Request, file_id: UUID) -> Response:
        """Show a file: its type, size and the SHA-256 of what is served."""
        refuse_unknown_parameters(request, ())
        return Response(shown(finding.one(self.rows(), file_id)))

    @extend_schema(operation_id="delete_file", tags=TAG, request=None, responses={204: None, **WRITE})
    def delete(self, request: Request, file_id: UUID) -> Response:
        """Erase a file with its key; tasks that reference it say that it is gone."""
        refuse_unknown_parameters(request, ())
        files.erase_file(finding.one(self.rows(), file_id), by=self.key, now=app_now())
        return Response(status=204)


class Content(FileView):
    """The bytes of a file."""

    @extend_schema(operation_id="download_file", tags=TAG, responses={**file_of(*MEDIA_TYPES), **READ})
    def get(self, request: Request, file_id: UUID) -> HttpResponseBase:
        """Download a file as it is served to experts."""
        refuse_unknown_parameters(request, ())
        file = finding.one(self.rows().defer(None), file_id)
        body = content.open_file_for_lab(file, self.key.public_id, app_now())
        return as_file(HttpResponse(body), file, is_inline=False)
