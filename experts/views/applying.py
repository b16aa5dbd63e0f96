"""The application: who you are, what you ask for, your proofs, your words; then send."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.models import User
from experts import actions, queries, rules
from experts.forms import (
    REQUESTS_MAX,
    AboutForm,
    BaseRequestFormSet,
    CredentialForm,
    RequestFormSet,
    StatementForm,
)
from experts.models import Application, Expert
from experts.states import ApplicationState
from kernel.db import app_now


@dataclass
class Forms:
    """The application's forms, each fresh unless one was just refused."""

    about: AboutForm | None = None
    requests: BaseRequestFormSet | None = None
    statement: StatementForm | None = None
    credential: CredentialForm = field(default_factory=lambda: CredentialForm(auto_id="credential_%s"))


@require_GET
@login_required
def apply(request: HttpRequest) -> HttpResponse:
    """Show the application: what is in, what is missing, and who answers when."""
    return _page(request, Forms())


@require_POST
@login_required
def about(request: HttpRequest) -> HttpResponse:
    """Record who the expert is; the first time, open their application."""
    form = AboutForm(request.POST, auto_id="about_%s")
    if not form.is_valid():
        return _page(request, Forms(about=form), status=422)
    expert, now = queries.expert_of(_user(request)), app_now()
    if expert is None:
        actions.register_expert(user=_user(request), now=now, **form.cleaned_data)
    else:
        actions.change_profile(expert, now=now, **form.cleaned_data)
    messages.success(request, "Saved.")
    return redirect(_home_of(expert))


@require_POST
@login_required
def ask(request: HttpRequest) -> HttpResponse:
    """Record the domains and tiers asked for, and the expert's own words."""
    application = _application(request)
    asked = RequestFormSet(request.POST, prefix="ask", form_kwargs={"domains": _domains()})
    statement = StatementForm(request.POST)
    if not (asked.is_valid() and statement.is_valid()):
        return _page(request, Forms(requests=asked, statement=statement), status=422)
    actions.fill_application(
        application, statement=statement.cleaned_data["statement"], requests=asked.requests(), now=app_now()
    )
    messages.success(request, "Saved.")
    return redirect("experts:apply")


@require_POST
@login_required
def add_credential(request: HttpRequest) -> HttpResponse:
    """Record one more credential as the expert claims it."""
    expert = _expert(request)
    form = CredentialForm(request.POST, auto_id="credential_%s")
    if not form.is_valid():
        return _page(request, Forms(credential=form), status=422)
    actions.add_credential(expert, now=app_now(), **form.cleaned_data)
    messages.success(request, "Added. An operator checks it at its source.")
    return redirect(_home_of(expert))


@require_POST
@login_required
def drop_credential(request: HttpRequest, credential_id: UUID) -> HttpResponse:
    """Remove a credential that nobody has begun to check."""
    expert = _expert(request)
    credential = get_object_or_404(queries.credentials_of(expert), pk=credential_id)
    actions.drop_credential(credential, now=app_now())
    return redirect(_home_of(expert))


@require_POST
@login_required
def send(request: HttpRequest) -> HttpResponse:
    """Send the application to the vetting desk."""
    actions.submit_application(_application(request), now=app_now())
    messages.success(request, "Sent. You will find our answer here and in your inbox.")
    return redirect("experts:apply")


@require_POST
@login_required
def reopen(request: HttpRequest) -> HttpResponse:
    """Open a declined application again, after the cooling-off."""
    actions.reopen_application(_application(request), now=app_now())
    return redirect("experts:apply")


def _page(request: HttpRequest, forms: Forms, *, status: int = 200) -> HttpResponse:
    """Render the application, or for somebody new its first form."""
    expert = queries.expert_of(_user(request))
    if expert is None:
        form = forms.about or AboutForm(auto_id="about_%s")
        return render(request, "experts/apply_start.html", {"form": form}, status=status)
    application = queries.application_of(expert)
    if application is None:  # Simulated experts never apply.
        return redirect("experts:profile")
    context = _context(application, forms)
    return render(request, "experts/apply.html", context, status=status)


def _context(application: Application, forms: Forms) -> dict[str, object]:
    """Return what the application's page shows."""
    expert = application.expert
    asked, credentials = list(queries.requests_of(application)), list(queries.credentials_of(expert))
    rows = [{"domain": row.domain_id, "tier": row.tier} for row in asked]
    blank: list[dict[str, int]] = [{}] * min(max(1, 2 - len(rows)), REQUESTS_MAX - len(rows))
    domains = {"domains": _domains()}
    return {
        "application": application,
        "expert": expert,
        "about": forms.about or AboutForm(initial=about_of(expert), auto_id="about_%s"),
        "asked": forms.requests or RequestFormSet(initial=rows + blank, prefix="ask", form_kwargs=domains),
        "statement": forms.statement or StatementForm(initial={"statement": application.statement}),
        "credential_form": forms.credential,
        "credentials": credentials,
        "requests": asked,
        "can_edit": rules.can_edit(application),
        "is_declined": application.state == ApplicationState.DECLINED,
        "can_reopen": rules.can_apply_again(application, app_now()),
        "again_at": application.decided_at + rules.COOLING_OFF if application.decided_at else None,
        "missing": rules.missing_parts(
            languages=expert.languages,
            requests=len(asked),
            credentials=len(credentials),
            statement=application.statement,
        ),
    }


def about_of(expert: Expert) -> dict[str, object]:
    """Return what an expert says about themselves, as the form takes it."""
    names = ("headline", "country", "languages", "employer", "network", "bio")
    return {name: getattr(expert, name) for name in names}


def _domains() -> list[tuple[str, str]]:
    """Return the choices of a domain select."""
    return [("", "Choose a domain"), *queries.domain_choices()]


def _home_of(expert: Expert | None) -> str:
    """Return where an expert edits what they have: the application while it is open, else the profile."""
    application = queries.application_of(expert) if expert else None
    is_open = application is None or application.state != ApplicationState.APPROVED
    return "experts:apply" if is_open else "experts:profile"


def _user(request: HttpRequest) -> User:
    """Return the signed-in user."""
    assert isinstance(request.user, User)
    return request.user


def _expert(request: HttpRequest) -> Expert:
    """Return the signed-in user's expert, or 404."""
    expert = queries.expert_of(_user(request))
    if expert is None:
        raise Http404
    return expert


def _application(request: HttpRequest) -> Application:
    """Return the signed-in user's newest application, or 404."""
    application = queries.application_of(_expert(request))
    if application is None:
        raise Http404
    return application
