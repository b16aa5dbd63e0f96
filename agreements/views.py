"""The doors to agreements: read, sign, keep, end; and who saw what."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from agreements import actions, queries, reading, rules
from agreements.forms import AccessForm, RevokeForm, SignForm
from agreements.models import AgreementVersion, Signature
from agreements.states import SignatureState, VersionState
from kernel.db import app_now
from kernel.http import client_ip


@require_http_methods(["GET", "POST"])
@never_cache
@login_required
def sign(request: HttpRequest, version_id: UUID) -> HttpResponse:
    """Show the whole text with what a signature means, and take the signature."""
    user = _user(request)
    version = get_object_or_404(queries.versions_shown_to(user), pk=version_id)
    if request.method == "GET":
        return _read(request, version, SignForm(user=user))
    form = SignForm(request.POST, user=user)
    if not form.is_valid():
        return _read(request, version, form, status=422)
    agent = request.headers.get("User-Agent", "")
    actions.sign_version(
        version, user=user, ip=client_ip(request), user_agent=agent, now=app_now(), **form.cleaned_data
    )
    messages.success(request, "Signed. You find the text under Agreements, and may end your signature at any time.")
    return redirect(_next(request) or "agreements:mine")


@require_GET
@never_cache
@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """List what the person has signed, with the text to read again."""
    return _mine(request, None, None)


@require_POST
@login_required
def revoke(request: HttpRequest, signature_id: UUID) -> HttpResponse:
    """End a signature: one's own, or as a trust operator somebody's."""
    user = _user(request)
    signature = get_object_or_404(queries.signatures_revocable_by(user), pk=signature_id)
    is_own = signature.user_id == user.pk
    back = reverse("agreements:mine") if is_own else f"{reverse('agreements:access')}?q={signature.user.public_id}"
    form = RevokeForm(request.POST, auto_id=f"{signature.public_id}_%s")
    if not form.is_valid() and is_own:
        return _mine(request, signature, form, status=422)
    if not form.is_valid():
        messages.error(request, "Nothing was ended: write a reason of at most 500 characters.")
        return redirect(back)
    actions.revoke_signature(signature, by=user, reason=form.cleaned_data["reason"], now=app_now())
    messages.success(request, "Ended. Its content is refused from the next request on; time worked is paid.")
    return redirect(back)


@require_GET
@never_cache
@login_required
def access(request: HttpRequest) -> HttpResponse:
    """Answer a trust operator: who saw this task, what did this person see."""
    user = _user(request)
    if not rules.can_search_access(user):
        raise PermissionDenied
    form = AccessForm(request.GET or None)
    if not form.is_valid():
        return render(request, "agreements/access.html", {"form": form}, status=422 if form.is_bound else 200)
    text = form.cleaned_data["q"]
    actions.note_access_search(by=user, text=text, now=app_now())
    found = queries.accesses(text)
    signatures = queries.signatures_of(found.person) if found.person else Signature.objects.none()
    context = {"form": form, "q": text, "found": found, "signatures": signatures, "limit": queries.ACCESS_ROWS}
    return render(request, "agreements/access.html", context)


def _read(request: HttpRequest, version: AgreementVersion, form: SignForm, *, status: int = 200) -> HttpResponse:
    """Render the reading page: contents, text, and the panel to sign in."""
    user = _user(request)
    earlier = queries.previous_signature(user, version)
    signature = queries.signature_under(user, version)
    context = {
        "version": version,
        "agreement": version.agreement,
        "clauses": reading.clauses(version.text, earlier.version.text if earlier and not signature else None),
        "minutes": reading.minutes_to_read(version.text),
        "earlier": earlier,
        "signature": signature,
        "is_signed": signature is not None and signature.state == SignatureState.LIVE,
        "can_sign": version.state == VersionState.PUBLISHED and rules.can_sign(user, version.agreement),
        "is_house": rules.is_house(version.agreement),
        "form": form,
        "next": _next(request),
    }
    return render(request, "agreements/sign.html", context, status=status)


def _mine(
    request: HttpRequest, refused: Signature | None, form: RevokeForm | None, *, status: int = 200
) -> HttpResponse:
    """Render the list of signatures, with a form that was just refused in its place."""
    user = _user(request)
    rows = [
        {
            "signature": row.signature,
            "newer": row.newer,
            "form": form if refused == row.signature else RevokeForm(auto_id=f"{row.signature.public_id}_%s"),
            "is_refused": refused == row.signature,
            "is_live": row.signature.state == SignatureState.LIVE,
        }
        for row in queries.signed_by(user)
    ]
    unsigned = queries.house_to_sign(user)
    return render(request, "agreements/mine.html", {"rows": rows, "unsigned": unsigned}, status=status)


def _next(request: HttpRequest) -> str:
    """Return where to go after signing, if it is an address of ours."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours else ""


def _user(request: HttpRequest) -> User:
    """Return the signed-in user."""
    assert isinstance(request.user, User)
    return request.user
