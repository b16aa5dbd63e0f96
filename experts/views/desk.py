"""The vetting desk: queue, evidence, decision."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from experts import actions, queries
from experts.forms import DecisionForm, GrantForm, MarkForm, ReasonForm, VerdictForm
from experts.views.desk_page import DeskForms, desk_page, operator_of, queue_context, seen
from kernel.db import app_now

DECISIONS = {
    "more": (actions.ask_for_more, "Sent back. They are told what you want."),
    "decline": (actions.decline_application, "Declined. They are told why."),
}


@require_GET
@login_required
def vetting(request: HttpRequest) -> HttpResponse:
    """Show the queue with its oldest application opened."""
    operator = operator_of(request)
    queue = queries.queue(operator, app_now())
    if queue.rows and not request.GET.get("q"):
        return redirect("experts:vetting_one", queue.rows[0].application.pk)
    return render(request, "experts/vetting.html", queue_context(request, operator))


@require_GET
@login_required
def vetting_one(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """Show one application: evidence in the middle, decision right."""
    return desk_page(request, seen(request, application_id), DeskForms())


@require_POST
@login_required
def take(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """Begin to look at an application."""
    application = seen(request, application_id)
    actions.take_application(application, by=operator_of(request), now=app_now())
    return redirect("experts:vetting_one", application.pk)


@require_POST
@login_required
def decide(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """Approve at the tiers chosen, confirm as the second, ask for more, or decline."""
    application, operator = seen(request, application_id), operator_of(request)
    form = DecisionForm(request.POST, requests=queries.requests_of(application))
    if not form.is_valid():
        return desk_page(request, application, DeskForms(decision=form), status=422)
    decision, now = form.cleaned_data["decision"], app_now()
    words = {"reason": form.cleaned_data["reason"], "checks": form.cleaned_data["checks"]}
    if decision == "approve":
        is_done = actions.approve_application(application, by=operator, now=now, tiers=form.tiers(), **words)
        done = "Approved. They are told at once." if is_done else "Recorded. A second operator now confirms it."
    elif decision == "confirm":
        actions.confirm_application(application, by=operator, now=now, **words)
        done = "Confirmed and approved. They are told at once."
    else:
        act, done = DECISIONS[decision]
        act(application, by=operator, now=now, **words)
    messages.success(request, done)
    return redirect("experts:vetting_one", application.pk)


@require_POST
@login_required
def check_credential(request: HttpRequest, application_id: UUID, credential_id: UUID) -> HttpResponse:
    """Say that a credential is being checked now."""
    application = seen(request, application_id)
    credential = get_object_or_404(queries.credentials_of(application.expert), pk=credential_id)
    actions.check_credential(credential, by=operator_of(request), now=app_now())
    return redirect("experts:vetting_one", application.pk)


@require_POST
@login_required
def judge_credential(request: HttpRequest, application_id: UUID, credential_id: UUID) -> HttpResponse:
    """Record the verdict on a credential: who looked, where, and what it says."""
    application = seen(request, application_id)
    credential = get_object_or_404(queries.credentials_of(application.expert), pk=credential_id)
    form = VerdictForm(request.POST, auto_id=f"{credential.public_id}_%s")
    if not form.is_valid():
        return desk_page(request, application, DeskForms(row=(credential.pk, form)), status=422)
    act = actions.verify_credential if form.cleaned_data["verdict"] == "verify" else actions.refuse_credential
    found = {"where": form.cleaned_data["where"], "finding": form.cleaned_data["finding"]}
    act(credential, by=operator_of(request), now=app_now(), **found)
    return redirect("experts:vetting_one", application.pk)


@require_POST
@login_required
def grant(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """Grant a tier in any domain, with its reason."""
    application = seen(request, application_id)
    form = GrantForm(request.POST, auto_id="grant_%s")
    if not form.is_valid():
        return desk_page(request, application, DeskForms(grant=form), status=422)
    actions.grant_tier(application.expert, by=operator_of(request), now=app_now(), **form.cleaned_data)
    messages.success(request, "Recorded.")
    return redirect("experts:vetting_one", application.pk)


@require_POST
@login_required
def confirm_grant(request: HttpRequest, application_id: UUID, grant_id: UUID) -> HttpResponse:
    """Confirm a pending tier as the second operator."""
    application = seen(request, application_id)
    pending = get_object_or_404(queries.grants_of(application.expert), pk=grant_id)
    actions.confirm_tier(pending, by=operator_of(request), now=app_now())
    messages.success(request, "Confirmed. The tier counts from now.")
    return redirect("experts:vetting_one", application.pk)


@require_POST
@login_required
def revoke_grant(request: HttpRequest, application_id: UUID, grant_id: UUID) -> HttpResponse:
    """Take a tier back, with the reason."""
    application = seen(request, application_id)
    held = get_object_or_404(queries.grants_of(application.expert), pk=grant_id)
    form = ReasonForm(request.POST, auto_id=f"{held.public_id}_%s")
    if not form.is_valid():
        return desk_page(request, application, DeskForms(row=(held.pk, form)), status=422)
    actions.revoke_tier(held, by=operator_of(request), reason=form.cleaned_data["reason"], now=app_now())
    messages.success(request, "Taken back. Claims already begun keep their rate.")
    return redirect("experts:vetting_one", application.pk)


@require_POST
@login_required
def mark(request: HttpRequest, application_id: UUID) -> HttpResponse:
    """Let the expert review in a domain, with the reason."""
    application = seen(request, application_id)
    form = MarkForm(request.POST, auto_id="mark_%s")
    if not form.is_valid():
        return desk_page(request, application, DeskForms(mark=form), status=422)
    actions.grant_reviewer_mark(application.expert, by=operator_of(request), now=app_now(), **form.cleaned_data)
    messages.success(request, "Recorded.")
    return redirect("experts:vetting_one", application.pk)


@require_POST
@login_required
def revoke_mark(request: HttpRequest, application_id: UUID, mark_id: UUID) -> HttpResponse:
    """Take a reviewer mark back, with the reason."""
    application = seen(request, application_id)
    held = get_object_or_404(queries.marks_of(application.expert), pk=mark_id)
    form = ReasonForm(request.POST, auto_id=f"{held.public_id}_%s")
    if not form.is_valid():
        return desk_page(request, application, DeskForms(row=(held.pk, form)), status=422)
    actions.revoke_reviewer_mark(held, by=operator_of(request), reason=form.cleaned_data["reason"], now=app_now())
    messages.success(request, "Taken back.")
    return redirect("experts:vetting_one", application.pk)
