"""The journal for the bookkeeper: batches that were locked, and what waits for the next one."""

from __future__ import annotations

import zlib
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.doors import operator_required, signed_in
from accounts.rules import is_finance
from kernel.db import app_now
from payments import actions
from payments.models import JournalBatch
from payments.queries.batches import batches, entries_waiting

ROWS = 50


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@operator_required(is_finance)
def journal(request: HttpRequest) -> HttpResponse:
    """List the batches; a POST locks the next one."""
    if request.method == "POST":
        batch = actions.lock_journal_batch(by=signed_in(request), now=app_now())
        messages.success(request, f"Batch {batch.number} is locked: {batch.entry_count:,} entries. Download it below.")
        return redirect("payments:journal")
    page = Paginator(batches(), ROWS).get_page(request.GET.get("page"))
    return render(request, "payments/journal.html", {"rows": page, "waiting": entries_waiting()})


@require_safe
@never_cache
@operator_required(is_finance)
def journal_csv(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Hand out a batch, in the bytes in which it was locked."""
    batch = get_object_or_404(JournalBatch, pk=batch_id)
    response = HttpResponse(zlib.decompress(batch.content), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="guildhall-journal-{batch.number:05d}.csv"'
    return response
