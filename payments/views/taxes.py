"""Tax forms: what an expert owes, and finance's list for the adviser."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.doors import login_required, operator_required, signed_in
from accounts.rules import is_finance
from experts.queries import expert_of
from kernel.csv_files import csv_response
from kernel.db import app_now
from payments import actions, queries
from payments.forms import TaxPersonForm, tax_form
from payments.queries.taxes import tax_csv_rows, tax_experts, tax_profile_of, tax_rows

FIRST_YEAR = 2020
ROWS = 50


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def tax(request: HttpRequest) -> HttpResponse:
    """Show an expert's tax form and what a year sent; a POST says which form it is."""
    expert, now = expert_of(signed_in(request)), app_now()
    if expert is None:
        raise PermissionDenied
    profile = tax_profile_of(expert)
    form = tax_form(request.POST if request.method == "POST" else None, profile)
    if request.method == "POST" and form.is_valid():
        actions.declare_tax_form(expert, is_us_person=form.cleaned_data["person"] == TaxPersonForm.US, now=now)
        return redirect("payments:tax")
    year = queries.earnings_in(expert, now.year, now)
    context = {"expert": expert, "profile": profile, "form": form, "year": year, "payee": queries.payee_of(expert)}
    return render(request, "payments/tax.html", context, status=422 if form.errors else 200)


@require_safe
@never_cache
@operator_required(is_finance)
def tax_desk(request: HttpRequest) -> HttpResponse:
    """List who owes which form, and what this year sent them."""
    year = app_now().year
    page = Paginator(tax_experts(year), ROWS).get_page(request.GET.get("page"))
    context = {"year": year, "rows": page, "shown": tax_rows(list(page))}
    return render(request, "payments/tax_desk.html", context)


@require_safe
@operator_required(is_finance)
def tax_csv(request: HttpRequest, year: int) -> HttpResponse:
    """Hand out a year's list for the adviser."""
    if not FIRST_YEAR <= year <= app_now().year:
        raise Http404
    return csv_response(tax_csv_rows(year), f"guildhall-tax-{year}.csv")
