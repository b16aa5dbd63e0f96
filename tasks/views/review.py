"""The review bench: a submission beside its task, and the decision on it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from kernel.db import app_now
from kernel.errors import FieldError, Invalid
from kernel.guards import load_json
from kernel.templatetags.gh import duration, money
from tasks import content, forms, rules
from tasks.actions import reviews
from tasks.kinds import registry
from tasks.kinds.base import Json, Kind
from tasks.models import Claim, Decision, Submission, WorkKind
from tasks.pages import bench as page
from tasks.pages.changes import Piece, changed_words
from tasks.pages.material_files import shown_files
from tasks.pages.questions import shown_on_bench
from tasks.states import ClaimState
from tasks.views.confidential import confidential, viewer
from tasks.views.material import material_of
from tasks.views.workbench import Key, bench_of

KEYS = [
    Key("Accept, fix, return, reject: choose, then ↵", ("A", "F", "T", "X")),
    Key("Notes", ("N",)),
    Key("Changes since the last version", ("D",)),
    Key("Research on or off", ("R",)),
    Key("Extend the lease", ("E",)),
    Key("Guidelines", ("G",)),
    Key("Questions", ("Q",)),
    Key("Leave with a reason", ("K",)),
]

SAID: dict[str, str] = {
    Decision.ACCEPT: "Accepted",
    Decision.FIX: "Fixed and accepted",
    Decision.RETURN: "Sent back with your notes",
    Decision.REJECT: "Rejected",
}


@confidential
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """Open the submission under review; a POST decides it."""
    claim = get_object_or_404(page.claims_of(viewer(request)).filter(kind=WorkKind.REVIEW), pk=claim_id)
    now = app_now()
    if request.method == "POST":
        return _decide(request, claim, now)
    if claim.state != ClaimState.WORKING:
        return redirect("tasks:submission", claim.pk)
    return _show(request, claim, forms.DecisionForm(initial={"fence": claim.fence}), now=now)


def _decide(request: HttpRequest, claim: Claim, now: datetime) -> HttpResponse:
    """Judge, or show the form again with what the decision still needs."""
    form = forms.DecisionForm(request.POST)
    kind = registry.get(claim.project.kind)
    submission = page.submission_under_review(claim)
    if not form.is_valid():
        return _show(request, claim, form, now=now)
    fixed = _fix(request, claim, submission, kind, now) if form.cleaned_data["decision"] == Decision.FIX else None
    if isinstance(fixed, list):
        return _show(request, claim, form, now=now, errors=fixed)
    done = reviews.decide_review(
        claim.pk,
        expert=claim.expert,
        fence=form.cleaned_data["fence"],
        decision=form.cleaned_data["decision"],
        notes=form.cleaned_data["notes"],
        category=form.cleaned_data["category"],
        fixed_response=fixed,
        now=now,
    )
    claim.refresh_from_db()
    pay = money(page.pay_for(claim), claim.currency)
    messages.success(request, f"{SAID[done.decision]}. Your review took {duration(claim.active_seconds)}: {pay}.")
    return redirect("tasks:home")


def _fix(
    request: HttpRequest, claim: Claim, submission: Submission, kind: Kind, now: datetime
) -> Json | list[FieldError] | None:
    """Return the reviewer's own version, or what is wrong with it."""
    payload, response = content.open_submission(claim, submission, claim.expert.user, now)
    fixed = _fixed_answer(request, kind, response)
    if fixed == response:
        return [FieldError("/fixed", "unchanged", "A fix changes something. Change the answer, or accept it as it is.")]
    return kind.check_response(payload, fixed) or fixed


def _fixed_answer(request: HttpRequest, kind: Kind, response: Json) -> Json:
    if request.POST.get("fixed_response"):
        raw = request.POST["fixed_response"].encode("utf-8", "surrogatepass")
        value = load_json(raw, max_bytes=forms.MAX_ANSWER_BYTES, name="/fixed")
        if not isinstance(value, dict):
            raise Invalid([FieldError("/fixed", "type", "An answer is an object.")])
        return value
    if kind.name not in forms.FIELDS_OF_TEXT:
        raise Invalid([FieldError("/fixed", "needs_script", "Fixing spans needs JavaScript.")])
    name = forms.FIELDS_OF_TEXT[kind.name][0]
    return response | {name: forms.plain_text(request.POST, "fixed_text")}


def _show(
    request: HttpRequest,
    claim: Claim,
    form: forms.DecisionForm,
    *,
    now: datetime,
    errors: list[FieldError] | None = None,
) -> HttpResponse:
    kind = registry.get(claim.project.kind)
    submission = page.submission_under_review(claim)
    payload, response = content.open_submission(claim, submission, claim.expert.user, now)
    _, draft = content.open_bench(claim, claim.expert.user, now)
    text_name = forms.FIELDS_OF_TEXT.get(kind.name, ("", ""))[0]
    context = {
        "claim": claim,
        "kind": kind,
        "material": material_of(kind, payload),
        "files": shown_files(claim, payload),
        "questions": shown_on_bench(claim, now),
        "submission": submission,
        "response": response,
        "answer_text": response.get(text_name, ""),
        "changes": _changes(claim, submission, text_name, response, now),
        "earlier": _earlier_notes(claim, submission, now),
        "form": form,
        "errors": errors,
        "wb": bench_of(claim, now=now, draft=draft),
        "keys": KEYS,
        "is_review": True,
        "can_return": rules.can_return(submission.claim),
    }
    is_refused = bool(errors or form.errors)
    return render(request, "tasks/review.html", context, status=422 if is_refused else 200)


def _changes(claim: Claim, submission: Submission, name: str, response: Json, now: datetime) -> list[Piece]:
    """Compare a text answer with the version before, word by word; nothing for a first version."""
    before = page.earlier_versions(submission).first()
    if before is None or not name:
        return []
    _, was = content.open_submission(claim, before, claim.expert.user, now)
    return changed_words(str(was.get(name, "")), str(response.get(name, "")))


def _earlier_notes(claim: Claim, submission: Submission, now: datetime) -> list[tuple[Submission, str]]:
    """Return the notes on versions before this one."""
    rows = [row for row in page.reviews_of(submission.claim) if row.notes is not None]
    return [(row.submission, content.open_notes(claim, row, claim.expert.user, now)) for row in rows]
