"""The ledger as finance reads it: its accounts, and the statement of any of them."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.doors import operator_required
from accounts.rules import is_finance
from kernel.csv_files import csv_response
from kernel.errors import Refused
from payments.forms import StatementForm
from payments.models import Account
from payments.queries.accounts import ROWS, account_rows, statement_csv_rows, statement_of


@require_safe
@never_cache
@operator_required(is_finance)
def ledger(request: HttpRequest) -> HttpResponse:
    """Show the statement of the account that is named, or else the accounts that begin with what is written."""
    form = StatementForm({"currency": "USD", **request.GET.dict()})
    context: dict[str, object] = {"form": form}
    if form.is_valid():
        wanted = form.cleaned_data
        account = Account.objects.filter(code=wanted["account"], currency=wanted["currency"]).first()
        context |= _statement(account, form) if account else _accounts(form)
    return render(request, "payments/ledger.html", context, status=200 if form.is_valid() else 422)


@require_safe
@operator_required(is_finance)
def ledger_csv(request: HttpRequest) -> HttpResponse:
    """Hand out an account's statement as CSV."""
    form = StatementForm({"currency": "USD", **request.GET.dict()})
    if not form.is_valid():
        raise Refused("Say which account, in which currency, and between which instants.")
    wanted = form.cleaned_data
    account = get_object_or_404(Account, code=wanted["account"], currency=wanted["currency"])
    rows = statement_csv_rows(account, wanted["since"], wanted["until"])
    return csv_response(rows, f"guildhall-{account.code.replace(':', '-')}-{account.currency}.csv")


def _statement(account: Account, form: StatementForm) -> dict[str, object]:
    wanted = form.cleaned_data
    shown = statement_of(account, wanted["since"], wanted["until"], after=wanted["after"])
    query = {name: form.data.get(name, "") for name in ("account", "currency", "since", "until")}
    return {"statement": shown, "query": urlencode(query)}


def _accounts(form: StatementForm) -> dict[str, object]:
    wanted = form.cleaned_data
    rows = account_rows(wanted["account"], wanted["currency"], after=wanted["beyond"])
    query = urlencode({name: wanted[name] for name in ("account", "currency")})
    return {"rows": rows[:ROWS], "query": query, "beyond": rows[ROWS - 1].account.code if len(rows) > ROWS else ""}
