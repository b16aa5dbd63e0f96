"""What the console shows beside the work: how far a lab is on its way, and its spend as a picture."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.utils.safestring import SafeString, mark_safe

from kernel.money import Money
from kernel.templatetags.charts import Bar, Part
from labs.models import ApiKey, Lab, LabState, Mode
from labs.queries import key_rows
from payments.models import Funding
from tasks.models import Batch, Project
from tasks.spending import SpendRow

PAYLOADS: Final[dict[str, dict[str, str]]] = {
    "demonstration": {"prompt": "When are lithium levels taken?"},
    "factuality": {"prompt": "When are lithium levels taken?", "response": "Twelve hours after the last dose."},
    "creative": {"brief": "A first line for a story about a lighthouse."},
}
SHOWN_ROWS = 200
MOST_WEEKS = 26
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Way:
    """How far a lab is on its way to live work, with the newest rows of its test mode."""

    test_key: ApiKey | None
    live_key: ApiKey | None
    project: Project | None
    batch: Batch | None
    has_paid: bool
    is_approved: bool


def way_of(lab: Lab, now: datetime) -> Way:
    """Return how far the lab is, in a few statements whatever it has done."""
    keys = [row.key for row in key_rows(lab, now) if row.is_usable]
    project = Project.objects.filter(lab=lab, mode=Mode.TEST).order_by("-pk").first()
    return Way(
        test_key=next((key for key in keys if key.mode == Mode.TEST), None),
        live_key=next((key for key in keys if key.mode == Mode.LIVE), None),
        project=project,
        batch=Batch.objects.filter(project=project).order_by("-pk").first() if project else None,
        has_paid=Funding.objects.filter(lab=lab, succeeded_at__isnull=False).exists(),
        is_approved=lab.state == LabState.ACTIVE,
    )


def sample_payload(way: Way) -> SafeString:
    """Return a payload that the newest test project's kind takes, as JSON inside a shell's single quotes."""
    kind = way.project.kind if way.project else "demonstration"
    return mark_safe(json.dumps(PAYLOADS.get(kind, PAYLOADS["demonstration"])))  # noqa: S308  # Of our own words below.


def total_of(rows: Sequence[SpendRow], currency: str) -> Money:
    """Return the sum of the rows."""
    return sum((row.total for row in rows), Money.zero(currency))


def week_columns(rows: Sequence[SpendRow], currency: str) -> list[Bar]:
    """Return a column for each week from the first to the last with spend, at most half a year of them."""
    by_week = {row.week_start: row.total for row in rows if row.week_start is not None}
    if not by_week:
        return []
    last = max(by_week)
    weeks: list[date] = []
    while last >= min(by_week) and len(weeks) < MOST_WEEKS:
        weeks.insert(0, last)
        last -= WEEK
    return [_bar(week, by_week.get(week, Money.zero(currency))) for week in weeks]


def _bar(week: date, spent: Money) -> Bar:
    return Bar(f"{week:%-d %b}", "", [Part("motion", spent.minor, str(spent))])
