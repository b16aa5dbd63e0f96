"""Pages of operators: jobs, health, people; and the demo's mail."""

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import actions, health, queries, rules
from accounts.doors import operator_required, recently_authenticated, require_recent_auth, signed_in
from accounts.forms import RoleForm
from kernel.db import app_now

JOBS_A_PAGE = 50


@require_safe
@operator_required(rules.is_operator)
def jobs(request: HttpRequest) -> HttpResponse:
    """Show what is due, what failed, and what is dead."""
    dead = Paginator(queries.dead_jobs(), JOBS_A_PAGE).get_page(request.GET.get("page"))
    context = {"kinds": queries.open_jobs_by_kind(), "waiting": queries.troubled_jobs()[:JOBS_A_PAGE], "dead": dead}
    return render(request, "accounts/jobs.html", context)


@require_POST
@operator_required(rules.is_operator)
def replay(request: HttpRequest, item: int) -> HttpResponse:
    """Give a dead job five new attempts."""
    row = get_object_or_404(queries.dead_jobs(), pk=item)
    actions.replay_job(row, by=signed_in(request), now=app_now())
    messages.success(request, f"{row.kind} {row.pk} runs again.")
    return redirect("accounts:jobs")


@require_POST
@operator_required(rules.is_operator)
def replay_all(request: HttpRequest) -> HttpResponse:
    """Give every dead job five new attempts."""
    count = actions.replay_dead_jobs(by=signed_in(request), now=app_now())
    messages.success(request, f"{count} jobs run again.")
    return redirect("accounts:jobs")


@require_safe
@operator_required(rules.is_operator)
def health_page(request: HttpRequest) -> HttpResponse:
    """Show whether each part works."""
    checks = health.checks()
    context = {"checks": checks, "is_well": all(check.tone == "settled" for check in checks)}
    return render(request, "accounts/health.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@operator_required(rules.is_owner)
def people(request: HttpRequest) -> HttpResponse:
    """Show who holds which role and why; let an owner give one."""
    form = RoleForm(request.POST or None)
    if request.method == "POST":
        require_recent_auth(request)
        if form.is_valid() and form.person is not None:
            values = form.cleaned_data
            actions.grant_role(
                form.person, values["role"], by=signed_in(request), reason=values["reason"], now=app_now()
            )
            messages.success(request, f"{form.person.get_full_name()} holds the role now.")
            return redirect("accounts:people")
    context = {"form": form, "people": queries.people()}
    return render(request, "accounts/people.html", context, status=422 if form.is_bound else 200)


@require_POST
@operator_required(rules.is_owner)
@recently_authenticated
def revoke(request: HttpRequest, grant: int) -> HttpResponse:
    """Take a role back."""
    row = get_object_or_404(queries.live_grants(), pk=grant)
    actions.revoke_role(row, by=signed_in(request), now=app_now())
    messages.success(request, f"{row.user.get_full_name()} no longer holds the role.")
    return redirect("accounts:people")


@require_safe
def mail(request: HttpRequest) -> HttpResponse:
    """Show the demo's letters and current one-time codes; nowhere else does this page exist."""
    if not settings.HAS_MAIL_PAGE:
        raise Http404
    context = {"letters": queries.recent_mail(), "codes": queries.current_codes()}
    response = render(request, "accounts/mail.html", context)
    response["Cache-Control"] = "no-store"
    return response
