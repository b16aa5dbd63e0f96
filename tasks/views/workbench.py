"""The workbench: where an expert does a task, on the server's meter."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.doors import request_time
from accounts.models import User
from kernel import markdown
from kernel.db import app_now
from kernel.errors import FieldError, Invalid, Refused
from kernel.templatetags.gh import duration, money
from tasks import content, forms
from tasks.actions import claims, guidelines, submissions, timing
from tasks.kinds import registry
from tasks.kinds.base import Json, Kind
from tasks.models import Claim, WorkKind
from tasks.pages import bench as page
from tasks.pages.changes import Piece, changed_lines
from tasks.pages.material_files import shown_files
from tasks.pages.questions import shown_on_bench
from tasks.states import ClaimState
from tasks.views.confidential import confidential, viewer, watermark
from tasks.views.material import material_of

KEYS = (
    ("Save and submit", ("Ctrl", "↵")),
    ("Research on or off", ("R",)),
    ("Extend the lease", ("E",)),
    ("A quarter more time, near the cap", ("+",)),
    ("Guidelines", ("G",)),
    ("Questions", ("Q",)),
    ("Leave with a reason", ("K",)),
)
KEYS_OF_KIND = {
    "factuality": (
        ("Mark with keys", ("M",)),
        ("Label: unsupported, contradicted, invented", ("U", "C", "I")),
        ("Label: outdated, subjective, unverifiable", ("O", "S", "V")),
        ("Add a source", ("N",)),
    ),
    "demonstration": (("Preview", ("P",)), ("Add a citation", ("N",)), ("Bold, italic", ("Ctrl B", "Ctrl I"))),
    "creative": (("Preview", ("P",)), ("Bold, italic", ("Ctrl B", "Ctrl I"))),
}


@dataclass(frozen=True)
class Key:
    """A key and what it does, for the sheet that ? opens."""

    words: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Bench:
    """What the bar and the scripts of a workbench start from."""

    session: str
    reading: timing.Reading
    now: datetime
    idle_seconds: int
    revision: int
    saved_at: datetime | None
    draft: Json | None
    notes: str
    watermark: str
    skip_reasons: tuple[tuple[str, str], ...] = forms.SKIP_REASONS


def keys_of(kind: Kind) -> list[Key]:
    """Return the keys of a kind's workbench."""
    return [Key(words, parts) for words, parts in (*KEYS_OF_KIND.get(kind.name, ()), *KEYS)]


def bench_of(claim: Claim, *, now: datetime, draft: Json | None, notes: str = "") -> Bench:
    """Take the claim's meter over for this page and return what it starts from."""
    session = secrets.token_urlsafe(12)
    reading = timing.take_over(claim.pk, expert=claim.expert, session=session, now=now)
    saved = page.draft_of(claim)
    return Bench(
        session=session,
        reading=reading,
        now=now,
        idle_seconds=registry.get(claim.project.kind).idle_seconds,
        revision=saved.revision if saved else 0,
        saved_at=saved.saved_at if saved else None,
        draft=draft,
        notes=notes,
        watermark=watermark(claim.expert.user, now),
    )


