"""Serve HTMX and plain browsers by one view; show refusals; know the visitor's address."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string

from kernel.errors import Busy, Invalid, Refused

HELD_BY_OTHERS = frozenset({"40001", "40P01", "55P03"})  # Serialization failure, deadlock, lock not available.
SWAMPED = frozenset({"57014", "53300"})  # Statement timeout, too many connections.
BUSY_SECONDS = 2
SWAMPED_SECONDS = 5


def client_ip(request: HttpRequest) -> str | None:
    """Return the visitor's address: the one our own outermost proxy saw."""
    hops: int = settings.TRUSTED_PROXY_COUNT
    header = str(request.META.get("HTTP_X_FORWARDED_FOR", ""))
    forwarded = [part.strip() for part in header.split(",") if part.strip()]
    if hops and len(forwarded) >= hops:
        return forwarded[-hops]
    return str(request.META.get("REMOTE_ADDR") or "") or None


def is_htmx(request: HttpRequest) -> bool:
    """Does HTMX ask, so that a fragment is wanted?"""
    return request.headers.get("HX-Request") == "true"


def fragment_or_redirect(request: HttpRequest, template: str, context: Mapping[str, Any], *, to: str) -> HttpResponse:
    """Answer a done POST: HTMX gets the fragment to swap, a plain browser is sent to ``to``."""
    if is_htmx(request):
        return render(request, template, dict(context))
    return HttpResponseRedirect(to)


def as_busy(error: BaseException) -> Busy | None:
    """Return the refusal that a database error means: rows held by others, or a database that is not there."""
    if isinstance(error, InterfaceError):
        return Busy("The database is being restarted. Please try again.", retry_after=BUSY_SECONDS)
    if not isinstance(error, OperationalError):
        return None
    state = getattr(error.__cause__, "sqlstate", None)
    if state in HELD_BY_OTHERS:
        return Busy("Somebody else is changing the same thing. Please try again.", retry_after=BUSY_SECONDS)
    if state in SWAMPED:
        return Busy("The database has too much to do at the moment. Please try again.", retry_after=SWAMPED_SECONDS)
    if state is None or state.startswith(("08", "57P")):
        return Busy("The database is being restarted. Please try again.", retry_after=BUSY_SECONDS)
    return None


def show_refusal(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Answer a refusal as the asker reads it: JSON for scripts, a fragment for HTMX, else a page."""
    context = {"status": refused.status, "code": refused.code, "title": _title(refused), "detail": refused.detail}
    response: HttpResponse
    if "application/json" in request.headers.get("Accept", ""):
        errors = [vars(error) for error in refused.errors] if isinstance(refused, Invalid) else []
        response = JsonResponse({**context, "errors": errors}, status=refused.status)
    elif isinstance(refused, Busy):
        # No request, no context processors: they would ask the database that is busy.
        response = HttpResponse(render_to_string("error_busy.html", context), status=refused.status)
    else:
        template = "error_fragment.html" if is_htmx(request) else "error.html"
        response = render(request, template, context, status=refused.status)
    if isinstance(refused, Busy):
        response["Retry-After"] = str(refused.retry_after)
    response["Cache-Control"] = "no-store"
    return response


class PolicyMiddleware(CSPMiddleware):
    """django-csp's, with the site's own policy put together once; a view that says otherwise still may."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Say what the page may load and run."""
        if any(name.startswith("_csp_") for name in vars(response)):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, _site_policy())
        return response


@cache
def _site_policy() -> str:
    return build_policy()


class RefusedMiddleware:
    """Turn what a view refuses, and a database that is busy, into an answer with its status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer refusals; let mistakes crash."""
        refused = error if isinstance(error, Refused) else as_busy(error)
        return show_refusal(request, refused) if refused else None


def _title(refused: Refused) -> str:
    return {422: "Something needs correcting", 503: "Please try again in a moment"}.get(
        refused.status, "That is not possible now"
    )
