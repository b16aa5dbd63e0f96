"""The emergency stop of payouts: who threw it and why, and the form that throws or lifts it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.doors import operator_required, recently_authenticated, signed_in
from kernel.db import app_now
from payments import actions
from payments.forms import ReasonForm
from payments.queries.standstill import stop_in_force, stops_so_far
from payments.rules import can_stop_payouts, why_not_lift


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@recently_authenticated
@operator_required(can_stop_payouts)
def stop(request: HttpRequest) -> HttpResponse:
    """Show whether payouts are stopped, and stop them."""
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        actions.stop_payouts(by=signed_in(request), reason=form.cleaned_data["reason"], now=app_now())
        messages.success(request, "Payouts are stopped: nothing more is sent. Another person lifts the stop.")
        return redirect("payments:stop")
    return _show(request, form)


@require_POST
@recently_authenticated
@operator_required(can_stop_payouts)
def lift(request: HttpRequest) -> HttpResponse:
    """Lift a stop that another person has thrown."""
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _show(request, form)
    actions.lift_stop(by=signed_in(request), reason=form.cleaned_data["reason"], now=app_now())
    messages.success(request, "The stop is lifted. Runs that were paused wait for somebody to resume them.")
    return redirect("payments:stop")


def _show(request: HttpRequest, form: ReasonForm) -> HttpResponse:
    in_force = stop_in_force()
    why_not = why_not_lift(signed_in(request), in_force) if in_force else ""
    context = {"stop": in_force, "why_not": why_not, "form": form, "stops": stops_so_far()}
    return render(request, "payments/stop.html", context, status=422 if form.errors else 200)
