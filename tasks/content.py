"""Seal and open the content of tasks: what is about what, under which key, through the one gate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson

from accounts.models import User
from agreements.gate import open_content, open_for_lab, open_for_operator
from experts.models import Case, CaseDecision
from kernel.ids import encode_id
from kernel.sealing import Sealed, seal_json
from labs.models import Lab, Mode
from tasks.models import Claim, Draft, File, Project, Question, Review, Submission, Task

Json = dict[str, Any]
Words = dict[str, str]
SIMULATION = "simulation"  # Who looks at gold in test mode, and for what.


def payload_of(task: Task, project: Project) -> Sealed:
    """Return a task's sealed payload."""
    return Sealed(bytes(project.data_key), bytes(task.payload), f"{task.public_id}/payload")


def shown_to_lab(task: Task, project: Project) -> list[Sealed]:
    """Return a task's sealed payload and, if there is any, its lab's own metadata."""
    if task.metadata is None:
        return [payload_of(task, project)]
    metadata = Sealed(bytes(project.data_key), bytes(task.metadata), f"{task.public_id}/metadata")
    return [payload_of(task, project), metadata]


def draft_of(draft: Draft, claim: Claim) -> Sealed:
    """Return a claim's sealed draft."""
    return Sealed(bytes(claim.project.data_key), bytes(draft.body), f"{claim.public_id}/draft")


def response_of(submission: Submission, project: Project) -> Sealed:
    """Return a submission's sealed response."""
    return Sealed(bytes(project.data_key), bytes(submission.response), f"{submission.public_id}/response")


def notes_of(review: Review, project: Project) -> Sealed:
    """Return a review's sealed notes."""
    assert review.notes is not None  # The caller asks only for notes that are there.
    return Sealed(bytes(project.data_key), bytes(review.notes), f"{review.public_id}/notes")


def fix_of(review: Review, project: Project) -> Sealed:
    """Return a reviewer's own, sealed version of the response."""
    assert review.fixed_response is not None  # The caller asks only for a fix that is there.
    return Sealed(bytes(project.data_key), bytes(review.fixed_response), f"{review.public_id}/fix")


def body_of(file: File) -> Sealed:
    """Return a file's sealed bytes."""
    assert file.data_key is not None  # An erased file has been refused by then.
    assert file.body is not None
    return Sealed(bytes(file.data_key), bytes(file.body), f"{file.public_id}/body")


def question_of(question: Question, project: Project) -> list[Sealed]:
    """Return a question's sealed words, and its answer's, if there is one."""
    key, about = bytes(project.data_key), question.public_id
    sealed = [Sealed(key, bytes(question.text), f"{about}/text")]
    return sealed if question.answer is None else [*sealed, Sealed(key, bytes(question.answer), f"{about}/answer")]


def seal_question(question: Question, project: Project, text: str) -> bytes:
    """Seal a question under the id that it already has."""
    return seal_json(bytes(project.data_key), text, about=f"{question.public_id}/text")


def seal_answer(question: Question, project: Project, text: str) -> bytes:
    """Seal the answer to a question."""
    return seal_json(bytes(project.data_key), text, about=f"{question.public_id}/answer")


def words_of(case: Case, decisions: Iterable[CaseDecision], project: Project) -> list[tuple[str, Sealed]]:
    """Return what was written in a case, in its order: the part's name with the sealed words."""
    written = [("statement", case.statement), ("appeal", case.appeal)]
    written += [(f"reasons-{decision.round}", decision.reasons) for decision in decisions]
    key, about = bytes(project.data_key), case.public_id
    return [(part, Sealed(key, bytes(sealed), f"{about}/{part}")) for part, sealed in written if sealed is not None]


def seal_words(case: Case, project: Project, part: str, text: str) -> bytes:
    """Seal what somebody writes in a case: its statement, its appeal, or reasons-1 and reasons-2."""
    return seal_json(bytes(project.data_key), text, about=f"{case.public_id}/{part}")


