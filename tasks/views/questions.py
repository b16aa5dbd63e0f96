"""Questions: an expert asks from the bench and reads the answers; the lab answers in its console."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kernel.db import app_now
from labs.models import Lab
from labs.queries import acting_lab
from tasks import forms
from tasks.actions import questions as actions
from tasks.models import Claim, WorkKind
from tasks.pages import bench
from tasks.pages import lab as console
from tasks.pages import questions as page
from tasks.states import ClaimState
from tasks.views.confidential import confidential, viewer

ROWS = 50


@confidential
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def on_claim(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """Show the questions on the claim's project, apart from the bench; a POST asks one and goes back to it."""
    rows = bench.claims_of(viewer(request)).filter(state=ClaimState.WORKING)
    claim = get_object_or_404(rows, pk=claim_id)
    if request.method == "POST":
        form = forms.QuestionForm(request.POST)
        forms.require_valid(form)
        actions.ask_question(claim.pk, expert=claim.expert, now=app_now(), **form.cleaned_data)
        messages.success(request, "Asked. You hear of the answer in your inbox; it stands under Questions here.")
        return redirect(_bench_of(claim), claim.pk)
    context = {"claim": claim, "questions": page.shown_on_bench(claim, app_now())}
    return render(request, "tasks/questions_on_claim.html", context)


def _bench_of(claim: Claim) -> str:
    return "tasks:review" if claim.kind == WorkKind.REVIEW else "tasks:workbench"


@confidential
@login_required
@require_safe
def asked(request: HttpRequest) -> HttpResponse:
    """Show an expert what they asked, in every project, with the answers."""
    expert = bench.expert_or_404(viewer(request))
    return render(request, "tasks/questions_asked.html", {"questions": page.asked_by(expert, app_now())})


@confidential
@login_required
@require_safe
def of_project(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Show a lab the questions on one of its projects, those that wait first."""
    lab = _lab(request)
    own = get_object_or_404(console.projects_of(lab), pk=project_id)
    waiting_first = page.questions_of_lab(lab).filter(project=own).order_by("-answered_at", "-pk")
    rows = Paginator(waiting_first, ROWS).get_page(request.GET.get("page"))
    by, found = viewer(request).public_id, list(rows)
    opened = page.opened_for_lab(found, lab, by=by, subject=own.public_id, now=app_now()) if found else []
    context = {"lab": lab, "project": own, "rows": rows, "questions": opened}
    return render(request, "tasks/lab_questions.html", context)


@login_required
@require_POST
def answer(request: HttpRequest, question_id: UUID) -> HttpResponse:
    """Answer a question, for its asker or for everybody on the project."""
    question = get_object_or_404(page.questions_of_lab(_lab(request)), pk=question_id)
    form = forms.AnswerForm(request.POST)
    forms.require_valid(form)
    actions.answer_question(question, by=viewer(request), now=app_now(), **form.cleaned_data)
    messages.success(request, "Answered. The expert is told that there is an answer.")
    return redirect("tasks:questions", question.project_id)


def _lab(request: HttpRequest) -> Lab:
    """Return the lab this person acts for; to anyone else the console does not exist."""
    lab = acting_lab(request)
    if lab is None:
        raise Http404
    return lab
