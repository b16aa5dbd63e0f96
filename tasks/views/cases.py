"""Cases for an expert: ask a person about finished work, read the decision, ask for a second one."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from experts.cases import may_appeal
from experts.models import Case
from experts.states import CaseKind, CaseSide
from kernel.db import app_now
from kernel.errors import Invalid
from tasks import forms, rules
from tasks.actions import cases as actions
from tasks.models import Claim
from tasks.pages import bench
from tasks.pages import cases as page
from tasks.views.confidential import confidential, viewer

ROWS = 50
# What an expert may ask, in their words.
ASKS = (
    (CaseKind.REVIEW, "The rejection is wrong", "Overturned work counts as accepted in your record."),
    (CaseKind.TIME, "Time is missing", "Time within the cap that should have been paid is added."),
)


@login_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """List an expert's cases and where each stands."""
    expert = bench.expert_or_404(viewer(request))
    rows = Paginator(page.cases_of(expert), ROWS).get_page(request.GET.get("page"))
    return render(request, "tasks/cases.html", {"rows": rows})


@confidential
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """Ask a person about one piece of work."""
    claim, now = get_object_or_404(bench.claims_of(viewer(request)), pk=claim_id), app_now()
    open_to = [row for row in ASKS if not rules.why_no_case(claim, row[0], CaseSide.EXPERT, now)]
    if request.method != "POST":
        return _ask_page(request, claim, open_to, forms.CaseForm())
    form = forms.CaseForm(request.POST)
    if not form.is_valid():
        return _ask_page(request, claim, open_to, form, status=422)
    try:
        made = actions.open_case(claim.pk, by=claim.expert.user, expert=claim.expert, now=now, **form.cleaned_data)
    except Invalid as wrong:
        form.add_error("words", wrong.errors[0].detail)
        return _ask_page(request, claim, open_to, form, status=422)
    messages.success(request, "Asked. A person answers within three business days.")
    return redirect("tasks:case", made.pk)


def _ask_page(
    request: HttpRequest, claim: Claim, open_to: object, form: forms.CaseForm, *, status: int = 200
) -> HttpResponse:
    context = {"claim": claim, "asks": open_to, "form": form, "left": actions.seconds_left(claim)}
    return render(request, "tasks/case_ask.html", context, status=status)


@confidential
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Show a case with all that was written in it; a POST asks for a second person."""
    expert, now = bench.expert_or_404(viewer(request)), app_now()
    case = get_object_or_404(page.cases_of(expert), pk=case_id)
    if request.method != "POST":
        return _case_page(request, case, forms.AppealForm())
    form = forms.AppealForm(request.POST)
    if not form.is_valid():
        return _case_page(request, case, form, status=422)
    try:
        actions.appeal_case(case.pk, side=CaseSide.EXPERT, by=expert.user, now=now, **form.cleaned_data)
    except Invalid as wrong:
        form.add_error("words", wrong.errors[0].detail)
        return _case_page(request, case, form, status=422)
    messages.success(request, "A second person, who is another, answers within three business days.")
    return redirect("tasks:case", case.pk)


def _case_page(request: HttpRequest, case: Case, form: forms.AppealForm, *, status: int = 200) -> HttpResponse:
    claim, now = page.claim_of(case), app_now()
    context = {
        "case": case,
        "claim": claim,
        "said": page.read_by_expert(case, claim, now),
        "form": form,
        "can_appeal": may_appeal(case, CaseSide.EXPERT, actions.last_decision(case), now),
    }
    return render(request, "tasks/case.html", context, status=status)
