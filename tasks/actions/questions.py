"""Ask about a task, and answer: the texts are sealed like the task itself, and only ids are told."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts.audit import Actor, audit
from accounts.outbox import due
from experts.models import Expert
from kernel.db import action
from kernel.errors import FieldError, Invalid, LostRace, Refused
from kernel.guards import clean_text
from labs.events import record_event
from tasks import content
from tasks.actions.timing import claim_in_hand
from tasks.models import Question

MAX_QUESTION = 5_000
MAX_ANSWER = 20_000
MOST_ON_A_CLAIM = 10


@action
def ask_question(claim_id: UUID, *, expert: Expert, text: str, now: datetime) -> Question:
    """Ask the lab about the task in hand; it learns a pseudonym and no name."""
    claim = claim_in_hand(claim_id, expert=expert, fence=None, now=now)
    asked = _words(text, "text", MAX_QUESTION, "Write your question.")
    if Question.objects.filter(claim=claim).count() >= MOST_ON_A_CLAIM:
        raise Refused(
            f"You have asked {MOST_ON_A_CLAIM} questions on this task, which is the most. Leave it, or go on."
        )
    question = Question(project=claim.project, claim=claim, expert=expert, asked_at=now)
    question.text = content.seal_question(question, claim.project, asked)
    question.save(force_insert=True)
    audit(expert.user, "question.asked", question, at=now, claim=claim.public_id)
    ids = {"project": claim.project.public_id, "task": claim.task.public_id, "question": question.public_id}
    record_event(claim.lab_id, claim.project.mode, "question.asked", at=now, **ids)
    due("tasks.tell_of_question", question=question.pk)
    return question


@action
def answer_question(question: Question, *, text: str, is_public: bool, by: Actor, now: datetime) -> Question:
    """Answer once, for the asker alone or for everybody on the project."""
    answer = content.seal_answer(question, question.project, _words(text, "text", MAX_ANSWER, "Write the answer."))
    answered = {"answer": answer, "answered_by": by.public_id, "answered_at": now, "is_public": is_public}
    if not Question.objects.filter(pk=question.pk, answered_at__isnull=True).update(**answered):
        raise LostRace("This question has been answered.")
    question.refresh_from_db(fields=list(answered))
    audit(by, "question.answered", question, at=now, is_public=is_public)
    due("tasks.tell_of_answer", question=question.pk)
    return question


def _words(text: str, name: str, at_most: int, missing: str) -> str:
    cleaned = clean_text(text.replace("\r\n", "\n").strip(), name=name, max_length=at_most)
    if not cleaned:
        raise Invalid([FieldError(f"/{name}", "required", missing)])
    return cleaned
