"""A lab's money as it sees it by API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from labs.doors import READ, LabView, query, read_choice, refuse_unknown_parameters
from labs.models import Mode, Scope
from payments.models import PLAY_MONEY
from payments.queries import lab_funds

REAL_MONEY = ("USD", "EUR", "GBP")


class BalanceOut(serializers.Serializer[Any]):
    """A lab's money, in minor units; prepaid = available + allocated + held + spent."""

    currency = serializers.CharField()
    prepaid_minor = serializers.IntegerField(help_text="Paid in, refunds taken off.")
    allocated_minor = serializers.IntegerField(help_text="In budgets of projects, held by no claim.")
    held_minor = serializers.IntegerField(help_text="Set aside for work under way.")
    spent_minor = serializers.IntegerField(help_text="Pay and fees of what was decided.")
    available_minor = serializers.IntegerField(help_text="Given to no project.")


class Balance(LabView):
    """The lab's money."""

    scopes = {"GET": Scope.FUNDS_READ}

    @extend_schema(
        operation_id="get_balance",
        tags=["funds"],
        parameters=[query("currency", "USD by default; test keys always see XTS.", choices=REAL_MONEY)],
        responses={200: BalanceOut, **READ},
    )
    def get(self, request: Request) -> Response:
        """Show the lab's five numbers; they add up."""
        refuse_unknown_parameters(request, {"currency"})
        wanted = read_choice(request, "currency", (*REAL_MONEY, PLAY_MONEY)) or "USD"
        currency = PLAY_MONEY if self.key.mode == Mode.TEST else wanted
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
