"""Pages of invitations: the lab's side of them, and the one that a letter leads to."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.doors import login_required, signed_in
from accounts.models import User
from accounts.queries import has_verified
from kernel.db import app_now
from labs import rules as lab_rules
from labs.invitations import actions, queries, rules
from labs.models import Invitation
from labs.queries import ACTING_LAB, acting_membership


@require_POST
@login_required
def send_again(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """Send another letter, whose link replaces the one before."""
    invitation = _own(request, invitation_id)
    actions.invite_again(invitation, by=signed_in(request), now=app_now())
    messages.success(request, f"Another letter goes to {invitation.email}. The link of the one before has ended.")
    return redirect("labs:members")


@require_POST
@login_required
def withdraw(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """End an invitation."""
    invitation = _own(request, invitation_id)
    actions.withdraw(invitation, by=signed_in(request), now=app_now())
    messages.success(request, f"The invitation of {invitation.email} is withdrawn: its link has ended.")
    return redirect("labs:members")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Show what a letter's link offers; a POST of the person invited accepts it."""
    found = queries.find_invitation(token)
    if found is None:
        raise Http404
    user = request.user if isinstance(request.user, User) else None
    is_theirs = user is not None and rules.is_for(found, user, is_verified=has_verified(user, found.email))
    is_open = rules.is_open(found, app_now())
    if request.method == "POST":
        if user is None or not is_theirs:
            raise PermissionDenied("Sign in with the address that was invited.")
        actions.accept(found, user=user, now=app_now())
        request.session[ACTING_LAB] = found.lab.public_id
        messages.success(request, f"You now act for {found.lab.name}.")
        return redirect("tasks:start")
    context = {"invitation": found, "is_open": is_open, "is_theirs": is_theirs, "path": request.path}
    return render(request, "labs/invitation.html", context, status=200 if is_open else 410)


def _own(request: HttpRequest, invitation_id: UUID) -> Invitation:
    """Return an invitation of the lab this person owns."""
    membership = acting_membership(request)
    if membership is None:
        raise Http404
    if not lab_rules.can_manage(membership):
        raise PermissionDenied("Only an owner of the lab may do this.")
    return get_object_or_404(queries.invitations_of(membership.lab), pk=invitation_id)
