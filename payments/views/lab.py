"""A lab's funds: five numbers, where they are, and how to add to them."""

from __future__ import annotations

from uuid import uuid4

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.doors import login_required, signed_in
from kernel.db import app_now
from labs.models import Member
from labs.queries import acting_membership
from labs.rules import can_manage
from payments import actions, queries
from payments.forms import PayInForm, TopUpForm, can_use_test_cards, pay_in_form, test_card_form
from payments.gateways.errors import GatewayError
from payments.models import Funding
from payments.states import FundingState

CURRENCY = "USD"


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def funds(request: HttpRequest) -> HttpResponse:
    """Show the lab's money; a POST charges a test card, and answers with how it went."""
    membership = _membership(request)
    form = test_card_form(request.POST or None, uuid4().hex)
    if request.method == "POST":
        if not (can_manage(membership) and can_use_test_cards()):
            raise PermissionDenied
        if form.is_valid():
            return _top_up(request, membership, form)
    return _page(request, membership, form, pay_in_form(None, uuid4().hex))


@require_POST
@never_cache
@login_required
def pay_in(request: HttpRequest) -> HttpResponse:
    """Open a page of Stripe's on which the lab pays; the funds page links to it."""
    membership = _membership(request)
    if not can_manage(membership):
        raise PermissionDenied
    form = pay_in_form(request.POST, uuid4().hex)
    if not form.is_valid():
        return _page(request, membership, test_card_form(None, uuid4().hex), form)
    data = form.cleaned_data
    funding = actions.start_hosted_funding(
        membership.lab, form.money(), by=signed_in(request), now=app_now(),
        way=data["way"], po_number=data["po_number"], press=data["press"],
    )  # fmt: skip
    try:
        actions.open_invoice(funding.pk)
        messages.success(request, "Your invoice is open. Pay it on Stripe's page, from the list of payments below.")
    except GatewayError:
        messages.info(request, "Stripe is slow to answer. The page to pay on appears in the list below within minutes.")
    return redirect("payments:funds")


def _page(request: HttpRequest, membership: Member, form: TopUpForm, pay_form: PayInForm) -> HttpResponse:
    context = {
        "lab": membership.lab,
        "funds": queries.lab_funds(membership.lab, CURRENCY),
        "budgets": queries.budgets_of(membership.lab, CURRENCY),
        "fundings": queries.fundings_of(membership.lab),
        "documents": queries.documents_of_lab(membership.lab),
        "form": form,
        "pay_form": pay_form,
        "can_use_test_cards": can_manage(membership) and can_use_test_cards(),
        "can_manage": can_manage(membership),
    }
    return render(request, "payments/funds.html", context, status=422 if form.errors or pay_form.errors else 200)


def _top_up(request: HttpRequest, membership: Member, form: TopUpForm) -> HttpResponse:
    funding = actions.start_funding(
        membership.lab,
        form.money(),
        by=signed_in(request),
        now=app_now(),
        payment_method=form.cleaned_data["payment_method"],
        press=form.cleaned_data["press"],
    )
    try:
        funding = actions.carry_funding(funding.pk)
    except GatewayError:
        funding.refresh_from_db()
    _say(request, funding)
    return redirect("payments:funds")


def _say(request: HttpRequest, funding: Funding) -> None:
    if funding.state == FundingState.FAILED:
        messages.error(request, f"The card was declined, and nothing was charged. {funding.failure_detail}")
    elif funding.state in (FundingState.SUCCEEDED, FundingState.SETTLED):
        messages.success(request, "The payment is confirmed. Allocate it to a project to start work.")
    else:
        messages.info(request, "The payment is under way. Your balance grows as soon as Stripe confirms it.")


def _membership(request: HttpRequest) -> Member:
    membership = acting_membership(request)
    if membership is None:
        raise PermissionDenied
    return membership
