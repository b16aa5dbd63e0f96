"""The expert's profile: proofs, tiers with who and why, availability, content choices."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from experts import actions, queries
from experts.forms import AboutForm, AvailabilityForm, ContentForm, CredentialForm, country_name, language_names
from experts.models import Expert
from experts.states import ExpertState
from experts.views.applying import about_of
from kernel.db import app_now


@require_GET
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """Show what an expert holds and has chosen; somebody who is none yet is sent to apply."""
    expert = _expert_of(request)
    return _page(request, expert, {}) if expert else redirect("experts:apply")


@require_POST
@login_required
def availability(request: HttpRequest) -> HttpResponse:
    """Record hours a week, and away or back."""
    expert = _expert_of(request)
    if expert is None:
        return redirect("experts:apply")
    form = AvailabilityForm(request.POST)
    if not form.is_valid():
        return _page(request, expert, {"availability": form}, status=422)
    actions.set_availability(expert, now=app_now(), **form.cleaned_data)
    messages.success(request, "Saved. Offers follow it from now on.")
    return redirect("experts:profile")


@require_POST
@login_required
def content(request: HttpRequest) -> HttpResponse:
    """Record which disturbing content the expert is willing to see."""
    expert = _expert_of(request)
    if expert is None:
        return redirect("experts:apply")
    form = ContentForm(request.POST)
    if not form.is_valid():
        return _page(request, expert, {"content": form}, status=422)
    actions.choose_content(expert, flags=form.cleaned_data["flags"], now=app_now())
    messages.success(request, "Saved. Offers follow it from now on.")
    return redirect("experts:profile")


def _expert_of(request: HttpRequest) -> Expert | None:
    """Return the signed-in user's expert, if they are one."""
    assert isinstance(request.user, User)
    return queries.expert_of(request.user)


def _page(request: HttpRequest, expert: Expert, forms: dict[str, object], *, status: int = 200) -> HttpResponse:
    """Render the profile, with a form that was just refused in place of a fresh one."""
    is_away = expert.state == ExpertState.AWAY
    context = {
        "expert": expert,
        "country": country_name(expert.country),
        "languages": language_names(expert.languages),
        "credentials": queries.credentials_of(expert),
        "grants": queries.grants_of(expert),
        "marks": queries.marks_of(expert),
        "about": AboutForm(initial=about_of(expert), auto_id="about_%s"),
        "availability": AvailabilityForm(initial={"weekly_hours": expert.weekly_hours, "is_away": is_away}),
        "content": ContentForm(initial={"flags": expert.content_flags_accepted}),
        "credential_form": CredentialForm(auto_id="credential_%s"),
        "can_be_away": expert.state in (ExpertState.ACTIVE, ExpertState.AWAY),
    }
    return render(request, "experts/profile.html", {**context, **forms}, status=status)
