"""Cases as an expert's pages and the desk show them, opened through the gate."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Prefetch, QuerySet

from accounts.models import User
from experts.models import Case, CaseDecision, Expert
from experts.states import CaseState
from labs.models import Lab
from tasks import content
from tasks.models import Claim, Review, Submission

WAITING = (CaseState.OPEN, CaseState.WITH_FIRST, CaseState.APPEALED, CaseState.WITH_SECOND)
LATELY = 20
SEALED = ("statement", "appeal")
OF_A_CASE = (
    "project__lab",
    "project__agreement",
    "project__domain",
    "agreement_version",
    "expert__user",
    "task",
    "batch",
)


@dataclass(frozen=True)
class Said:
    """One thing that was written in a case: who, when, which outcome if it is a decision, and the words."""

    who: str
    at: datetime
    text: str
    decision: CaseDecision | None = None


@dataclass(frozen=True)
class Work:
    """What a case is about, opened for the person who decides it."""

    payload: content.Json
    response: content.Json
    submission: Submission
    reviews: list[tuple[Review, str]] = field(default_factory=list)


def cases_of(expert: Expert) -> QuerySet[Case]:
    """Return an expert's cases, newest first, with their decisions."""
    return _without_words(Case.objects.filter(expert=expert)).order_by("-opened_at")


def cases_about(claim: Claim) -> QuerySet[Case]:
    """Return the cases about one piece of work, oldest first, with their decisions."""
    return _without_words(Case.objects.filter(subject=claim.public_id)).order_by("number")


def cases_of_lab(lab: Lab, mode: str) -> QuerySet[Case]:
    """Return the cases on a lab's projects in one mode."""
    return _without_words(Case.objects.filter(lab=lab.public_id, mode=mode))


def reasons_for_lab(case: Case, lab: Lab, *, by: str, now: datetime) -> dict[int, str]:
    """Open the reasons of a case's decisions for the lab, by round; what the other side wrote stays closed."""
    made = _decisions(case)
    if not made:
        return {}
    words = content.words_of(case, made, claim_of(case).project)
    sealed = [(part, each) for part, each in words if part.startswith("reasons-")]
    opened = content.open_case_for_lab(lab, case, sealed, by, now)
    return {decision.round: opened[f"reasons-{decision.round}"] for decision in made}


def desk_cases() -> QuerySet[Case]:
    """Return every case with its people."""
    return _without_words(Case.objects.select_related("expert__user", "first", "second"))


def waiting_cases() -> QuerySet[Case]:
    """Return the cases that wait for a person or are with one, the most urgent first."""
    return desk_cases().filter(state__in=WAITING).order_by("due_at", "pk")


def decided_lately() -> QuerySet[Case]:
    """Return the cases decided last."""
    return desk_cases().exclude(state__in=WAITING).order_by("-state_changed_at")[:LATELY]


def _without_words(rows: QuerySet[Case]) -> QuerySet[Case]:
    """Load cases with their decisions, oldest first, and nothing that is sealed."""
    outcomes = CaseDecision.objects.defer("reasons").order_by("round")
    return rows.defer(*SEALED).prefetch_related(Prefetch("decisions", outcomes))


def _decisions(case: Case) -> list[CaseDecision]:
    return list(CaseDecision.objects.filter(case=case).order_by("round"))


def claim_of(case: Case) -> Claim:
    """Return the work that a case is about."""
    return Claim.objects.select_related(*OF_A_CASE).get(pk=Claim.parse_id(case.subject))


def read_by_expert(case: Case, claim: Claim, now: datetime) -> list[Said]:
    """Open a case for its expert; one access row."""
    made = _decisions(case)
    sealed = content.words_of(case, made, claim.project)
    return _said(case, made, content.open_case(claim, case, sealed, claim.expert.user, now))


def read_at_desk(case: Case, claim: Claim, viewer: User, now: datetime) -> list[Said]:
    """Open a case for the person who decides it; one access row."""
    made = _decisions(case)
    sealed = content.words_of(case, made, claim.project)
    return _said(case, made, content.open_case_for_operator(case, sealed, viewer, now))


def work_at_desk(case: Case, claim: Claim, viewer: User, now: datetime) -> Work | None:
    """Open the newest answer, its task and its reviewers' notes; None when nothing was handed in."""
    submission = (
        Submission.objects.filter(claim=claim)
        .select_related("claim__task", "claim__project")
        .order_by("-version")
        .first()
    )
    if submission is None:
        return None
    reviews = list(Review.objects.filter(submission__claim=claim, notes__isnull=False).order_by("decided_at"))
    payload, response, notes = content.open_work_for_operator(case, submission, reviews, viewer, now)
    return Work(payload, response, submission, list(zip(reviews, notes, strict=True)))


def _said(case: Case, made: list[CaseDecision], words: content.Words) -> list[Said]:
    """Put the opened words in the order in which they were written."""
    first, second = [*made, None, None][:2]
    lines = [Said(case.get_side_display(), case.opened_at, words["statement"])]
    lines += [_decided(first, words)] if first else []
    if case.appealed_at is not None:
        lines.append(Said("Appeal", case.appealed_at, words["appeal"]))
    return lines + ([_decided(second, words)] if second else [])


def _decided(decision: CaseDecision, words: content.Words) -> Said:
    who = "A first person" if decision.round == 1 else "A second person"
    return Said(who, decision.decided_at, words[f"reasons-{decision.round}"], decision)
