"""Corrections of the books: one person asks, another one decides."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.doors import operator_required, recently_authenticated, signed_in
from accounts.rules import is_finance
from kernel.db import app_now
from payments import actions
from payments.forms import CorrectionForm, ReasonForm
from payments.queries import corrections as queries

ROWS = 50


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@recently_authenticated
@operator_required(is_finance)
def corrections(request: HttpRequest) -> HttpResponse:
    """List corrections; a POST asks for one."""
    form = CorrectionForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        actions.request_correction(
            debit=data["debit"], credit=data["credit"], lab=data["lab"], amount=form.money(), reason=data["reason"],
            by=signed_in(request), now=app_now(),
        )  # fmt: skip
        messages.success(request, "It waits for another person of finance.")
        return redirect("payments:corrections")
    page = Paginator(queries.corrections(), ROWS).get_page(request.GET.get("page"))
    context = {"rows": page, "shown": queries.correction_rows(list(page), signed_in(request)), "form": form}
    return render(request, "payments/corrections.html", context, status=422 if form.errors else 200)


@require_POST
@recently_authenticated
@operator_required(is_finance)
def decide(request: HttpRequest, correction_id: UUID, verb: str) -> HttpResponse:
    """Post a correction that another person asked for, refuse it, or take one's own back."""
    correction = get_object_or_404(queries.corrections(), pk=correction_id)
    by, now = signed_in(request), app_now()
    if verb == "post":
        actions.post_correction(correction, by=by, now=now)
        messages.success(request, "It is posted.")
    elif verb == "refuse":
        form = ReasonForm(request.POST)
        if form.is_valid():
            actions.refuse_correction(correction, by=by, reason=form.cleaned_data["reason"], now=now)
            messages.success(request, "It is not posted.")
        else:
            messages.error(request, "Say why, in at least three characters.")
    else:
        raise Http404
    return redirect("payments:corrections")
