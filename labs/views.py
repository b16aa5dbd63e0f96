"""The lab's own pages: joining, keys, people; and the desk where operators decide on applications."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.doors import login_required, operator_required, signed_in
from accounts.rules import is_operator
from kernel.db import app_now
from kernel.errors import FieldError, Invalid
from labs import actions, queries, rules
from labs.forms import DecisionForm, InviteForm, KeyForm, LabForm, NetworksForm, RoleForm
from labs.invitations.actions import invite
from labs.invitations.queries import invitations_of
from labs.models import Member


@login_required
def signup(request: HttpRequest) -> HttpResponse:
    """Take a lab's application."""
    user = signed_in(request)
    form = LabForm(request.POST or None, initial={"contact_email": user.email})
    if request.method == "POST" and form.is_valid():
        lab = actions.register_lab(owner=user, now=app_now(), **form.values())
        request.session[queries.ACTING_LAB] = lab.public_id
        messages.success(request, "Thank you. An operator answers within two business days; test keys work at once.")
        return redirect("tasks:start")
    return render(request, "labs/signup.html", {"form": form}, status=422 if form.is_bound else 200)


@require_safe
@login_required
def terms(request: HttpRequest) -> HttpResponse:
    """Show what a lab agrees to."""
    return render(request, "labs/terms.html", {"version": actions.TERMS_VERSION})


@never_cache
@login_required
def keys(request: HttpRequest) -> HttpResponse:
    """List the lab's keys; a POST makes one and shows it, this once."""
    membership = _membership(request)
    form = KeyForm(request.POST or None)
    made = None
    if request.method == "POST":
        _require_owner(membership)
        if form.is_valid():
            made = _make_key(request, membership, form)
    return _keys_page(request, membership, form, made)


@require_POST
@never_cache
@login_required
def rotate_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Make a key's successor and show it, this once; both work for a day."""
    membership = _membership(request)
    _require_owner(membership)
    key = get_object_or_404(queries.keys_of(membership.lab), pk=key_id)
    _, made = actions.rotate_api_key(key, by=signed_in(request), now=app_now())
    return _keys_page(request, membership, KeyForm(), made)


