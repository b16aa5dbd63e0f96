"""The console's pages about webhooks: endpoints, what was delivered to each, and one delivery."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.doors import login_required, signed_in
from kernel.db import app_now
from kernel.errors import Invalid
from labs import rules
from labs.models import Member, WebhookEndpoint
from labs.queries import acting_membership
from labs.webhooks import actions, queries
from labs.webhooks.forms import ChangeForm, EndpointForm, StateForm, change_form


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhooks(request: HttpRequest) -> HttpResponse:
    """List the lab's endpoints; a POST makes one and shows its secret, this once."""
    membership = _membership(request)
    form = EndpointForm(request.POST or None)
    made = None
    if request.method == "POST":
        _require_owner(membership)
        if form.is_valid():
            made = _make(request, membership, form)
    context = {
        "can_manage": rules.can_manage(membership),
        "rows": queries.endpoint_rows(membership.lab),
        "form": EndpointForm() if made else form,
        "made": made,
    }
    return render(request, "labs/webhooks.html", context, status=422 if form.errors and made is None else 200)


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Show an endpoint with its deliveries; a POST changes it."""
    membership, endpoint = _endpoint(request, endpoint_id)
    form = change_form(endpoint, request.POST or None)
    if request.method == "POST":
        _require_owner(membership)
        if form.is_valid() and _change(request, endpoint, form):
            messages.success(request, "The endpoint is changed.")
            return redirect("labs:webhook", endpoint.pk)
    return _page(request, membership, endpoint, form, None)


@require_POST
@login_required
def test_webhook(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Send the endpoint a test event."""
    membership, endpoint = _endpoint(request, endpoint_id)
    _require_owner(membership)
    delivery = actions.send_trial(endpoint, by=signed_in(request), now=app_now())
    messages.success(request, "A test event is on its way. Load this page again to see what came of it.")
    return redirect("labs:webhook_delivery", endpoint.pk, delivery.pk)


@require_POST
@never_cache
@login_required
def rotate_webhook(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Make a new secret and show it, this once; both sign for a day."""
    membership, endpoint = _endpoint(request, endpoint_id)
    _require_owner(membership)
    endpoint, secret = actions.rotate_secret(endpoint, by=signed_in(request), now=app_now())
    return _page(request, membership, endpoint, change_form(endpoint), secret)


@require_POST
@login_required
def switch_webhook(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Enable or disable an endpoint."""
    membership, endpoint = _endpoint(request, endpoint_id)
    _require_owner(membership)
    form = StateForm(request.POST)
    if not form.is_valid():
        raise BadRequest
    actions.change_endpoint(endpoint, state=form.cleaned_data["state"], by=signed_in(request), now=app_now())
    return redirect("labs:webhook", endpoint.pk)


@require_POST
@login_required
def remove_webhook(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Take an endpoint away."""
    membership, endpoint = _endpoint(request, endpoint_id)
    _require_owner(membership)
    actions.remove_endpoint(endpoint, by=signed_in(request), now=app_now())
    messages.success(request, "The endpoint is removed, and its secret with it.")
    return redirect("labs:webhooks")


@require_safe
@never_cache
@login_required
def webhook_delivery(request: HttpRequest, endpoint_id: UUID, delivery_id: UUID) -> HttpResponse:
    """Show what is sent, and what came of each attempt."""
    membership, endpoint = _endpoint(request, endpoint_id)
    delivery = get_object_or_404(queries.deliveries_of(endpoint), pk=delivery_id)
    context = {
        "endpoint": endpoint,
        "can_manage": rules.can_manage(membership),
        "row": queries.delivery_row(delivery),
        "attempts": queries.attempt_rows(delivery),
        "body": queries.shown_body(delivery),
    }
    return render(request, "labs/webhook_delivery.html", context)


@require_POST
@login_required
def replay_webhook(request: HttpRequest, endpoint_id: UUID, delivery_id: UUID) -> HttpResponse:
    """Send a delivery once more."""
    membership, endpoint = _endpoint(request, endpoint_id)
    _require_owner(membership)
    delivery = get_object_or_404(queries.deliveries_of(endpoint), pk=delivery_id)
    actions.replay_delivery(delivery, by=signed_in(request), now=app_now())
    messages.success(request, "It goes once more, under the same webhook-id.")
    return redirect("labs:webhook_delivery", endpoint.pk, delivery.pk)


def _membership(request: HttpRequest) -> Member:
    """Return the membership the console acts under; to anyone else its pages do not exist."""
    membership = acting_membership(request)
    if membership is None:
        raise Http404
    return membership


def _endpoint(request: HttpRequest, endpoint_id: UUID) -> tuple[Member, WebhookEndpoint]:
    membership = _membership(request)
    return membership, get_object_or_404(queries.endpoints_of(membership.lab), pk=endpoint_id)


def _require_owner(membership: Member) -> None:
    if not rules.can_manage(membership):
        raise PermissionDenied("Only an owner of the lab may do this.")


def _make(request: HttpRequest, membership: Member, form: EndpointForm) -> str | None:
    try:
        by, now = signed_in(request), app_now()
        return actions.create_endpoint(membership.lab, by=by, now=now, **form.cleaned_data)[1]
    except Invalid as refusal:
        form.add_errors(refusal.errors)
        return None


def _change(request: HttpRequest, endpoint: WebhookEndpoint, form: ChangeForm) -> bool:
    try:
        actions.change_endpoint(endpoint, by=signed_in(request), now=app_now(), **form.cleaned_data)
    except Invalid as refusal:
        form.add_errors(refusal.errors)
        return False
    return True


def _page(
    request: HttpRequest, membership: Member, endpoint: WebhookEndpoint, form: ChangeForm, secret: str | None
) -> HttpResponse:
    context: dict[str, Any] = {
        "endpoint": endpoint,
        "can_manage": rules.can_manage(membership),
        "form": form,
        "made": secret,
        "log": queries.log_page(endpoint, request.GET.get("state", ""), request.GET.get("before", "")),
        "now": app_now(),
    }
    return render(request, "labs/webhook.html", context, status=422 if form.errors else 200)
