"""Pages of an account: home, profile, inbox."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions, queries, rules
from accounts.doors import login_required, signed_in
from accounts.forms import ProfileForm
from kernel.db import app_now
from kernel.http import fragment_or_redirect

NOTICES_A_PAGE = 30


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Send people to where their role begins; newcomers choose one."""
    user = signed_in(request)
    if queries.is_expert(user):
        return redirect("tasks:home")
    if queries.is_lab_member(user):
        return redirect("tasks:projects")
    if rules.is_vetting(user):
        return redirect("experts:vetting")
    if rules.is_finance(user):
        return redirect("payments:runs")
    if rules.is_operator(user):
        return redirect("labs:desk")
    return render(request, "accounts/welcome.html")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """Show and change name and zone; link to what keeps the account safe."""
    user = signed_in(request)
    form = ProfileForm(request.POST or None, initial={"name": user.name, "time_zone": user.time_zone})
    if request.method == "POST" and form.is_valid():
        actions.change_profile(user, **form.cleaned_data, now=app_now())
        messages.success(request, "Saved.")
        return redirect("accounts:profile")
    context = {
        "form": form,
        "has_totp": queries.has_totp(user),
        "passkeys": queries.passkey_count(user),
        "codes_left": queries.recovery_codes_left(user),
        "sign_ins": queries.sign_ins_of(user),
        "needs_totp": rules.is_operator(user),
    }
    return render(request, "accounts/profile.html", context, status=422 if form.is_bound else 200)


@require_safe
@login_required
def inbox(request: HttpRequest) -> HttpResponse:
    """Show what this person was told."""
    notices = Paginator(queries.notices_of(signed_in(request)), NOTICES_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "accounts/inbox.html", {"notices": notices})


@require_POST
@login_required
def inbox_read(request: HttpRequest) -> HttpResponse:
    """Mark the inbox as read."""
    user = signed_in(request)
    actions.read_notices(user, now=app_now())
    context = {"notices": Paginator(queries.notices_of(user), NOTICES_A_PAGE).get_page(1)}
    return fragment_or_redirect(request, "accounts/_notices.html", context, to=reverse("accounts:inbox"))


@require_POST
@login_required
def sign_out_elsewhere(request: HttpRequest) -> HttpResponse:
    """End all other sessions of this person."""
    actions.end_sessions(signed_in(request), keep=request.session.session_key or "", now=app_now())
    messages.success(request, "Every other session is signed out.")
    return HttpResponseRedirect(reverse("accounts:profile"))
