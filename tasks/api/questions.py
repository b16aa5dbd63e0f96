"""Questions of experts about a project's tasks, and the answers."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from kernel.db import app_now
from labs.doors import IDEMPOTENCY, PAGING, READ, WRITE, LabView, keyset_page, page_of, query, read_choice
from labs.models import Scope
from tasks import lab_queries
from tasks.actions.questions import answer_question
from tasks.api import finding
from tasks.models import Question
from tasks.pages.questions import Asked, opened_for_lab, questions_of_lab
from tasks.serializers.questions import AnswerIn, QuestionOut

TAG = ["questions"]


class QuestionView(LabView):
    """A view about the questions on one of the caller's projects."""

    scopes = {"GET": Scope.RESULTS_READ, "POST": Scope.TASKS_WRITE}

    def rows(self, project_id: UUID) -> QuerySet[Question]:
        """List the project's questions; another's project is not there."""
        project = finding.one(lab_queries.projects_of(self.lab, self.key.mode), project_id)
        return questions_of_lab(self.lab, self.key.mode).filter(project=project)

    def shown_of_project(self, rows: list[Question]) -> list[dict[str, Any]]:
        """Open questions on one project and show them."""
        return self.shown(rows, rows[0].project.public_id if rows else "")

    def shown(self, rows: list[Question], subject: str) -> list[dict[str, Any]]:
        """Open questions and show them; one access row for all."""
        if not rows:
            return []
        opened = opened_for_lab(rows, self.lab, by=self.key.public_id, subject=subject, now=app_now())
        return [dict(QuestionOut(_shown(one)).data) for one in opened]


class Questions(QuestionView):
    """All questions on a project."""

    @extend_schema(
        operation_id="list_questions",
        tags=TAG,
        parameters=[*PAGING, query("answered", "Only those with an answer, or without.", choices=["true", "false"])],
        responses={200: page_of(QuestionOut), **READ},
    )
    def get(self, request: Request, project_id: UUID) -> Response:
        """List questions with their words, newest first; experts are pseudonyms."""
        rows = self.rows(project_id)
        if answered := read_choice(request, "answered", ["true", "false"]):
            rows = rows.filter(answered_at__isnull=answered == "false")
        return Response(keyset_page(request, rows, self.shown_of_project, filters=("answered",)))


class AnswerQuestion(QuestionView):
    """The answer to a question."""

    @extend_schema(
        operation_id="answer_question",
        tags=TAG,
        parameters=[IDEMPOTENCY],
        request=AnswerIn,
        responses={200: QuestionOut, **WRITE},
    )
    def post(self, request: Request, project_id: UUID, question_id: UUID) -> Response:
        """Answer a question, once; the asker is told that there is an answer, and reads it with the task."""
        question = finding.one(self.rows(project_id), question_id)
        answer_question(question, by=self.key, now=app_now(), **self.body(AnswerIn))
        return self._one(question)

    def rebuilt(self, object_id: str) -> Response:
        """Show the question that an earlier request answered."""
        return self._one(finding.by_id(self.rows(self.kwargs["project_id"]), object_id))

    def _one(self, question: Question) -> Response:
        return Response(self.shown([question], question.public_id)[0])


def _shown(asked: Asked) -> dict[str, Any]:
    row = asked.question
    return {
        "id": row.public_id,
        "project": row.project.public_id,
        "task": row.claim.task.public_id,
        "expert": asked.who,
        "text": asked.text,
        "asked_at": row.asked_at,
        "answer": asked.answer or None,
        "answered_at": row.answered_at,
        "is_public": row.is_public,
    }
