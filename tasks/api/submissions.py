"""Answers as they were handed in, and the lab's own verdict on them within the window."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from experts.queries import credential_classes_by_expert
from kernel.db import app_now
from kernel.errors import FieldError, Invalid
from kernel.ids import BadId
from labs.doors import (
    IDEMPOTENCY,
    PAGING,
    READ,
    WRITE,
    LabView,
    Nothing,
    keyset_page,
    page_of,
    query,
    read_choice,
    read_choices,
    refuse_unknown_parameters,
)
from labs.models import Scope
from tasks import lab_queries
from tasks.actions import reviews
from tasks.api import finding
from tasks.models import Batch, Review, Submission, Task
from tasks.serializers.results import FixIn, RejectIn, SubmissionOut
from tasks.states import ClaimState

TAG = ["submissions"]
EXPANDED = ("response", "stages", "provenance")
EXPAND = query("expand", "`response` adds the answer; `stages` and `provenance` are there in any case. Commas between.")
FILTERS = ("state", "batch", "task", "expand")


class SubmissionView(LabView):
    """A view about what was handed in for the caller."""

    scopes = {"GET": Scope.RESULTS_READ, "POST": Scope.TASKS_WRITE}

    def rows(self) -> Any:
        """List what was handed in for the caller."""
        return lab_queries.submissions_of(self.lab, self.key.mode)

    def shown(self, submissions: list[Submission], *, is_expanded: bool) -> list[dict[str, Any]]:
        """Show submissions with their judgements, and their answers on request."""
        now = app_now()
        judged = lab_queries.reviews_by_submission(submissions)
        classes = credential_classes_by_expert({row.claim.expert_id for row in submissions}, now.date())
        rows = [lab_queries.submission_row(row, judged[row.pk], classes) for row in submissions]
        if is_expanded:
            opened = lab_queries.opened_responses(self.lab, submissions, by=self.key.public_id, at=now)
            rows = [{**row, "response": response} for row, response in zip(rows, opened, strict=True)]
        return [dict(row) for row in SubmissionOut(rows, many=True).data]

    def one_shown(self, submission_id: object) -> dict[str, Any]:
        """Show one submission as it stands now."""
        (row,) = self.shown([finding.one(self.rows(), submission_id)], is_expanded=False)
        return row


class Submissions(SubmissionView):
    """All submissions."""

    @extend_schema(
        operation_id="list_submissions",
        tags=TAG,
        parameters=[
            *PAGING,
            query("state", "Only those whose claim is in this state.", choices=ClaimState.values),
            query("batch", "Only those of this batch."),
            query("task", "Only those of this task."),
            EXPAND,
        ],
        responses={200: page_of(SubmissionOut), **READ},
    )
    def get(self, request: Request) -> Response:
        """List submissions, newest first; experts are pseudonyms."""
        rows = self.rows()
        if state := read_choice(request, "state", ClaimState.values):
            rows = rows.filter(claim__state=state)
        if "batch" in request.query_params:
            rows = rows.filter(claim__batch=_id_of(request, "batch", Batch))
        if "task" in request.query_params:
            rows = rows.filter(claim__task=_id_of(request, "task", Task))
        is_expanded = _wants_response(request)
        rows = lab_queries.listed(rows, with_response=is_expanded)
        show = partial(self.shown, is_expanded=is_expanded)
        return Response(keyset_page(request, rows, show, filters=FILTERS))


class OneSubmission(SubmissionView):
    """One submission."""

    @extend_schema(
        operation_id="get_submission",
        tags=TAG,
        parameters=[EXPAND],
        responses={200: SubmissionOut, **READ},
    )
    def get(self, request: Request, submission_id: UUID) -> Response:
        """Show a submission with its stages and provenance."""
        refuse_unknown_parameters(request, {"expand"})
        is_expanded = _wants_response(request)
        submission = finding.one(lab_queries.listed(self.rows(), with_response=is_expanded), submission_id)
        return Response(self.shown([submission], is_expanded=is_expanded)[0])


class JudgeSubmission(SubmissionView):
    """The lab's verdict, while the answer waits for one."""

    takes: ClassVar[Any] = Nothing

    def post(self, request: Request, submission_id: UUID) -> Response:
        """Judge the submission and show it."""
        submission = finding.one(self.rows(), submission_id)
        self.judge(submission, self.body(self.takes))
        return Response(self.one_shown(submission_id))

    def judge(self, submission: Submission, values: dict[str, Any]) -> Review:
        """Do the verb; each one says how."""
        raise AssertionError("every verdict has its own")

    def rebuilt(self, object_id: str) -> Response:
        """Show the submission that an earlier verdict was about."""
        review = finding.by_id(Review.objects.filter(submission__in=self.rows().values("pk")), object_id)
        return Response(self.one_shown(review.submission_id))


class AcceptSubmission(JudgeSubmission):
    """Accept."""

    @extend_schema(
        operation_id="accept_submission",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=None,
        responses={200: SubmissionOut, **WRITE},
    )
    def post(self, request: Request, submission_id: UUID) -> Response:
        """Accept an answer on your own word, within the window; the open review is void."""
        return super().post(request, submission_id)

    def judge(self, submission: Submission, values: dict[str, Any]) -> Review:
        """Accept it."""
        return reviews.lab_accept(submission, by=self.key, now=app_now())


class FixSubmission(JudgeSubmission):
    """Accept with one's own version."""

    takes = FixIn

    @extend_schema(
        operation_id="fix_submission",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=FixIn,
        responses={200: SubmissionOut, **WRITE},
    )
    def post(self, request: Request, submission_id: UUID) -> Response:
        """Accept an answer with your own version in its place; the expert is paid in full."""
        return super().post(request, submission_id)

    def judge(self, submission: Submission, values: dict[str, Any]) -> Review:
        """Accept the lab's version; what is wrong with it is named by its place in the body."""
        try:
            return reviews.lab_fix(submission, by=self.key, now=app_now(), **values)
        except Invalid as refusal:
            raise refusal.below("/response") from refusal


class RejectSubmission(JudgeSubmission):
    """Reject."""

    takes = RejectIn

    @extend_schema(
        operation_id="reject_submission",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=RejectIn,
        responses={200: SubmissionOut, **WRITE},
    )
    def post(self, request: Request, submission_id: UUID) -> Response:
        """Reject an answer with a category and at least 100 characters; its time is paid all the same."""
        return super().post(request, submission_id)

    def judge(self, submission: Submission, values: dict[str, Any]) -> Review:
        """Reject it."""
        return reviews.lab_reject(submission, by=self.key, now=app_now(), **values)


def _wants_response(request: Request) -> bool:
    return "response" in read_choices(request, "expand", EXPANDED)


def _id_of(request: Request, name: str, model: Any) -> UUID:
    try:
        found: UUID = model.parse_id(request.query_params[name])
    except BadId as error:
        raise Invalid([FieldError(f"?{name}", "wrong_form", str(error))]) from error
    return found
