"""An expert's year by month, in the figures of the yearly summary, with the papers of each month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from experts.models import Expert
from kernel.money import Money
from payments.models import Document, DocumentKind
from payments.queries.documents import documents_of_expert
from payments.queries.earnings import CURRENCY
from payments.queries.papers import Figures, expert_year_figures, month_of


@dataclass(frozen=True)
class MonthRow:
    """A month of a year: what its decisions brought, what was sent in it, and its papers."""

    start: date
    seconds: int
    earned: Money
    sent: Money
    is_over: bool
    paper: Document | None = None

    @property
    def key(self) -> str:
        """Return what opens its lines: 2026-11."""
        return f"{self.start:%Y-%m}"


@dataclass(frozen=True)
class Year:
    """An expert's year, month by month, with what it comes to."""

    year: int
    months: list[MonthRow]
    seconds: int
    earned: Money
    sent: Money
    paper: Document | None


def earnings_in(expert: Expert, year: int, now: datetime) -> Year:
    """Return a year of an expert, in the months that brought something: the figures of the yearly summary."""
    figures = expert_year_figures(expert, year, CURRENCY)
    papers = {(each.kind, each.start): each for each in documents_of_expert(expert)}
    months = [
        _month_row(row, now, papers.get((DocumentKind.EXPERT_STATEMENT, date.fromisoformat(row["start"]))))
        for row in figures["months"]
        if row["earned_minor"] or row["paid_minor"]
    ]
    return Year(
        year,
        months,
        figures["seconds"],
        Money(figures["earned_minor"], CURRENCY),
        Money(figures["paid_minor"], CURRENCY),
        papers.get((DocumentKind.EXPERT_YEAR, date(year, 1, 1))),
    )


def _month_row(row: Figures, now: datetime, paper: Document | None) -> MonthRow:
    start = date.fromisoformat(row["start"])
    earned, sent = Money(row["earned_minor"], CURRENCY), Money(row["paid_minor"], CURRENCY)
    return MonthRow(start, row["seconds"], earned, sent, now >= month_of(start).until, paper)
