"""An expert's pages: home, offers, claiming, and what became of the work."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ObjectDoesNotExist
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.doors import request_time
from agreements.queries import signed_newest
from kernel.db import app_now
from kernel.ids import decode_id
from kernel.templatetags.gh import when
from tasks import content, forms, queries, rules
from tasks.actions import claims, offers
from tasks.models import Batch, Claim, Offer, Project, Review, WorkKind
from tasks.pages import bench, cases, home
from tasks.pages.pay import breakdown_of, paid_for
from tasks.states import ClaimState
from tasks.views.confidential import confidential, viewer

ROWS = 50
M = TypeVar("M", Batch, Project)


@login_required
@require_safe
def home_page(request: HttpRequest) -> HttpResponse:
    """Show what to do next, what is offered, and what the week came to."""
    expert, now = bench.expert_or_404(viewer(request)), app_now()
    live = home.live_of(expert, now)
    offered = home.offer_rows(expert, home.open_offers(expert, now))
    seats, returned = home.seats_of(expert), list(home.returned_to(expert))
    is_idle = not (live or offered or seats or returned)
    context = {
        "expert": expert,
        "now": now,
        "live": live,
        "offers": offered,
        "seats": seats,
        "returned": returned,
        "why": home.why_rows(expert) if is_idle else [],
        "reasons": queries.why_nothing(expert, now) if is_idle else [],
        "week": home.week_of(expert, now, live),
        "payout": home.next_payout(expert),
    }
    return render(request, "tasks/home_empty.html" if is_idle else "tasks/home.html", context)


@login_required
@require_safe
def offers_page(request: HttpRequest) -> HttpResponse:
    """Show the offers that wait, and the seats already taken."""
    expert, now = bench.expert_or_404(viewer(request)), app_now()
    context = {"offers": home.offer_rows(expert, home.open_offers(expert, now)), "seats": home.seats_of(expert)}
    return render(request, "tasks/offers.html", context)


@login_required
@require_POST
def answer_offer(request: HttpRequest, offer_id: UUID) -> HttpResponse:
    """Take or decline an offer; neither costs anything."""
    expert = bench.expert_or_404(viewer(request))
    offer = get_object_or_404(Offer.objects.select_related("batch__project"), pk=offer_id, expert=expert)
    form = forms.OfferForm(request.POST)
    forms.require_valid(form)
    name, now = offer.batch.project.code_name, app_now()
    if form.cleaned_data["answer"] == "decline":
        offers.decline_offer(offer, expert=expert, now=now)
        messages.info(
            request, f"You declined the offer of {name}. It goes to somebody else, and nothing is held against you."
        )
        return redirect("tasks:offers")
    offers.accept_offer(offer, expert=expert, now=now)
    messages.success(request, f"{offer.guaranteed_minutes} minutes in {name} are yours.")
    if not signed_newest(expert.user_id, offer.batch.project.agreement_id):
        unsigned = home.unsigned_versions(expert, {offer.batch.project.agreement_id})
        return redirect("agreements:sign", unsigned[offer.batch.project.agreement_id])
    return redirect("tasks:home")


@login_required
@require_POST
def claim(request: HttpRequest) -> HttpResponse:
    """Claim the best open slot of what was asked for, and open its bench."""
    expert = bench.expert_or_404(viewer(request))
    form = forms.ClaimForm(request.POST)
    forms.require_valid(form)
    kind = form.cleaned_data["kind"]
    made = claims.claim_next(
        expert,
        batch=_named(Batch, form.cleaned_data["batch"]),
        project=_named(Project, form.cleaned_data["project"]),
        kind=kind,
        now=request_time(request),
    )
    return redirect("tasks:review" if kind == WorkKind.REVIEW else "tasks:workbench", made.pk)


def _named(model: type[M], text: str) -> M | None:
    """Return the row a public id names; none for '', 404 for what does not exist. Claiming checks eligibility."""
    if not text:
        return None
    try:
        return model._default_manager.get(pk=decode_id(model.PREFIX, text))
    except (ValueError, ObjectDoesNotExist):
        raise Http404 from None


@login_required
@require_POST
def resume(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """Take up work that was sent back, on the same hold and cap."""
    returned = get_object_or_404(bench.claims_of(viewer(request)), pk=claim_id)
    claims.resume_returned(returned, expert=returned.expert, now=app_now())
    return redirect("tasks:workbench", returned.pk)


@login_required
@require_safe
def mine(request: HttpRequest) -> HttpResponse:
    """List everything this expert ever claimed, and what became of it."""
    expert = bench.expert_or_404(viewer(request))
    rows = Paginator(home.work_of(expert), ROWS).get_page(request.GET.get("page"))
    return render(request, "tasks/mine.html", {"rows": rows})


@confidential
@login_required
@require_safe
def submission(request: HttpRequest, claim_id: UUID) -> HttpResponse:
    """Show one piece of work: its stages, its time and pay, and what the reviewer wrote."""
    now = app_now()
    own = get_object_or_404(bench.claims_of(viewer(request)), pk=claim_id)
    if own.state == ClaimState.WORKING and own.lease_until > now:
        return redirect("tasks:review" if own.kind == WorkKind.REVIEW else "tasks:workbench", own.pk)
    reviews, lines = list(bench.reviews_of(own)), list(home.pay_lines_of(own))
    is_readable = signed_newest(own.expert.user_id, own.project.agreement_id)
    context = {
        "claim": own,
        "versions": bench.submissions_of(own),
        "stages": [(review, _notes(own, review, request) if is_readable else "") for review in reviews],
        "is_readable": is_readable,
        "lines": lines,
        "pay_minor": paid_for(own, lines),
        "due": when(own.decision_due_at),
        "cases": cases.cases_about(own),
        "can_ask": rules.may_ask(own, now),
    }
    return render(request, "tasks/submission.html", context)


@never_cache
@login_required
@require_safe
def pay_line(request: HttpRequest, line_id: UUID) -> HttpResponse:
    """Show how the cents of one pay line come about, second by second."""
    return render(request, "tasks/pay_line.html", {"pay": breakdown_of(bench.expert_or_404(viewer(request)), line_id)})


def _notes(own: Claim, review: Review, request: HttpRequest) -> str:
    return content.open_notes(own, review, viewer(request), app_now()) if review.notes is not None else ""
