"""An expert's earnings, statement and payout account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.doors import login_required, signed_in
from experts.models import Expert
from experts.queries import expert_of
from kernel.csv_files import csv_response
from kernel.db import app_now
from kernel.money import format_money, usd
from kernel.templatetags.charts import Bar, Part
from payments import actions, queries
from payments.gateways.errors import GatewayError
from payments.models import Payee
from payments.queries import Week
from payments.requirements import country_in_words, coverage, in_words
from payments.rules import has_payout_rail
from payments.states import PayeeState

FIRST_YEAR = 2020


@require_safe
@never_cache
@login_required
def earnings(request: HttpRequest) -> HttpResponse:
    """Show what was earned, by week and by payout; one payout is open with its lines."""
    expert = _expert(request)
    earned = queries.earnings_of(expert, app_now())
    opened = request.GET.get("open", "")
    context = {
        "earned": earned,
        "columns": bars_of(earned.weeks),
        "chart_label": chart_label(earned.weeks),
        "opened": opened,
        "lines": queries.pay_lines_of(expert, opened) if opened else [],
    }
    return render(request, "payments/earnings.html", context)


@require_safe
@never_cache
@login_required
def year(request: HttpRequest, year: int) -> HttpResponse:
    """Show a year by month: what was earned and sent, its statements; one month is open with its lines."""
    expert = _expert(request)
    _check_year(year)
    opened = request.GET.get("open", "")
    context = {
        "year": queries.earnings_in(expert, year, app_now()),
        "opened": opened,
        "lines": queries.pay_lines_of(expert, opened) if opened else [],
    }
    return render(request, "payments/year.html", context)


@require_safe
@login_required
def statement(request: HttpRequest, year: int, month: int | None = None) -> HttpResponse:
    """Hand out the pay lines of a year, or of one of its months, as CSV."""
    expert = _expert(request)
    _check_year(year)
    if month is not None and not 1 <= month <= 12:
        raise Http404
    period = queries.year_of(year) if month is None else queries.month_of(date(year, month, 1))
    name = f"{year}" if month is None else f"{year}-{month:02d}"
    return csv_response(queries.statement_rows(expert, period), f"guildhall-statement-{name}.csv")


@never_cache
@login_required
def payee(request: HttpRequest) -> HttpResponse:
    """Show how payouts stand; a POST makes a fresh link to Stripe and shows it."""
    expert = _expert(request)
    if request.method == "POST":
        return _send_to_stripe(request, expert)
    row = _read_again(request, queries.payee_of(expert))
    context = {
        "expert": expert,
        "country": country_in_words(expert.country),
        "payee": row,
        "needs": in_words(row.needs) if row else [],
        "has_rail": has_payout_rail(expert.country),
        "covered": coverage(),
        "states": PayeeState,
    }
    return render(request, "payments/payee.html", context)


def bars_of(weeks: Sequence[Week]) -> list[Bar]:
    """Return the weeks as columns: paid, on its way, accepted."""
    top = max((week.total_minor for week in weeks), default=0)
    return [
        Bar(
            _day(week.start),
            format_money(usd(round(week.total_minor, -2))).partition(".")[0] if week.total_minor else "",
            [
                Part(fill, value)
                for fill, value in (
                    ("brand", week.paid_minor),
                    ("motion", week.locked_minor),
                    ("brand-2", week.available_minor),
                )
                if value
            ],
            bool(top) and week.total_minor == top,
        )
        for week in weeks
    ]


def chart_label(weeks: Sequence[Week]) -> str:
    """Return the chart in words."""
    said = [f"{_day(week.start)}: {format_money(usd(week.total_minor))}" for week in weeks if week.total_minor]
    return "Earnings by week. " + ("; ".join(said) if said else "Nothing in the last twelve weeks.")


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= app_now().year:
        raise Http404


def _expert(request: HttpRequest) -> Expert:
    expert = expert_of(signed_in(request))
    if expert is None:
        raise PermissionDenied
    return expert


def _send_to_stripe(request: HttpRequest, expert: Expert) -> HttpResponse:
    now = app_now()
    try:
        url = actions.onboarding_link(actions.start_payee(expert, now=now), now=now)
    except GatewayError:
        return render(request, "payments/payee_later.html", status=503)
    return render(request, "payments/payee_link.html", {"url": url})


def _read_again(request: HttpRequest, row: Payee | None) -> Payee | None:
    """Ask Stripe afresh when the expert comes back from it; coming back does not mean that they are done."""
    if row is None or not ({"back", "again"} & set(request.GET)):
        return row
    try:
        return actions.read_payee(row.pk)
    except GatewayError:
        return row
