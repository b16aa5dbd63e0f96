"""A lab's money as it sees it by API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.db import app_now
from kernel.errors import FieldError, Invalid
from kernel.money import Money
from labs.doors import (
    IDEMPOTENCY,
    PAGING,
    READ,
    WRITE,
    LabView,
    MoneySerializer,
    SafeChoiceField,
    SafeNameField,
    StrictSerializer,
    keyset_page,
    page_of,
    query,
    read_choice,
    refuse_unknown_parameters,
)
from labs.doors.paging import read_limit
from labs.models import Mode, Scope
from payments import actions
from payments.gateways.errors import GatewayError
from payments.models import PLAY_MONEY, Funding, FundingWay
from payments.queries import JournalLine, fundings_seen_by, is_line_of, journal_of, lab_funds, place_of
from payments.states import FundingState

REAL_MONEY = ("USD", "EUR", "GBP")
METHODS = (FundingWay.CARD_PAGE.value, FundingWay.INVOICE.value)
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


class FundingIn(StrictSerializer):
    """What a lab means to pay in."""

    amount = MoneySerializer(help_text="Between $10.00 and $1,000,000.00.")
    method = SafeChoiceField(
        choices=METHODS,
        help_text="`card`: a page to pay on now. `invoice`: mailed too, takes bank transfers, due in 30 days.",
    )
    po_number = SafeNameField(max_length=100, required=False, allow_blank=True, help_text="Printed on the invoice.")


class FundingOut(serializers.Serializer[Any]):
    """A payment of the lab's; it adds to the balance once Stripe confirms it."""

    id = serializers.CharField()
    state = serializers.ChoiceField(choices=FundingState.choices)
    method = serializers.ChoiceField(choices=FundingWay.choices)
    amount = MoneySerializer()
    po_number = serializers.CharField(allow_blank=True)
    hosted_url = serializers.CharField(allow_null=True, help_text="Where it is paid; null until the page is ready.")
    invoice_number = serializers.CharField(allow_null=True)
    problem = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)
    settled_at = serializers.DateTimeField(allow_null=True)


class Fundings(LabView):
    """What the lab paid in."""

    scopes = {"GET": Scope.FUNDS_READ, "POST": Scope.ADMIN}

    @extend_schema(
        operation_id="list_fundings", tags=["funds"], parameters=[*PAGING],
        responses={200: page_of(FundingOut), **READ},
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        """List the lab's payments, newest first."""
        return Response(keyset_page(request, fundings_seen_by(self.key), lambda page: map(_shown_funding, page)))

    @extend_schema(
        operation_id="create_funding", tags=["funds"], parameters=[IDEMPOTENCY], request=FundingIn,
        responses={201: FundingOut, **WRITE},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Open a page on which to pay in. The balance grows when Stripe confirms the money, in play at once."""
        refuse_unknown_parameters(request, ())
        values = self.body(FundingIn)
        start = actions.fund_in_play if self.key.mode == Mode.TEST else actions.start_hosted_funding
        funding = start(
            self.lab,
            Money(values["amount"]["amount_minor"], values["amount"]["currency"]),
            way=values["method"],
            po_number=values.get("po_number", ""),
            by=self.key,
            now=app_now(),
        )
        return Response(_shown_funding(_opened(funding)), status=201)

    def rebuilt(self, object_id: str) -> Response:
        """Answer with the funding that the first request started, its page opened if that is still to be done."""
        funding = get_object_or_404(fundings_seen_by(self.key), pk=Funding.parse_id(object_id))
        return Response(_shown_funding(_opened(funding)), status=201)


class OneFunding(LabView):
    """One payment."""

    scopes = {"GET": Scope.FUNDS_READ}

    @extend_schema(operation_id="get_funding", tags=["funds"], responses={200: FundingOut, **READ})
    def get(self, request: Request, funding_id: UUID) -> Response:
        """Show how far a payment is."""
        refuse_unknown_parameters(request, ())
        return Response(_shown_funding(get_object_or_404(fundings_seen_by(self.key), pk=funding_id)))


def _opened(funding: Funding) -> Funding:
    """Open the page now; while Stripe is out of reach the job keeps trying, and the page comes later."""
    try:
        return actions.open_invoice(funding.pk)
    except GatewayError:
        return funding


def _shown_funding(funding: Funding) -> dict[str, Any]:
    row = {
        "id": funding.public_id,
        "state": funding.state,
        "method": funding.way,
        "amount": {"amount_minor": funding.amount_minor, "currency": funding.currency},
        "po_number": funding.po_number,
        "hosted_url": funding.hosted_url or None,
        "invoice_number": funding.invoice_number or None,
        "problem": funding.failure_detail or None,
        "created_at": funding.created_at,
        "paid_at": funding.succeeded_at,
        "settled_at": funding.settled_at,
    }
    return dict(FundingOut(row).data)


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
