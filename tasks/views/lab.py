"""The lab's console: projects, batches as they run, and the files made of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from kernel.db import app_now
from kernel.http import fragment_or_redirect, is_htmx
from labs import rules as lab_rules
from labs.models import Lab, Mode
from labs.queries import acting_membership
from tasks import forms, rules
from tasks.actions import exporting
from tasks.actions.ingest import TAKES_TASKS
from tasks.actions.publishing import batches as batch_actions
from tasks.actions.publishing import projects as project_actions
from tasks.exports.download import file_response
from tasks.kinds import registry
from tasks.models import Batch, Project
from tasks.pages import lab as page
from tasks.pages import trial
from tasks.pages.questions import waiting_on
from tasks.states import BATCH_MOVES, PROJECT_MOVES, BatchState, ExportState, ProjectState
from tasks.views.confidential import confidential, viewer

ROWS = 50

BATCH_VERBS: Final[dict[str, tuple[str, str, Callable[..., Batch]]]] = {
    "launch": (BatchState.RUNNING, "Launched: offers go out now.", batch_actions.launch_batch),
    "pause": (
        BatchState.PAUSED,
        "Paused: work under way goes on, nothing new is handed out.",
        batch_actions.pause_batch,
    ),
    "resume": (BatchState.RUNNING, "Running again.", batch_actions.resume_batch),
    "drain": (
        BatchState.DRAINING,
        "It takes no more tasks and completes with the last answer.",
        batch_actions.drain_batch,
    ),
    "cancel": (BatchState.CANCELLED, "Cancelled: time already worked is paid.", batch_actions.cancel_batch),
}
PROJECT_VERBS: Final[dict[str, tuple[str, str, Callable[..., Project]]]] = {
    "launch": (ProjectState.LIVE, "Launched.", project_actions.launch_project),
    "pause": (ProjectState.PAUSED, "Paused: nothing more is handed out in any batch.", project_actions.pause_project),
    "resume": (ProjectState.LIVE, "Running again.", project_actions.resume_project),
}


def _lab(request: HttpRequest) -> Lab:
    """Return the lab this person acts for; to anyone else the console does not exist."""
    membership = acting_membership(request)
    if not lab_rules.can_see(membership):
        raise Http404
    assert membership is not None  # The rule has said so.
    return membership.lab


@login_required
@require_safe
def projects(request: HttpRequest) -> HttpResponse:
    """List the lab's projects with progress and money."""
    lab = _lab(request)
    mode = next((value for value in Mode.values if value == request.GET.get("mode")), "")
    context = {"lab": lab, "rows": page.project_rows(lab, mode), "mode": mode, "modes": Mode.choices}
    return render(request, "tasks/lab_projects.html", context)


