"""Questions as a bench, an expert's page and a lab's console show them, opened through the gate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db.models import Q, QuerySet

from agreements.queries import signed_newest
from experts.models import Expert
from experts.pseudonyms import pseudonym
from labs.models import Lab
from tasks import content
from tasks.models import TASK_CONTENT, Claim, Project, Question

MOST_SHOWN = 50


@dataclass(frozen=True)
class Asked:
    """A question, opened; without words its reader has to sign first."""

    question: Question
    who: str
    text: str = ""
    answer: str = ""


def questions_on(project: Project) -> QuerySet[Question]:
    """Return a project's questions, newest first."""
    return Question.objects.filter(project=project).select_related("claim__task")


def waiting_on(project: Project) -> int:
    """Count the questions on a project that wait for an answer."""
    return Question.objects.filter(project=project, answered_at__isnull=True).count()


def questions_of_lab(lab: Lab, mode: str | None = None) -> QuerySet[Question]:
    """Return a lab's questions, in one mode or both."""
    rows = Question.objects.filter(project__lab=lab).select_related("project__lab", "claim__task")
    rows = rows.defer(*(f"claim__task__{name}" for name in TASK_CONTENT))
    return rows if mode is None else rows.filter(project__mode=mode)


def shown_on_bench(claim: Claim, now: datetime) -> list[Asked]:
    """Return the expert's own questions on the project, and what the lab answered for everybody; one access row."""
    mine_or_public = Q(expert=claim.expert_id) | Q(is_public=True)
    rows = list(questions_on(claim.project).filter(mine_or_public)[:MOST_SHOWN])
    return _opened(claim, rows, now) if rows else []


def asked_by(expert: Expert, now: datetime) -> list[Asked]:
    """Return what an expert asked, newest first; what they may not read for want of a signature is without words."""
    rows = Question.objects.filter(expert=expert).select_related(
        "claim__task", "claim__agreement_version", "claim__expert__user", "claim__project__agreement"
    )
    found = list(rows[:MOST_SHOWN])
    opened: dict[object, Asked] = {}
    for _, group in groupby(sorted(found, key=lambda row: (row.project_id, row.pk)), key=lambda row: row.project_id):
        of_project = list(group)
        newest = of_project[-1].claim
        is_signed = signed_newest(expert.user_id, newest.project.agreement_id)
        shown = _opened(newest, of_project, now) if is_signed else [Asked(row, "You") for row in of_project]
        opened |= {one.question.pk: one for one in shown}
    return [opened[row.pk] for row in found]


def opened_for_lab(rows: list[Question], lab: Lab, *, by: str, subject: str, now: datetime) -> list[Asked]:
    """Return questions as their lab reads them, after one access row; experts are pseudonyms."""
    texts = content.open_questions_for_lab(rows, lab, by=by, subject=subject, at=now)
    return [
        Asked(row, pseudonym(row.project_id, row.expert_id), text, answer)
        for row, (text, answer) in zip(rows, texts, strict=True)
    ]


def _opened(claim: Claim, rows: list[Question], now: datetime) -> list[Asked]:
    texts = content.open_questions(claim, rows, claim.expert.user, now)
    return [
        Asked(row, _name(row, claim.expert_id), text, answer) for row, (text, answer) in zip(rows, texts, strict=True)
    ]


def _name(row: Question, reader: object) -> str:
    return "You" if row.expert_id == reader else pseudonym(row.project_id, row.expert_id)
