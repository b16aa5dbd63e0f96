"""A lab's money as it sees it by API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.errors import FieldError, Invalid
from labs.doors import PAGING, READ, LabView, page_of, query, read_choice, refuse_unknown_parameters
from labs.doors.paging import read_limit
from labs.models import Mode, Scope
from payments.models import PLAY_MONEY
from payments.queries import JournalLine, is_line_of, journal_of, lab_funds, place_of

REAL_MONEY = ("USD", "EUR", "GBP")
ACCOUNTS = ("prepaid", "budget", "held")


class BalanceOut(serializers.Serializer[Any]):
    """A lab's money, in minor units; prepaid = available + allocated + held + spent."""

    currency = serializers.CharField()
    prepaid_minor = serializers.IntegerField(help_text="Paid in, refunds taken off.")
    allocated_minor = serializers.IntegerField(help_text="In budgets of projects, held by no claim.")
    held_minor = serializers.IntegerField(help_text="Set aside for work under way.")
    spent_minor = serializers.IntegerField(help_text="Pay and fees of what was decided.")
    available_minor = serializers.IntegerField(help_text="Given to no project.")


class JournalLineOut(serializers.Serializer[Any]):
    """One change of an account: what it added, negative where it took, and what the account held after it."""

    entry = serializers.CharField(help_text="The ledger's own key of the change: unique, and the cursor of the page.")
    at = serializers.DateTimeField()
    kind = serializers.CharField(help_text="funding, play_money, allocate, deallocate, hold, release, settle and more.")
    amount_minor = serializers.IntegerField()
    balance_minor = serializers.IntegerField()
    currency = serializers.CharField()
    about = serializers.DictField(child=serializers.JSONField(), help_text="What it was for, by id.")


class FundsView(LabView):
    """An address about the lab's money, read with its scope."""

    scopes = {"GET": Scope.FUNDS_READ}

    def currency(self, request: Request) -> str:
        """Return the currency asked for: play money for a test key, whatever it asks, and for no other."""
        is_test = self.key.mode == Mode.TEST
        wanted = read_choice(request, "currency", (*REAL_MONEY, PLAY_MONEY) if is_test else REAL_MONEY) or "USD"
        return PLAY_MONEY if is_test else wanted


class Balance(FundsView):
    """The lab's money."""

    @extend_schema(
        operation_id="get_balance",
        tags=["funds"],
        parameters=[query("currency", "USD by default; test keys always see XTS.", choices=REAL_MONEY)],
        responses={200: BalanceOut, **READ},
    )
    def get(self, request: Request) -> Response:
        """Show the lab's five numbers; they add up."""
        refuse_unknown_parameters(request, {"currency"})
        currency = self.currency(request)
        funds = lab_funds(self.lab, currency)
        shown = {
            "currency": currency,
            "prepaid_minor": funds.prepaid.minor,
            "allocated_minor": funds.allocated.minor,
            "held_minor": funds.held.minor,
            "spent_minor": funds.spent.minor,
            "available_minor": funds.available.minor,
        }
        return Response(BalanceOut(shown).data)


class Ledger(FundsView):
    """The journal of the lab's own accounts."""

    @extend_schema(
        operation_id="list_ledger",
        tags=["funds"],
        parameters=[
            *PAGING,
            query("account", "`prepaid` by default; `budget` and `held` are a project's.", choices=ACCOUNTS),
            query("project", "Whose budget or held money; only with those."),
            query("currency", "USD by default; test keys always see XTS.", choices=REAL_MONEY),
        ],
        responses={200: page_of(JournalLineOut), **READ},
    )
    def get(self, request: Request) -> Response:
        """List every change of an account, newest first, each with the balance after it."""
        refuse_unknown_parameters(request, {"limit", "cursor", "account", "project", "currency"})
        account = read_choice(request, "account", ACCOUNTS) or "prepaid"
        project = request.query_params.get("project")
        if (project is None) != (account == "prepaid"):
            say = (
                "Name the project whose account this is." if project is None else "The prepaid account has no project."
            )
            raise Invalid([FieldError("?project", "required" if project is None else "unknown_parameter", say)])
        place = place_of(self.lab, account, project, self.currency(request))
        before = request.query_params.get("cursor")
        if before is not None and (place is None or not is_line_of(place, before)):
            raise Invalid([FieldError("?cursor", "invalid", "This is not a cursor of this list. Start without one.")])
        limit = read_limit(request)
        lines = journal_of(place, before=before, limit=limit + 1) if place else []
        more = len(lines) > limit
        data = [_shown_line(line) for line in lines[:limit]]
        return Response({"data": data, "next_cursor": data[-1]["entry"] if more else None})


def _shown_line(line: JournalLine) -> dict[str, Any]:
    row = {
        "entry": line.entry,
        "at": line.at,
        "kind": line.kind,
        "amount_minor": line.amount.minor,
        "balance_minor": line.balance.minor,
        "currency": line.amount.currency,
        "about": line.memo,
    }
    return dict(JournalLineOut(row).data)
