"""What the desk does with a run and its items: each one form, one rule, one action."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.doors import operator_required, recently_authenticated, signed_in
from accounts.models import User
from accounts.rules import is_finance
from kernel.db import app_now
from kernel.errors import Refused
from payments import actions, queries, sending
from payments.forms import ApprovalForm, ReasonForm
from payments.models import PayoutItem, PayoutRun


@require_POST
@recently_authenticated
@operator_required(is_finance)
def approve(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Approve exactly the content that the page showed."""
    run = _run(request, run_id)
    form = ApprovalForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Tick both boxes: what is unusual was looked at, and the amount is what you mean.")
        return redirect("payments:run", run.pk)
    if form.cleaned_data["content_sha256"] != run.content_sha256:
        raise Refused("The run changed since you opened it. Look at it again.")
    run = actions.approve_run(run, by=signed_in(request), now=app_now())
    said = "It goes out now." if run.state == "APPROVED" else "It waits for one more person."
    messages.success(request, f"You approved run {run.number}. {said}")
    return redirect("payments:run", run.pk)


@require_POST
@recently_authenticated
@operator_required(is_finance)
def move_run(request: HttpRequest, run_id: UUID, verb: str) -> HttpResponse:
    """Submit, reject, reopen, cancel, pause or resume a run."""
    run = _run(request, run_id)
    by = signed_in(request)
    if verb in PLAIN_MOVES:
        PLAIN_MOVES[verb](run, by)
    elif verb in MOVES_WITH_REASON:
        MOVES_WITH_REASON[verb](run, by, _reason(request))
    else:
        raise Http404
    return redirect("payments:run", run.pk)


@require_POST
@recently_authenticated
@operator_required(is_finance)
def move_item(request: HttpRequest, item_id: UUID, verb: str) -> HttpResponse:
    """Leave an item out of a draft, retry it, or cancel it; never one's own."""
    by, now = signed_in(request), app_now()
    items = PayoutItem.objects.select_related("run", "expert__user").exclude(expert__user_id=by.pk)
    item = get_object_or_404(items, pk=item_id)
    if verb == "leave-out":
        actions.leave_out(item, by=by, reason=_reason(request), now=now)
    elif verb == "retry":
        actions.retry_item(item, by=by, now=now)
    elif verb == "cancel":
        actions.cancel_item(item, by=by, reason=_reason(request), now=now)
    else:
        raise Http404
    return redirect("payments:run", item.run_id)


def _run(request: HttpRequest, run_id: UUID) -> PayoutRun:
    return get_object_or_404(queries.runs_seen_by(request.user), pk=run_id)


def _reason(request: HttpRequest) -> str:
    form = ReasonForm(request.POST)
    if not form.is_valid():
        raise Refused("Say why, in 3 to 400 characters.")
    return str(form.cleaned_data["reason"])


def _submit(run: PayoutRun, by: User) -> None:
    actions.submit_run(run, by=by, now=app_now())


def _reopen(run: PayoutRun, by: User) -> None:
    actions.reopen_run(run, by=by, now=app_now())


def _resume(run: PayoutRun, by: User) -> None:
    sending.start_sending(run, by=by, now=app_now())


def _reject(run: PayoutRun, by: User, reason: str) -> None:
    actions.reject_run(run, by=by, reason=reason, now=app_now())


def _cancel(run: PayoutRun, by: User, reason: str) -> None:
    actions.cancel_run(run, by=by, reason=reason, now=app_now())


def _pause(run: PayoutRun, by: User, reason: str) -> None:
    sending.pause_sending(run, by=by, reason=reason, now=app_now())


PLAIN_MOVES = {"submit": _submit, "reopen": _reopen, "resume": _resume}
MOVES_WITH_REASON = {"reject": _reject, "cancel": _cancel, "pause": _pause}
