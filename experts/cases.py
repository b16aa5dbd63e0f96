"""The life of a case, as steps inside the actions of the app whose work it is about."""

from __future__ import annotations

from datetime import datetime, timedelta

from accounts.models import User
from experts.models import Case, CaseDecision
from experts.rules import promised_by
from experts.states import CASE_MOVES, CaseKind, CaseOutcome, CaseSide, CaseState
from kernel.db import require_transaction
from kernel.errors import Refused
from kernel.states import move

APPEAL_WINDOW = timedelta(days=7)


def take_case(case: Case, *, by: User, now: datetime) -> str:
    """Give an open case to its first person, an appealed one to a second who is another; return the state it left."""
    require_transaction()
    if case.state == CaseState.APPEALED:
        if case.first_id == by.pk:
            raise Refused("You decided this case the first time. An appeal is answered by somebody else.")
        return move(case, CaseState.WITH_SECOND, moves=CASE_MOVES, now=now, second=by)
    return move(case, CaseState.WITH_FIRST, moves=CASE_MOVES, now=now, first=by)


def give_case_back(case: Case, *, by: User, now: datetime) -> str:
    """Leave a case undecided to somebody else; return the state it left."""
    require_transaction()
    _require_holder(case, by)
    if round_of(case) == 1:
        return move(case, CaseState.OPEN, moves=CASE_MOVES, now=now, first=None)
    return move(case, CaseState.APPEALED, moves=CASE_MOVES, now=now, second=None)


def decide_case(case: Case, *, by: User, outcome: str, seconds: int, reasons: bytes, now: datetime) -> CaseDecision:
    """Write down the holder's decision with its sealed reasons, and move the case on; the caller does what follows."""
    require_transaction()
    _require_holder(case, by)
    decision = CaseDecision(
        case=case,
        round=round_of(case),
        by=by,
        outcome=CaseOutcome(outcome),
        seconds=seconds,
        reasons=reasons,
        decided_at=now,
    )
    to = CaseState.DECIDED if decision.round == 1 else CaseState.FINAL
    move(case, to, moves=CASE_MOVES, now=now)
    decision.save(force_insert=True)
    return decision


def appeal_case(case: Case, *, words: bytes, now: datetime) -> str:
    """Ask for a second person, once, within seven days of the decision; return the state it left."""
    require_transaction()
    return move(
        case, CaseState.APPEALED, moves=CASE_MOVES, now=now, appeal=words, appealed_at=now, due_at=promised_by(now)
    )


def close_case(case: Case, *, now: datetime) -> str:
    """Let a decision stand that nobody appealed in time; return the state the case left."""
    require_transaction()
    return move(case, CaseState.FINAL, moves=CASE_MOVES, now=now)


def round_of(case: Case) -> int:
    """Return whose turn a case is: 1, or 2 once it was appealed."""
    return 1 if case.appealed_at is None else 2


def may_appeal(case: Case, side: str, last: CaseDecision | None, now: datetime) -> bool:
    """Tell whether a side may ask for a second person: the one against whom the first decided, for seven days.

    A dismissal goes against who asked; pay withheld goes against the expert.
    """
    if case.state != CaseState.DECIDED or last is None or now > last.decided_at + APPEAL_WINDOW:
        return False
    if case.kind == CaseKind.WITHHOLDING:
        return last.outcome == CaseOutcome.UPHELD and side == CaseSide.EXPERT
    return last.outcome == CaseOutcome.DISMISSED and side == case.side


def _require_holder(case: Case, by: User) -> None:
    holder = {CaseState.WITH_FIRST: case.first_id, CaseState.WITH_SECOND: case.second_id}.get(CaseState(case.state))
    if holder != by.pk:
        raise Refused("This case is not in your hands. Take it first, if nobody has.")
