"""What is contested: cases about finished work, and how people decided them."""

from __future__ import annotations

from typing import Literal, TypedDict

About = Literal["review", "time", "refund", "withholding"]

CaseState = Literal["OPEN", "WITH_FIRST", "DECIDED", "APPEALED", "WITH_SECOND", "FINAL"]

OpenedBy = Literal["expert", "lab", "operator"]

Outcome = Literal["upheld", "dismissed"]


class CaseDecision(TypedDict):
    """What a person decided: in the first round or on appeal, with the seconds paid on top of what was paid before."""

    round: int
    outcome: Outcome
    seconds: int
    decided_at: str


class ReasonedDecision(CaseDecision):
    """A decision with its reasons."""

    reasons: str


class _AnyCase(TypedDict):
    id: str
    about: About
    opened_by: OpenedBy
    state: CaseState
    project: str
    claim: str
    opened_at: str
    due_at: str
    appealed_at: str | None


class Case(_AnyCase):
    """A question to a person about finished work; ``due_at`` is when it is answered."""

    decisions: list[CaseDecision]


class ReasonedCase(_AnyCase):
    """A case with the reasons of its decisions."""

    decisions: list[ReasonedDecision]
