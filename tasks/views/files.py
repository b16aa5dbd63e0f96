"""The files of a task, served to whoever has it in hand."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from kernel.db import app_now
from tasks import content
from tasks.pages import bench, material_files
from tasks.states import ClaimState
from tasks.views.confidential import as_file, confidential, viewer


@confidential
@login_required
@require_safe
def file(request: HttpRequest, claim_id: UUID, file_id: UUID) -> HttpResponse:
    """Serve one file that the task of a live claim shows: a picture on the page, a document to keep apart from it."""
    now = app_now()
    own = bench.claims_of(viewer(request)).filter(state=ClaimState.WORKING, lease_until__gt=now)
    claim = get_object_or_404(own, pk=claim_id)
    payload = content.open_task(claim, claim.expert.user, now, purpose=claim.kind)
    found = get_object_or_404(material_files.files_of(claim.project, payload), pk=file_id)
    body = content.open_file(claim, found, claim.expert.user, now)
    return as_file(HttpResponse(body), found, is_inline=found.is_image)
