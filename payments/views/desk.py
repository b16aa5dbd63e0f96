"""The payout desk: the week's plan, runs, and one run with all that its approver must see."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.doors import operator_required, signed_in
from accounts.models import User
from accounts.rules import is_finance
from kernel.csv_files import csv_response
from kernel.db import app_now
from payments import actions, queries
from payments.forms import BuildForm
from payments.models import PayLine, PayoutItem, PayoutRun
from payments.planning import payable_lines, plan_run
from payments.queries.runs import run_csv_rows
from payments.queries.standstill import why_standing_still
from payments.rates import week_of


@require_safe
@never_cache
@operator_required(is_finance)
def runs(request: HttpRequest) -> HttpResponse:
    """Show what the last full week would pay, before anything is built, and every run so far."""
    now = app_now()
    week = week_of(now) - timedelta(days=7)
    rows = queries.run_rows(request.user)
    built = next((row for row in rows if row.run.week_start == week and row.run.state != "CANCELLED"), None)
    plan = None if built else plan_run(list(payable_lines(week)), week, now=now)
    context = {
        "rows": rows,
        "plan": plan,
        "week_end": week + timedelta(days=6),
        "built": built,
        "standstill": why_standing_still(),
    }
    return render(request, "payments/runs.html", context)


@require_POST
@operator_required(is_finance)
def build(request: HttpRequest) -> HttpResponse:
    """Build a week's run, as a draft."""
    form = BuildForm(request.POST)
    if not form.is_valid():
        messages.error(request, "That is not a week.")
        return redirect("payments:runs")
    made = actions.build_run(form.cleaned_data["week_start"], by=signed_in(request), now=app_now())
    messages.success(request, f"Run {made.number} is built. Look it over, then submit it for approval.")
    return redirect("payments:run", made.pk)


@require_safe
@never_cache
@operator_required(is_finance)
def run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Show one run: what is unusual first, every item, and who may approve."""
    shown = get_object_or_404(queries.runs_seen_by(request.user), pk=run_id)
    page = queries.run_page(shown, signed_in(request), app_now())
    opened = next((item for item in page.items if item.public_id == request.GET.get("open")), None)
    context = {
        "desk": page,
        "standstill": why_standing_still(),
        "run": shown,
        "people": _people(page, request),
        "opened": opened,
        "lines": _lines(opened),
    }
    return render(request, "payments/run.html", context)


@require_safe
@operator_required(is_finance)
def run_csv(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Hand out a run's items as CSV."""
    shown = get_object_or_404(queries.runs_seen_by(request.user), pk=run_id)
    return csv_response(run_csv_rows(shown, signed_in(request)), f"guildhall-run-{shown.number}.csv")


def _lines(item: PayoutItem | None) -> list[PayLine]:
    return list(item.lines.order_by("decided_at", "id")) if item else []


def _people(page: queries.RunPage, request: HttpRequest) -> list[dict[str, object]]:
    """Return who built, who approved, and what the viewer may do, as the approval panel shows them."""
    shown: PayoutRun = page.run
    people: list[dict[str, object]] = [_person(shown.built_by, "built it", shown.built_at)]
    people += [_person(each.user, "approved", each.approved_at) for each in page.approvals]
    if shown.state == "PENDING_APPROVAL":
        viewer = signed_in(request)
        note = " ".join(page.why_not) or "You built, changed and receive nothing in it"
        did = "may not approve" if page.why_not else "may approve"
        people.append({"initials": viewer.initials, "name": "You", "did": did, "note": note, "is_empty": True})
    return people


def _person(user: User, did: str, at: datetime) -> dict[str, object]:
    return {"initials": user.initials, "name": user.get_full_name(), "did": did, "at": at}
