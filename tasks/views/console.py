"""The lab's console beside its work: the way to the first batch, and where the money went."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.doors import login_required
from kernel.csv_files import csv_response
from kernel.db import app_now
from labs import rules as lab_rules
from labs.models import Lab, Member
from labs.queries import acting_membership
from tasks import spending
from tasks.forms import SpendForm
from tasks.models import Project
from tasks.pages import console as page

CURRENCY = "USD"


def _membership(request: HttpRequest) -> Member:
    """Return the membership the console acts under; to anyone else its pages do not exist."""
    membership = acting_membership(request)
    if membership is None:
        raise Http404
    return membership


@require_safe
@never_cache
@login_required
def start(request: HttpRequest) -> HttpResponse:
    """Show the way to the first batch: what is done, what is next, and lines that run with the lab's own ids."""
    membership = _membership(request)
    way = page.way_of(membership.lab, app_now())
    context = {
        "lab": membership.lab,
        "can_manage": lab_rules.can_manage(membership),
        "way": way,
        "project": way.project.public_id if way.project else "$PROJECT",
        "payload": page.sample_payload(way),
        "public_url": settings.PUBLIC_URL,
    }
    return render(request, "tasks/start.html", context)


@require_safe
@never_cache
@login_required
def spend(request: HttpRequest) -> HttpResponse:
    """Show what was spent, by week as a chart and cut as the reader asks, as a table."""
    lab = _membership(request).lab
    form = SpendForm(request.GET or None, projects=spending.projects_of(lab, CURRENCY))
    rows = _rows(lab, form)
    columns = page.week_columns(_rows(lab, form, ["week"]), CURRENCY)
    context = {
        "lab": lab,
        "form": form,
        "rows": rows[: page.SHOWN_ROWS],
        "has_more": len(rows) > page.SHOWN_ROWS,
        "total": page.total_of(rows, CURRENCY),
        "by": form.by(),
        "columns": columns,
        "chart_label": "Spend by week. " + ", ".join(f"{each.label}: {each.parts[0].label}" for each in columns),
        "query": request.GET.urlencode(),
    }
    return render(request, "tasks/spend.html", context, status=422 if form.errors else 200)


@require_safe
@never_cache
@login_required
def spend_csv(request: HttpRequest) -> HttpResponse:
    """Give the same rows as a file for a spreadsheet."""
    lab = _membership(request).lab
    form = SpendForm(request.GET or None, projects=spending.projects_of(lab, CURRENCY))
    return csv_response(spending.csv_rows(_rows(lab, form), CURRENCY), "spend.csv")


def _rows(lab: Lab, form: SpendForm, by: list[str] | None = None) -> list[spending.SpendRow]:
    chosen = form.chosen()
    project: UUID | None = chosen["project"]
    return spending.spend_rows(
        lab,
        CURRENCY,
        by=by or form.by(),
        project=Project(pk=project).public_id if project else None,
        since=chosen["since"],
        until=chosen["until"],
    )
