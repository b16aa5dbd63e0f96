"""What a lab spent, over REST: JSON for programs, CSV for spreadsheets."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.csv_files import csv_response
from kernel.errors import FieldError, Invalid
from kernel.ids import BadId, encode_id
from kernel.money import Money
from labs.doors import READ, LabView, query, read_choice, refuse_unknown_parameters
from labs.models import Mode, Scope
from payments.models import PLAY_MONEY
from tasks import spending
from tasks.models import Project

REAL_MONEY = ("USD", "EUR", "GBP")
FORMATS = ("json", "csv")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
PARAMETERS = {"by", "project", "since", "until", "currency", "format"}


class SpendRowOut(serializers.Serializer[Any]):
    """What one group cost, in minor units; parts that were not asked for are null."""

    project = serializers.CharField(allow_null=True)
    project_name = serializers.CharField(allow_null=True)
    batch = serializers.CharField(allow_null=True, help_text="Null too for seats that were closed out.")
    batch_name = serializers.CharField(allow_null=True)
    tier = serializers.IntegerField(allow_null=True)
    week_start = serializers.DateField(allow_null=True, help_text="The Monday of the week of pay, UTC.")
    lines = serializers.IntegerField(help_text="How many pay lines.")
    seconds = serializers.IntegerField()
    pay_minor = serializers.IntegerField()
    fee_minor = serializers.IntegerField()
    total_minor = serializers.IntegerField()


class SpendOut(serializers.Serializer[Any]):
    """Sums of the lab's pay lines; without filters `total_minor` is the `spent_minor` of the balance."""

    currency = serializers.CharField()
    by = serializers.ListField(child=serializers.ChoiceField(choices=spending.DIMENSIONS))
    total_minor = serializers.IntegerField()
    data = SpendRowOut(many=True)  # type: ignore[assignment]  # As a field it replaces the property of this name.


class Spend(LabView):
    """Where the money went."""

    scopes = {"GET": Scope.FUNDS_READ}

    @extend_schema(
        operation_id="get_spend",
        tags=["funds"],
        parameters=[
            query("by", "One or more of project, batch, tier and week, with commas; project by default."),
            query("project", "Only this project."),
            OpenApiParameter("since", OpenApiTypes.DATE, description="From the first Monday of this day or after."),
            OpenApiParameter("until", OpenApiTypes.DATE, description="Up to the week of this day."),
            query("currency", "USD by default; test keys always see XTS.", choices=REAL_MONEY),
            query("format", "`csv` for a file with the same columns whatever is asked for.", choices=FORMATS),
        ],
        responses={(200, "application/json"): SpendOut, (200, "text/csv"): OpenApiTypes.STR, **READ},
    )
    def get(self, request: Request) -> Response | HttpResponse:
        """Sum what was paid for decided work and its fees."""
        refuse_unknown_parameters(request, PARAMETERS)
        by, currency = _read_by(request), self._currency(request)
        is_csv = read_choice(request, "format", FORMATS) == "csv"
        rows = spending.spend_rows(
            self.lab,
            currency,
            by=by,
            project=_read_project(request),
            since=_read_day(request, "since"),
            until=_read_day(request, "until"),
        )
        if len(rows) > spending.MOST_ROWS:
            raise Invalid([FieldError("?by", "too_many", "This is over 10,000 rows. Name a project, or fewer weeks.")])
        if is_csv:
            return csv_response(spending.csv_rows(rows, currency), "spend.csv")
        total = sum((row.total for row in rows), Money.zero(currency))
        shown = {"currency": currency, "by": by, "total_minor": total.minor, "data": [_shown(row) for row in rows]}
        return Response(SpendOut(shown).data)

    def _currency(self, request: Request) -> str:
        is_test = self.key.mode == Mode.TEST
        wanted = read_choice(request, "currency", (*REAL_MONEY, PLAY_MONEY) if is_test else REAL_MONEY) or "USD"
        return PLAY_MONEY if is_test else wanted


def _read_by(request: Request) -> list[str]:
    words = request.query_params.get("by", "project").split(",")
    if len(set(words)) != len(words) or not set(words) <= set(spending.DIMENSIONS):
        known = ", ".join(spending.DIMENSIONS)
        raise Invalid([FieldError("?by", "unknown_value", f"Choose from {known}, each once, with commas.")])
    return [each for each in spending.DIMENSIONS if each in words]


def _read_project(request: Request) -> str | None:
    text = request.query_params.get("project")
    try:
        return text if text is None else encode_id(Project.PREFIX, Project.parse_id(text))
    except BadId as error:
        raise Invalid([FieldError("?project", "invalid", "This is not the id of a project.")]) from error


def _read_day(request: Request, name: str) -> date | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        if DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # No such day in the calendar.
    raise Invalid([FieldError(f"?{name}", "wrong_form", "Write the day as 2026-11-23.")])


def _shown(row: spending.SpendRow) -> dict[str, Any]:
    money = {"pay_minor": row.pay.minor, "fee_minor": row.fee.minor, "total_minor": row.total.minor}
    parts = ("project", "project_name", "batch", "batch_name", "tier", "week_start", "lines", "seconds")
    return {part: getattr(row, part) for part in parts} | money
