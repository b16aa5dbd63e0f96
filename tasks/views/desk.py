"""The cases desk: a queue by when an answer is due, the evidence, and one decision with its reasons."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.rules import is_trust
from experts.models import Case
from experts.states import CaseKind, CaseOutcome, CaseState
from kernel.db import app_now
from kernel.errors import Invalid
from kernel.ids import BadId
from tasks import forms, rules
from tasks.actions import cases as actions
from tasks.kinds import registry
from tasks.models import Claim
from tasks.pages import cases as page
from tasks.views.confidential import confidential, viewer
from tasks.views.material import material_of

P = ParamSpec("P")


def trust_only(view: Callable[Concatenate[HttpRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """Let trust operators in, and nobody else."""

    @wraps(view)
    def serve(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not is_trust(request.user):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return login_required(serve)


@require_safe
@trust_only
def queue(request: HttpRequest) -> HttpResponse:
    """Open the case whose answer is due first."""
    first = page.waiting_cases().first()
    return _desk(request, None) if first is None else redirect("tasks:case_desk_one", first.pk)


@require_safe
@confidential
@trust_only
def one(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Show one case beside the queue; what was written opens for those who may decide it."""
    return _desk(request, get_object_or_404(page.desk_cases(), pk=case_id))


@require_POST
@trust_only
def take(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Take a case on."""
    case = get_object_or_404(Case, pk=case_id)
    actions.take_case(case.pk, by=viewer(request), now=app_now())
    return redirect("tasks:case_desk_one", case.pk)


@require_POST
@trust_only
def give_back(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Leave a case to somebody else, undecided."""
    case = get_object_or_404(Case, pk=case_id)
    actions.give_case_back(case.pk, by=viewer(request), now=app_now())
    return redirect("tasks:case_desk")


@require_POST
@confidential
@trust_only
def decide(request: HttpRequest, case_id: UUID) -> HttpResponse:
    """Decide a case that is in this person's hands."""
    case, form = get_object_or_404(page.desk_cases(), pk=case_id), forms.CaseDecisionForm(request.POST)
    if not form.is_valid():
        return _desk(request, case, form, status=422)
    given = form.cleaned_data
    seconds = (given["minutes"] or 0) * 60
    try:
        actions.decide_case(
            case.pk,
            by=viewer(request),
            outcome=given["outcome"],
            seconds=seconds,
            reasons=given["reasons"],
            now=app_now(),
        )
    except Invalid as wrong:
        form.add_error("minutes" if wrong.errors[0].pointer == "/seconds" else "reasons", wrong.errors[0].detail)
        return _desk(request, case, form, status=422)
    messages.success(request, f"{CaseOutcome(given['outcome']).label}. Both sides can read your reasons.")
    return redirect("tasks:case_desk")


@require_http_methods(["GET", "HEAD", "POST"])
@trust_only
def withhold(request: HttpRequest) -> HttpResponse:
    """Ask that pay be withheld; somebody else decides."""
    form = forms.WithholdForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(request, "tasks/case_withhold.html", {"form": form}, status=422 if form.is_bound else 200)
    try:
        claim_id = Claim.parse_id(form.cleaned_data["claim"])
        get_object_or_404(Claim, pk=claim_id)
        case = actions.open_case(
            claim_id, kind=CaseKind.WITHHOLDING, by=viewer(request), words=form.cleaned_data["words"], now=app_now()
        )
    except (BadId, Http404):
        form.add_error("claim", "There is no such claim. Its id begins with clm_.")
    except Invalid as wrong:
        form.add_error("words", wrong.errors[0].detail)
    else:
        return redirect("tasks:case_desk_one", case.pk)
    return render(request, "tasks/case_withhold.html", {"form": form}, status=422)


def _desk(
    request: HttpRequest, case: Case | None, form: forms.CaseDecisionForm | None = None, *, status: int = 200
) -> HttpResponse:
    context: dict[str, object] = {
        "waiting": page.waiting_cases(),
        "lately": page.decided_lately(),
        "case": case,
        "now": app_now(),
    }
    if case is not None:
        context |= _opened(case, viewer(request)) | {"form": form or forms.CaseDecisionForm()}
    return render(request, "tasks/case_desk.html", context, status=status)


def _opened(case: Case, user: User) -> dict[str, object]:
    """Open a case and its work for somebody who may decide it; others see where it stands."""
    claim, now = page.claim_of(case), app_now()
    refusal = rules.why_not_judge(user, case, claim)
    shown: dict[str, object] = {"claim": claim, "refusal": refusal, "holds": _holder(case) == user.pk}
    if refusal:
        return shown
    work, kind = page.work_at_desk(case, claim, user, now), registry.get(claim.project.kind)
    text_name = forms.FIELDS_OF_TEXT.get(kind.name, ("", ""))[0]
    return shown | {
        "said": page.read_at_desk(case, claim, user, now),
        "work": work,
        "kind": kind,
        "material": material_of(kind, work.payload) if work else None,
        "answer_text": str(work.response.get(text_name, "")) if work and text_name else "",
        "left_minutes": actions.seconds_left(claim) // 60,
        "adds_time": case.kind in (CaseKind.REVIEW, CaseKind.TIME),
    }


def _holder(case: Case) -> UUID | None:
    return {CaseState.WITH_FIRST: case.first_id, CaseState.WITH_SECOND: case.second_id}.get(CaseState(case.state))
