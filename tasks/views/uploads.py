"""Upload a file of tasks in the console: the same lines, checks and staging as POST /batches/{id}/tasks."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from kernel.csv_files import csv_lines
from kernel.db import app_now
from kernel.errors import Refused
from labs import rules as lab_rules
from labs.doors import NDJSON
from labs.queries import acting_membership
from tasks import forms
from tasks.actions import ingest
from tasks.actions.ingest import LineError, Tally
from tasks.actions.posting import posting_to
from tasks.api.bodies import BodyLines
from tasks.models import Batch, IngestRun
from tasks.pages import lab as page
from tasks.views.confidential import viewer

MOST_IN_MEMORY: Final = 32 * 1024 * 1024  # Without a script. Nothing that labs send waits unsealed on a disk.
MOST_SHOWN: Final = 50
COLUMNS: Final = ("line", "external_id", "code", "pointer", "detail")


@dataclass
class Uploaded:
    """What became of an upload: what is wrong with it as a whole, or with which lines."""

    run: IngestRun | None = None
    refusal: str = ""
    tally: Tally = field(default_factory=Tally)

    @property
    def shown(self) -> list[LineError]:
        """Return the first errors, by line."""
        return self._sorted()[:MOST_SHOWN]

    @property
    def is_cut(self) -> bool:
        """Tell whether there are more errors than are kept."""
        return len(self.tally.errors) >= ingest.MAX_SHOWN_ERRORS

    @property
    def error_file(self) -> str:
        """Return every kept error as CSV, as an address that a link downloads."""
        rows = [COLUMNS, *([str(error[name]) for name in COLUMNS] for error in self._sorted())]
        text = "".join(csv_lines(rows)).encode()
        return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(text).decode()}"

    def _sorted(self) -> list[LineError]:
        return sorted(self.tally.errors, key=lambda error: int(error["line"]))


class HeldInMemory(FileUploadHandler):
    """Keep an uploaded file in memory, and no more of it than the limit."""

    is_too_large = False

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin."""
        super().new_file(*args, **kwargs)
        self.parts: list[bytes] = []
        self.held = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep a chunk; past the limit the rest is read and dropped."""
        self.held += len(raw_data)
        if self.held > MOST_IN_MEMORY:
            self.is_too_large = True
            raise StopUpload(connection_reset=False)
        self.parts.append(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        """Return the file whole."""
        whole = BytesIO(b"".join(self.parts))
        return InMemoryUploadedFile(
            whole, self.field_name, self.file_name or "", self.content_type, file_size, self.charset
        )


@require_POST
@csrf_exempt  # Checked by what it calls, once it is said where the file goes.
@login_required
def upload(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Post a file of tasks to a batch: as it is by the page's script, or in a form without one."""
    request.upload_handlers = [HeldInMemory(request)]
    answer: HttpResponse = _upload(request, batch_id)
    return answer


@csrf_protect
def _upload(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    membership = acting_membership(request)
    if membership is None:
        raise Http404
    own = get_object_or_404(page.batches_of(membership.lab), pk=batch_id)
    if not lab_rules.can_manage(membership):
        raise PermissionDenied
    is_scripted = request.content_type == NDJSON
    form = forms.UploadForm(request.GET) if is_scripted else forms.UploadForm(request.POST, request.FILES)
    done = Uploaded(refusal=_why_not(request, form, is_scripted=is_scripted))
    if not done.refusal:
        source = request if is_scripted else form.cleaned_data["tasks"].read()
        _take(own, done, BodyLines(source, on_chunk=lambda: None, is_hashed=False), form.cleaned_data["mode"], request)
    name = "tasks/_upload_result.html" if is_scripted else "tasks/lab_upload.html"
    context = {"batch": own, "project": own.project, "done": done}
    return render(request, name, context, status=422 if done.refusal else 200)


def _why_not(request: HttpRequest, form: forms.UploadForm, *, is_scripted: bool) -> str:
    if not is_scripted and any(getattr(each, "is_too_large", False) for each in request.upload_handlers):
        limit = MOST_IN_MEMORY // 1024**2
        return f"Without JavaScript a file has at most {limit} MB. Turn it on, split the file, or post it by API."
    if not form.is_valid():
        return " ".join(str(error) for errors in form.errors.values() for error in errors)
    file = form.cleaned_data["tasks"]
    return "" if is_scripted or (file and file.size) else "Choose a file with one task a line."


def _take(
    batch: Batch, done: Uploaded, lines: Iterable[tuple[int, bytes | None]], mode: str, request: HttpRequest
) -> None:
    """Stage and merge the lines; what is refused is said, and nothing of it stays."""
    by = viewer(request)
    try:
        with posting_to(batch, ingest_mode=mode, key="", by=by) as posting:
            done.tally = posting.tally
            posting.take(lines)
            done.run = ingest.merge_ingest(posting.run, posting.tally, by=by, now=app_now())
    except Refused as refused:
        done.refusal = str(refused)
