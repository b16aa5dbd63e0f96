"""Cases: a lab asks a person about work it accepted, and reads what was decided about its projects."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from experts.models import Case
from experts.states import CaseKind, CaseSide
from kernel.db import app_now
from labs.doors import (
    IDEMPOTENCY,
    PAGING,
    READ,
    WRITE,
    LabView,
    keyset_page,
    page_of,
    refuse_unknown_parameters,
    rows_as,
)
from labs.models import Scope
from tasks import lab_queries
from tasks.actions import cases as actions
from tasks.api import finding
from tasks.pages import cases as page
from tasks.serializers.cases import AppealIn, CaseIn, CaseOut, ReasonedCaseOut

TAG = ["cases"]


class CaseView(LabView):
    """A view about cases on the caller's projects."""

    scopes = {"GET": Scope.RESULTS_READ, "POST": Scope.TASKS_WRITE}

    def rows(self) -> QuerySet[Case]:
        """List the cases on the caller's projects, with their decisions."""
        return page.cases_of_lab(self.lab, self.key.mode)

    def shown(self, case_id: object) -> dict[str, Any]:
        """Show one case with the reasons that were given."""
        case = finding.one(self.rows(), case_id)
        shown = dict(CaseOut(case).data)
        reasons = page.reasons_for_lab(case, self.lab, by=self.key.public_id, now=app_now())
        return shown | {
            "decisions": [each | {"reasons": reasons[each["round"]]} for each in shown["decisions"]],
        }

    def rebuilt(self, object_id: str) -> Response:
        """Show the case that an earlier request was about."""
        case = finding.by_id(self.rows(), object_id)
        return Response(self.shown(case.pk), status=201)


class Cases(CaseView):
    """All cases."""

    @extend_schema(
        operation_id="list_cases", tags=TAG, parameters=list(PAGING), responses={200: page_of(CaseOut), **READ}
    )
    def get(self, request: Request) -> Response:
        """List cases on your projects, whoever opened them, newest first."""
        return Response(keyset_page(request, self.rows(), rows_as(CaseOut)))

    @extend_schema(
        operation_id="open_case",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=CaseIn,
        responses={201: ReasonedCaseOut, **WRITE},
    )
    def post(self, request: Request) -> Response:
        """Ask a person whether an accepted answer should be refunded; the expert keeps the pay in any case."""
        values = self.body(CaseIn)
        submission = finding.named(
            lab_queries.submissions_of(self.lab, self.key.mode), values["submission"], "/submission"
        )
        case = actions.open_case(
            submission.claim_id,
            kind=CaseKind.REFUND,
            by=self.key,
            lab=self.lab,
            words=values["words"],
            now=app_now(),
        )
        return Response(self.shown(case.pk), status=201)


class OneCase(CaseView):
    """One case."""

    @extend_schema(operation_id="get_case", tags=TAG, responses={200: ReasonedCaseOut, **READ})
    def get(self, request: Request, case_id: UUID) -> Response:
        """Show a case with the reasons of its decisions."""
        refuse_unknown_parameters(request, ())
        return Response(self.shown(case_id))


class AppealCase(CaseView):
    """A second person."""

    @extend_schema(
        operation_id="appeal_case",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=AppealIn,
        responses={200: ReasonedCaseOut, **WRITE},
    )
    def post(self, request: Request, case_id: UUID) -> Response:
        """Ask for a second, different person, within seven days of a decision against you."""
        case = finding.one(self.rows(), case_id)
        words = self.body(AppealIn)["words"]
        actions.appeal_case(case.pk, side=CaseSide.LAB, by=self.key, words=words, now=app_now())
        return Response(self.shown(case.pk))

    def rebuilt(self, object_id: str) -> Response:
        """Show the case that an earlier appeal was about."""
        return Response(self.shown(finding.by_id(self.rows(), object_id).pk))