def seal_draft(claim: Claim, body: Json) -> bytes:
    """Seal a draft for storing."""
    return seal_json(bytes(claim.project.data_key), body, about=f"{claim.public_id}/draft")


def seal_response(submission: Submission, project: Project, response: Json) -> bytes:
    """Seal a response under the id that its submission already has."""
    return seal_json(bytes(project.data_key), response, about=f"{submission.public_id}/response")


def seal_notes(review: Review, project: Project, notes: str) -> bytes:
    """Seal a review's notes under the id that it already has."""
    return seal_json(bytes(project.data_key), notes, about=f"{review.public_id}/notes")


def seal_fix(review: Review, project: Project, response: Json) -> bytes:
    """Seal a reviewer's own version of the response."""
    return seal_json(bytes(project.data_key), response, about=f"{review.public_id}/fix")


def open_task(claim: Claim, viewer: User, at: datetime, *, purpose: str = "work") -> Json:
    """Open the payload of the claim's task for its expert; one access row."""
    (payload,) = _open(claim, viewer, at, purpose, claim.task.public_id, [payload_of(claim.task, claim.project)])
    return _object(payload)


def open_bench(claim: Claim, viewer: User, at: datetime) -> tuple[Json, Json | None]:
    """Open the payload and the draft, if there is one, for the expert's workbench; one access row."""
    draft = Draft.objects.filter(claim=claim).first()
    contents = [payload_of(claim.task, claim.project)] + ([draft_of(draft, claim)] if draft else [])
    opened = _open(claim, viewer, at, "work", claim.task.public_id, contents)
    return _object(opened[0]), _object(opened[1]) if draft else None


def open_submission(claim: Claim, submission: Submission, viewer: User, at: datetime) -> tuple[Json, Json]:
    """Open a payload and one answer to it for the claim's expert or reviewer; one access row."""
    contents = [payload_of(claim.task, claim.project), response_of(submission, claim.project)]
    payload, response = _open(claim, viewer, at, claim.kind, submission.public_id, contents)
    return _object(payload), _object(response)


def open_notes(claim: Claim, review: Review, viewer: User, at: datetime) -> str:
    """Open what a reviewer wrote, for the expert whose work it is about; one access row."""
    (notes,) = _open(claim, viewer, at, "feedback", review.public_id, [notes_of(review, claim.project)])
    return str(orjson.loads(notes))


def open_questions(claim: Claim, rows: list[Question], viewer: User, at: datetime) -> list[tuple[str, str]]:
    """Open questions on the claim's project, each with its answer or '', for an expert; one access row."""
    sealed = [question_of(row, claim.project) for row in rows]
    flat = [one for pair in sealed for one in pair]
    return _pairs(sealed, _open(claim, viewer, at, "questions", claim.project.public_id, flat))


def open_questions_for_lab(
    rows: list[Question], lab: Lab, *, by: str, subject: str, at: datetime
) -> list[tuple[str, str]]:
    """Open questions, each with its answer or '', for the lab they were put to; one access row."""
    sealed = [question_of(row, row.project) for row in rows]
    flat = [one for pair in sealed for one in pair]
    opened = open_for_lab(lab, by=by, subject=subject, purpose="questions", at=at, contents=flat, count=len(flat))
    return _pairs(sealed, list(opened))


def open_case(claim: Claim, case: Case, sealed: Sequence[tuple[str, Sealed]], viewer: User, at: datetime) -> Words:
    """Open a case for the expert whose work it is about, by part; one access row."""
    opened = _open(claim, viewer, at, "case", case.public_id, [each for _, each in sealed])
    return _by_part(sealed, opened)


def open_case_for_operator(case: Case, sealed: Sequence[tuple[str, Sealed]], viewer: User, at: datetime) -> Words:
    """Open a case for the person who decides it; the case is the reason that is kept with the access."""
    opened = open_for_operator(
        viewer,
        subject=case.public_id,
        purpose=f"To decide {case.public_id}",
        at=at,
        contents=[each for _, each in sealed],
        mode=case.mode,
    )
    return _by_part(sealed, opened)