@confidential
@login_required
@require_safe
def workbench(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """Open the claim's task and its draft, and let the meter run here."""
    claim = get_object_or_404(page.claims_of(viewer(request)), pk=claim_id)
    if claim.kind == WorkKind.REVIEW:
        return redirect("tasks:review", claim.pk)
    if claim.state != ClaimState.WORKING:
        return redirect("tasks:submission", claim.pk)
    return _show(request, claim, now=app_now())


def _show(
    request: HttpRequest,
    claim: Claim,
    *,
    now: datetime,
    answer: Json | None = None,
    errors: list[FieldError] | None = None,
) -> HttpResponse:
    """Render the bench; with errors it is a refusal, and the answer as sent stands in the form."""
    kind = registry.get(claim.project.kind)
    payload, draft = content.open_bench(claim, claim.expert.user, now)
    draft = answer if answer is not None else draft
    wb = bench_of(claim, now=now, draft=draft, notes=notes_on(claim, now))
    context = {
        "claim": claim,
        "kind": kind,
        "material": material_of(kind, payload),
        "files": shown_files(claim, payload),
        "questions": shown_on_bench(claim, now),
        "wb": wb,
        "plain": _plain(kind, draft or {}),
        "keys": keys_of(kind),
        "errors": errors,
        "attested": forms.read_attestations(request.POST, kind),
        "is_review": False,
        "guideline_changes": _guideline_changes(claim),
    }
    return render(request, "tasks/workbench.html", context, status=422 if errors else 200)


def _guideline_changes(claim: Claim) -> list[Piece]:
    """Compare the claim's guidelines with those this expert worked by before, if they are still to be read."""
    if not claim.is_guideline_changed or claim.guideline is None:
        return []
    before = page.guideline_before(claim)
    return changed_lines(before.text if before else "", claim.guideline.text)


def notes_on(claim: Claim, now: datetime) -> str:
    """Return what the reviewer wrote who sent the work back; '' when it was not."""
    review = page.newest_return(claim)
    return content.open_notes(claim, review, claim.expert.user, now) if review else ""


def _plain(kind: Kind, draft: Json) -> dict[str, str]:
    """Return the draft as the plain fields of the form, for a page without script."""
    text, notes = forms.FIELDS_OF_TEXT.get(kind.name, ("", ""))
    cited = [str(row.get("citation") or row.get("url") or "") for row in draft.get("citations", [])]
    return {"text": str(draft.get(text, "")), "notes": str(draft.get(notes, "")), "sources": "\n".join(cited)}


@confidential
@login_required
@require_POST
def submit(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """Hand the answer in; what is refused is kept as a draft, and what does not fit comes back with the form."""
    user, now = viewer(request), request_time(request)
    fence = forms.FenceForm(request.POST)
    if not fence.is_valid():
        _own_work(user, claim_id)  # To anyone else it does not exist, whatever they send.
    forms.require_valid(fence)
    read = partial(forms.read_submission, request.POST)
    try:
        done = submissions.submit_form(claim_id, by=user, fence=fence.cleaned_data["fence"], read=read, now=now)
    except Refused as refused:
        # Two actions, so that the refusal leaves the words: the answer was not taken, yet none of it is lost.
        claim = _own_work(user, claim_id)
        answer = read(registry.get(claim.project.kind)).response
        submissions.save_draft(claim.pk, expert=claim.expert, body=answer, revision=page.revision_of(claim), now=now)
        if isinstance(refused, Invalid):
            return _show(request, claim, now=now, answer=answer, errors=list(refused.errors))
        raise
    pay = money(page.pay_for(done.claim), done.claim.currency)
    messages.success(request, f"Submitted: {duration(done.active_seconds)}, {pay}. You hear when it is decided.")
    return redirect("tasks:home")


def _own_work(user: User, claim_id: UUID) -> Claim:
    return get_object_or_404(page.claims_of(user), pk=claim_id, kind=WorkKind.WORK)


@login_required
@require_POST
def beat(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """Count the time since the page's last beat."""
    form = forms.read_json(request, forms.BeatForm)
    expert = page.expert_or_404(viewer(request))
    return _reading(timing.beat(claim_id, expert=expert, now=request_time(request), **form.cleaned_data))


@login_required
@require_POST
def draft(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """Store the draft; a newer one stored elsewhere is not overwritten."""
    form = forms.read_json(request, forms.DraftForm)
    own = get_object_or_404(page.claims_of(viewer(request)), pk=claim_id)
    revision = page.revision_of(own) if form.cleaned_data["is_forced"] else form.cleaned_data["revision"]
    body = form.cleaned_data["body"]
    saved = submissions.save_draft(own.pk, expert=own.expert, body=body, revision=revision, now=request_time(request))
    return JsonResponse({"revision": saved.revision, "saved_at": saved.saved_at.isoformat()})


@login_required
@require_POST
def extend(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """Make the lease longer, or the cap by a quarter."""
    form, expert, now = forms.read_json(request, forms.ExtendForm), page.expert_or_404(viewer(request)), app_now()
    fence = form.cleaned_data["fence"]
    if form.cleaned_data["what"] == "lease":
        return _reading(timing.extend_lease(claim_id, expert=expert, fence=fence, now=now))
    claim = claims.extend_cap(claim_id, expert=expert, fence=fence, now=now)
    return _reading(timing.reading_of(claim, now))


@login_required
@require_POST
def research(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """Begin or end declared research."""
    form, expert = forms.read_json(request, forms.SwitchForm), page.expert_or_404(viewer(request))
    is_on, fence = form.cleaned_data["on"], form.cleaned_data["fence"]
    return _reading(timing.declare_research(claim_id, expert=expert, fence=fence, is_on=is_on, now=app_now()))


@login_required
@require_POST
def pause(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """Begin or end a declared pause."""
    form, expert = forms.read_json(request, forms.SwitchForm), page.expert_or_404(viewer(request))
    is_on, fence = form.cleaned_data["on"], form.cleaned_data["fence"]
    return _reading(timing.declare_pause(claim_id, expert=expert, fence=fence, is_on=is_on, now=app_now()))


@login_required
@require_POST
def acknowledge(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """Take down that the new version of the guidelines was read, and go on with the task."""
    own, form = get_object_or_404(page.claims_of(viewer(request)), pk=claim_id), forms.FenceForm(request.POST)
    forms.require_valid(form)
    fence = form.cleaned_data["fence"]
    guidelines.acknowledge_guideline(own.pk, expert=own.expert, fence=fence, now=request_time(request))
    return redirect("tasks:workbench", own.pk)


@confidential
@login_required
@require_POST
def preview(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """Draw Markdown as the lab will see it."""
    get_object_or_404(page.claims_of(viewer(request)), pk=claim_id)
    form = forms.read_json(request, forms.PreviewForm)
    return JsonResponse({"html": str(markdown.render(form.cleaned_data["text"]))})


@login_required
@require_POST
def release(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """Give the claim back with a reason; the draft stays and the time is paid up to the allowance."""
    claim = get_object_or_404(page.claims_of(viewer(request)), pk=claim_id)
    form = forms.ReleaseForm(request.POST)
    forms.require_valid(form)
    claims.release_claim(claim, expert=claim.expert, reason=form.sentence(), now=app_now())
    messages.info(
        request, f"You left the task in {claim.project.code_name}. The slot is open again; your draft is kept."
    )
    return redirect("tasks:home")


def _reading(reading: timing.Reading) -> JsonResponse:
    body: dict[str, Any] = asdict(reading) | {"is_research": reading.note == "research", "now": app_now()}
    return JsonResponse(body)
