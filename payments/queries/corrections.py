"""Corrections of the books by hand: what waits for another person, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from kernel.money import Money
from labs.models import Lab, Member
from payments.models import Correction
from payments.rules import CORRECTABLE, why_not_correct
from payments.states import CorrectionState


@dataclass(frozen=True)
class CorrectionRow:
    """A correction as the desk shows it: what moves, who said what, and why this person may not post it."""

    correction: Correction
    amount: Money
    debit: str
    credit: str
    why_not: str
    is_own: bool

    @property
    def is_open(self) -> bool:
        """Tell whether it waits for a decision."""
        return self.correction.state == CorrectionState.REQUESTED


def corrections() -> QuerySet[Correction]:
    """List all corrections, newest first."""
    return Correction.objects.select_related("requested_by", "decided_by").order_by("-requested_at", "-id")


def correction_rows(page: Sequence[Correction], user: User) -> list[CorrectionRow]:
    """Return a page of corrections as ``user`` sees them, in two statements."""
    labs = {lab_id: each for each in page for lab_id in labs_concerned(each)}
    names = dict(Lab.objects.filter(pk__in=labs).values_list("pk", "name"))
    own = set(Member.objects.filter(lab_id__in=labs, user=user).values_list("lab_id", flat=True))
    return [_row(each, user, names, own) for each in page]


def labs_concerned(correction: Correction) -> set[UUID]:
    """Return the labs whose accounts a correction moves."""
    parts = [code.partition(":")[2] for code in (correction.debit, correction.credit)]
    return {Lab.parse_id(part) for part in parts if part}


def members_concerned(correction: Correction) -> set[UUID]:
    """Return the people who act for a lab whose account a correction moves."""
    return set(Member.objects.filter(lab_id__in=labs_concerned(correction)).values_list("user_id", flat=True))


def _row(correction: Correction, user: User, names: dict[UUID, str], own: set[UUID]) -> CorrectionRow:
    members = {user.pk} if labs_concerned(correction) & own else set()
    return CorrectionRow(
        correction,
        Money(correction.amount_minor, correction.currency),
        _said(correction.debit, names),
        _said(correction.credit, names),
        why_not_correct(user, correction, members),
        correction.requested_by_id == user.pk,
    )


def _said(code: str, names: dict[UUID, str]) -> str:
    name, _, lab = code.partition(":")
    return f"{CORRECTABLE[name]}, {names[Lab.parse_id(lab)]}" if lab else CORRECTABLE[name]