def open_work_for_operator(
    case: Case, submission: Submission, reviews: Sequence[Review], viewer: User, at: datetime
) -> tuple[Json, Json, list[str]]:
    """Open what a case is about for the person who decides it: task, answer, and the notes of those reviews."""
    task, project = submission.claim.task, submission.claim.project
    sealed = [payload_of(task, project), response_of(submission, project)]
    sealed += [notes_of(review, project) for review in reviews]
    payload, response, *notes = open_for_operator(
        viewer,
        subject=task.public_id,
        purpose=f"To decide {case.public_id}",
        at=at,
        contents=sealed,
        mode=case.mode,
    )
    return _object(payload), _object(response), [str(orjson.loads(each)) for each in notes]


def open_case_for_lab(lab: Lab, case: Case, sealed: Sequence[tuple[str, Sealed]], by: str, at: datetime) -> Words:
    """Open a case for the lab whose project it is about; one access row."""
    contents = [each for _, each in sealed]
    opened = open_for_lab(
        lab, by=by, subject=case.public_id, purpose="case", at=at, contents=contents, count=len(contents)
    )
    return _by_part(sealed, opened)


def open_file(claim: Claim, file: File, viewer: User, at: datetime) -> bytes:
    """Open a file that the claim's task shows, for its expert or reviewer; one access row."""
    (body,) = _open(claim, viewer, at, claim.kind, file.public_id, [body_of(file)])
    return body


def open_file_for_lab(file: File, by: str, at: datetime) -> bytes:
    """Open a file for the lab that uploaded it; one access row."""
    opened = open_for_lab(
        file.lab, by=by, subject=file.public_id, purpose="download", at=at, contents=[body_of(file)], count=1
    )
    return next(opened)


def open_payload_for_lab(claim: Claim, by: str, at: datetime) -> Json:
    """Open the payload of the claim's task for the lab that posted it; one access row."""
    sealed = payload_of(claim.task, claim.project)
    opened = open_for_lab(
        claim.project.lab, by=by, subject=claim.task.public_id, purpose="fix", at=at, contents=[sealed], count=1
    )
    return _object(next(opened))


def open_gold(claim: Claim, at: datetime) -> Json | None:
    """Open the right answer to the claim's task, if it has one, for those who simulate a test batch; one access row."""
    project, task = claim.project, claim.task
    if task.gold is None:
        return None
    if project.mode != Mode.TEST:
        raise ValueError("the right answers of live tasks are for nobody to see")
    sealed = Sealed(bytes(project.data_key), bytes(task.gold), f"{task.public_id}/gold")
    opened = open_for_lab(
        project.lab, by=SIMULATION, subject=task.public_id, purpose=SIMULATION, at=at, contents=[sealed], count=1
    )
    return _object(next(opened))


def _pairs(sealed: list[list[Sealed]], opened: list[bytes]) -> list[tuple[str, str]]:
    """Give what was opened back to the questions it is of."""
    words = iter(opened)
    pairs = []
    for parts in sealed:
        text, *answer = (str(orjson.loads(next(words))) for _ in parts)
        pairs.append((text, answer[0] if answer else ""))
    return pairs


def _by_part(sealed: Sequence[tuple[str, Sealed]], opened: Iterable[bytes]) -> Words:
    return {part: str(orjson.loads(raw)) for (part, _), raw in zip(sealed, opened, strict=True)}


def _open(claim: Claim, viewer: User, at: datetime, purpose: str, subject: str, contents: list[Sealed]) -> list[bytes]:
    return open_content(
        viewer,
        agreement=claim.project.agreement,
        pinned=claim.agreement_version,
        subject=subject,
        purpose=purpose,
        at=at,
        contents=contents,
        within=encode_id(Task.PREFIX, claim.task_id),
    )


def _object(raw: bytes) -> Json:
    value = orjson.loads(raw)
    assert isinstance(value, dict)  # Checked before it was sealed.
    return value