@login_required
@require_safe
def project(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Show one project: its rules, batches and money."""
    lab = _lab(request)
    own = get_object_or_404(page.projects_of(lab), pk=project_id)
    context = {
        "lab": lab,
        "project": own,
        "test_note": trial.project_note(own),
        "kind": registry.get(own.kind),
        "rows": page.batch_rows(own),
        "spend": page.spend_of(own),
        "feed": page.feed_of(lab, own),
        "guideline": own.guidelines.first(),
        "waiting_questions": waiting_on(own),
        "verbs": [
            verb
            for verb, (to, _, _) in PROJECT_VERBS.items()
            if to in PROJECT_MOVES[own.state] and _fits(verb, own.state)
        ],
    }
    return render(request, "tasks/lab_project.html", context)


def _fits(verb: str, state: str) -> bool:
    """Two verbs lead to the running state: a launch from before it, a resumption from a pause."""
    return (verb == "resume") == (state == "PAUSED") if verb in ("launch", "resume") else True


@login_required
@require_POST
def move_project(request: HttpRequest, project_id: UUID) -> HttpResponse:
    """Launch, pause or resume a project."""
    own = get_object_or_404(page.projects_of(_lab(request)), pk=project_id)
    verb = forms.VerbForm(request.POST, verbs=list(PROJECT_VERBS))
    forms.require_valid(verb)
    _, said, act = PROJECT_VERBS[verb.cleaned_data["verb"]]
    act(own, by=_owner(request), now=app_now())
    messages.success(request, said)
    return redirect("tasks:project", own.pk)


def _owner(request: HttpRequest) -> User:
    """Return the person, who must be an owner of the lab: these verbs spend its money."""
    if not lab_rules.can_manage(acting_membership(request)):
        raise PermissionDenied
    return viewer(request)


@login_required
@require_safe
def batch(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Show one batch as it runs."""
    lab = _lab(request)
    own = get_object_or_404(page.batches_of(lab), pk=batch_id)
    now = app_now()
    context = _progress(own, now) | {
        "lab": lab,
        "test_note": trial.batch_note(own),
        "can_upload": own.state in TAKES_TASKS and lab_rules.can_manage(acting_membership(request)),
        "kind": registry.get(own.project.kind),
        "tasks": page.task_count(own),
        "tags": page.tag_rows(own),
        "feed": page.feed_of(lab, own.project, own),
        "verbs": [
            verb for verb in BATCH_VERBS if BATCH_VERBS[verb][0] in BATCH_MOVES[own.state] and _fits(verb, own.state)
        ],
    }
    return render(request, "tasks/lab_batch.html", context)


def _progress(own: Batch, now: datetime) -> dict[str, Any]:
    return {
        "batch": own,
        "project": own.project,
        "progress": page.batch_progress(own),
        "burndown": page.burndown_of(own, now),
        "spend": page.spend_of(own.project),
        "is_over": rules.is_over(own),
    }


@login_required
@require_safe
def batch_progress(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Show how far the batch is: the fragment that the page asks for again and again."""
    own = get_object_or_404(page.batches_of(_lab(request)), pk=batch_id)
    if not is_htmx(request):
        return redirect("tasks:batch", own.pk)
    return render(request, "tasks/_lab_progress.html", _progress(own, app_now()))


@login_required
@require_POST
def move_batch(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Launch, pause, resume, drain or cancel a batch."""
    own = get_object_or_404(page.batches_of(_lab(request)), pk=batch_id)
    verb = forms.VerbForm(request.POST, verbs=list(BATCH_VERBS))
    forms.require_valid(verb)
    _, said, act = BATCH_VERBS[verb.cleaned_data["verb"]]
    act(own, by=_owner(request), now=app_now())
    messages.success(request, said)
    return redirect("tasks:batch", own.pk)


@login_required
@require_POST
def export_batch(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """Ask for a file of the batch's accepted work."""
    own = get_object_or_404(page.batches_of(_lab(request)), pk=batch_id)
    form = forms.ExportForm(request.POST, shapes=registry.get(own.project.kind).shapes)
    forms.require_valid(form)
    exporting.request_export(
        own.project,
        batch=own,
        shape=form.cleaned_data["shape"],
        file_format=form.cleaned_data["format"],
        by=viewer(request),
        now=app_now(),
    )
    messages.success(request, "Asked for. It is made in the background; this list follows it.")
    return redirect("tasks:exports")


@login_required
@require_safe
def exports(request: HttpRequest) -> HttpResponse:
    """List the files the lab asked for."""
    rows = Paginator(page.exports_of(_lab(request)), ROWS).get_page(request.GET.get("page"))
    making = any(row.state in (ExportState.QUEUED, ExportState.RUNNING) for row in rows)
    context = {"rows": rows, "is_making": making}
    if is_htmx(request):
        return fragment_or_redirect(request, "tasks/_lab_exports.html", context, to=request.path)
    return render(request, "tasks/lab_exports.html", context)


@confidential
@login_required
@require_safe
def download(request: HttpRequest, export_id: UUID) -> HttpResponseBase:
    """Stream a finished file, opened frame by frame after its access row is written."""
    export = get_object_or_404(page.exports_of(_lab(request)), pk=export_id)
    return file_response(request, export, by=viewer(request).public_id, at=app_now())
