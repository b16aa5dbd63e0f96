"""Papers to keep: one address for whoever they are for."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.doors import login_required, signed_in
from experts.queries import expert_of
from labs.queries import acting_membership
from payments import queries


@require_safe
@never_cache
@login_required
def document(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Hand out a paper, in the bytes in which it was issued."""
    user, membership = signed_in(request), acting_membership(request)
    seen = queries.documents_seen_by(user, lab=membership.lab if membership else None, expert=expert_of(user))
    paper = get_object_or_404(seen, pk=document_id)
    response = HttpResponse(bytes(paper.pdf), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{paper.label}.pdf"'
    return response
