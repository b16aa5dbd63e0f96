"""What differs between the ledger and Stripe: the last comparison, what waits, and what was resolved."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.doors import operator_required, recently_authenticated, signed_in
from accounts.rules import is_finance
from kernel.db import app_now
from kernel.errors import Refused
from payments import actions
from payments.actions.differences import BOOKINGS
from payments.forms import ResolveForm
from payments.models import Difference
from payments.queries.standstill import reconcile_page, why_standing_still


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@operator_required(is_finance)
def reconcile(request: HttpRequest) -> HttpResponse:
    """Show what differs; a press of the button has all of it compared again."""
    if request.method == "POST":
        actions.ask_to_reconcile(by=signed_in(request), now=app_now())
        messages.success(request, "All money is being compared with Stripe's. Load the page again in a moment.")
        return redirect("payments:reconcile")
    bookings = [(name, words) for name, (words, _) in BOOKINGS.items()]
    context = {"desk": reconcile_page(), "bookings": bookings, "standstill": why_standing_still()}
    return render(request, "payments/reconcile.html", context)


@require_POST
@recently_authenticated
@operator_required(is_finance)
def resolve(request: HttpRequest, difference_id: UUID) -> HttpResponse:
    """Resolve a difference that a person decides about."""
    difference = get_object_or_404(Difference, pk=difference_id)
    form = ResolveForm(request.POST)
    if not form.is_valid():
        raise Refused("Say why, in 3 to 400 characters.")
    actions.resolve_difference(
        difference,
        by=signed_in(request),
        reason=form.cleaned_data["reason"],
        book_as=form.cleaned_data["book_as"],
        now=app_now(),
    )
    messages.success(request, "Resolved.")
    return redirect("payments:reconcile")
