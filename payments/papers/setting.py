"""Set a paper as PDF with typst: its own fonts, no clock, so that the same paper is the same bytes for ever."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import typst

HOME: Final = Path(__file__).parent
LETTER_COUNTRIES: Final = frozenset({"US", "CA"})
Figures = Mapping[str, Any]  # What a document is made of, as it is stored: whole minor units, ids, ISO dates.


@dataclass(frozen=True)
class Head:
    """What every document has, whatever it says."""

    number: str
    issued_at: datetime
    issuer: Sequence[str]
    is_play: bool


@dataclass(frozen=True)
class Column:
    """A column: its heading, whether it holds figures, and whether it takes the room that is left."""

    title: str
    is_figure: bool = False
    is_wide: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under headings, and what they come to."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    total: Sequence[str] = ()
    title: str = ""


@dataclass(frozen=True)
class Paper:
    """All that a document says, in words and written figures."""

    title: str
    whom: str
    to: Sequence[str]
    country: str
    facts: Sequence[tuple[str, str]]
    tables: Sequence[Table]
    notes: Sequence[str] = field(default=())


def set_paper(head: Head, paper: Paper) -> bytes:
    """Return the paper as PDF; texts reach typst as data, never as its markup, whatever signs they hold."""
    document: bytes = typst.compile(
        str(HOME / "paper.typ"),
        root=str(HOME),
        font_paths=[str(HOME / "fonts")],
        ignore_system_fonts=True,
        sys_inputs={"paper": json.dumps(_data(head, paper), ensure_ascii=False)},
    )
    return document


def _data(head: Head, paper: Paper) -> dict[str, Any]:
    at = head.issued_at
    return {
        "title": paper.title,
        "number": head.number,
        "issued": [at.year, at.month, at.day, at.hour, at.minute, at.second],
        "issuer": list(head.issuer),
        "sheet": "us-letter" if paper.country in LETTER_COUNTRIES else "a4",
        "mark": "Play money: nothing is owed or paid" if head.is_play else "",
        "whom": paper.whom,
        "to": list(paper.to),
        "facts": [["Issued", f"{at.day} {at:%b %Y}"], *map(list, paper.facts)],
        "tables": [_table(each) for each in paper.tables],
        "notes": list(paper.notes),
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "columns": [[each.title, each.is_figure, each.is_wide] for each in table.columns],
        "rows": [list(row) for row in table.rows],
        "total": list(table.total),
    }