@never_cache
@login_required
def key_networks(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Say from which networks a key may be used."""
    membership = _membership(request)
    _require_owner(membership)
    key = get_object_or_404(queries.keys_of(membership.lab), pk=key_id)
    form = NetworksForm(request.POST or None, initial={"networks": "\n".join(key.allowed_networks)})
    if request.method == "POST" and form.is_valid():
        networks = form.cleaned_data["networks"]
        actions.bind_api_key(key, allowed_networks=networks, by=signed_in(request), now=app_now())
        messages.success(request, f"{key.label} works from {'these networks alone' if networks else 'anywhere'}.")
        return redirect("labs:keys")
    context = {"key": key, "form": form}
    return render(request, "labs/key_networks.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def revoke_key(request: HttpRequest, key_id: UUID) -> HttpResponse:
    """Stop a key from the next request on."""
    membership = _membership(request)
    _require_owner(membership)
    key = get_object_or_404(queries.keys_of(membership.lab), pk=key_id)
    actions.revoke_api_key(key, by=signed_in(request), now=app_now())
    messages.success(request, f"{key.label} is revoked: its next request is refused.")
    return redirect("labs:keys")


@login_required
def members(request: HttpRequest) -> HttpResponse:
    """List who acts for the lab and who is invited to; a POST invites somebody."""
    membership = _membership(request)
    form = InviteForm(request.POST or None)
    if request.method == "POST":
        _require_owner(membership)
        if form.is_valid() and _invite(request, membership, form):
            return redirect("labs:members")
    context = {
        "membership": membership,
        "lab": membership.lab,
        "can_manage": rules.can_manage(membership),
        "members": queries.members_of(membership.lab),
        "invitations": invitations_of(membership.lab),
        "now": app_now(),
        "signer": queries.signer_of_terms(membership.lab),
        "others": queries.memberships_of(signed_in(request)),
        "form": form,
    }
    return render(request, "labs/members.html", context, status=422 if form.is_bound else 200)


@require_POST
@login_required
def change_role(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Make a member an owner, or an owner a member."""
    membership = _membership(request)
    _require_owner(membership)
    member = get_object_or_404(queries.members_of(membership.lab), pk=member_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        raise Invalid([FieldError("role", "unknown", "Choose member or owner.")])
    actions.change_role(member, role=form.cleaned_data["role"], by=signed_in(request), now=app_now())
    messages.success(request, f"{member.user.get_full_name()} is now {form.cleaned_data['role']}.")
    return redirect("labs:members")


@require_POST
@login_required
def remove_member(request: HttpRequest, member_id: UUID) -> HttpResponse:
    """Take somebody off the lab."""
    membership = _membership(request)
    _require_owner(membership)
    member = get_object_or_404(queries.members_of(membership.lab), pk=member_id)
    actions.remove_member(member, by=signed_in(request), now=app_now())
    messages.success(request, f"{member.user.get_full_name()} no longer acts for {membership.lab.name}.")
    return redirect("labs:members")


@require_POST
@login_required
def switch(request: HttpRequest, lab_id: UUID) -> HttpResponse:
    """Act for another of one's labs from now on."""
    lab = get_object_or_404(queries.labs_of(signed_in(request)), pk=lab_id)
    request.session[queries.ACTING_LAB] = lab.public_id
    return redirect("labs:members")


@require_safe
@operator_required(is_operator)
def desk(request: HttpRequest) -> HttpResponse:
    """List the labs, those that wait for an answer first."""
    return _desk_page(request, None, None)


@require_POST
@operator_required(is_operator)
def decide(request: HttpRequest, lab_id: UUID) -> HttpResponse:
    """Approve or decline an application."""
    user = signed_in(request)
    lab = get_object_or_404(queries.labs_seen_by_operator(user), pk=lab_id)
    if not rules.can_decide(user, lab, queries.is_member(user, lab)):
        raise PermissionDenied
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _desk_page(request, lab_id, form)
    act = actions.approve_lab if form.cleaned_data["decision"] == "approve" else actions.decline_lab
    try:
        act(lab, by=user, reason=form.cleaned_data["reason"], now=app_now())
    except Invalid as refusal:
        form.add_error("reason", refusal.detail)
        return _desk_page(request, lab_id, form)
    messages.success(request, f"{lab.name}: decided, and its owners are told.")
    return redirect("labs:desk")


def _membership(request: HttpRequest) -> Member:
    """Return the membership the console acts under; to anyone else its pages do not exist."""
    membership = queries.acting_membership(request)
    if membership is None:
        raise Http404
    return membership


def _require_owner(membership: Member) -> None:
    if not rules.can_manage(membership):
        raise PermissionDenied("Only an owner of the lab may do this.")


def _make_key(request: HttpRequest, membership: Member, form: KeyForm) -> str | None:
    now = app_now()
    try:
        _, made = actions.create_api_key(membership.lab, by=signed_in(request), now=now, **form.values(now))
    except (Invalid, actions.LabNotActive) as refusal:
        form.add_error(None, refusal.detail)
        return None
    return made


def _keys_page(request: HttpRequest, membership: Member, form: KeyForm, made: str | None) -> HttpResponse:
    context: dict[str, Any] = {
        "lab": membership.lab,
        "can_manage": rules.can_manage(membership),
        "keys": queries.key_rows(membership.lab, app_now()),
        "form": form if made is None else KeyForm(),
        "made": made,
        "public_url": settings.PUBLIC_URL,
    }
    return render(request, "labs/keys.html", context, status=422 if form.errors and made is None else 200)


def _invite(request: HttpRequest, membership: Member, form: InviteForm) -> bool:
    email, role = form.cleaned_data["email"], form.cleaned_data["role"]
    try:
        invite(membership.lab, email=email, role=role, by=signed_in(request), now=app_now())
    except Invalid as refusal:
        form.add_error(None, refusal.detail)
        return False
    messages.success(request, f"A letter goes to {email}. Its link works once, for seven days.")
    return True


def _desk_page(request: HttpRequest, lab_id: UUID | None, form: DecisionForm | None) -> HttpResponse:
    user = signed_in(request)
    rows = queries.desk_rows(user, refused=lab_id, form=form or DecisionForm())
    context = {"rows": rows, "waiting": sum(row.is_waiting for row in rows), "can_decide": rules.may_decide(user)}
    return render(request, "labs/desk.html", context, status=422 if form is not None else 200)
