"""Probes that belong to no app, and the demo's own receiver of webhooks."""

from __future__ import annotations

from typing import Final

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts.queries import oldest_due_seconds

log = structlog.get_logger(__name__)

LATE_SECONDS: Final = 300


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that the process answers, asking nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether the database answers and how long the oldest due effect has waited."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT shift = interval '0' FROM app_clock")
            is_clock_true = cursor.fetchone() == (True,)
        late = round(oldest_due_seconds())
    except DatabaseError as error:
        log.warning("readyz.database_away", error=type(error).__name__)
        return JsonResponse({"database": "away"}, status=503)
    parts = {"database": "ok", "outbox_oldest_seconds": late, "clock": "true" if is_clock_true else "moved"}
    return JsonResponse(parts, status=200 if late < LATE_SECONDS else 503)


def unreadable(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer what no page can: a request refused before it was known who sent it, such as one for another host.

    Nothing about the visitor is asked, as there may be no session yet.
    """
    if request.path.startswith("/api/"):
        told = {"type": "urn:guildhall:problem:unreadable", "title": "Bad request", "status": 400, "code": "unreadable"}
        detail = "The request cannot be read: check its Host and its headers."
        return JsonResponse({**told, "detail": detail}, status=400, content_type="application/problem+json")
    return HttpResponse(render_to_string("400.html"), status=400)


@csrf_exempt  # It takes nothing and changes nothing.
@require_POST
def receiver(request: HttpRequest) -> HttpResponse:
    """Take any webhook, where a demo has no lab's server to call."""
    if not settings.HAS_RECEIVER:
        raise Http404
    return HttpResponse(status=204)
