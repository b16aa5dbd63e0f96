"""What a lab spent, by project, batch, tier and week: sums of its pay lines, which are what the ledger settled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Left

from kernel.ids import encode_id
from kernel.money import Money
from labs.models import Lab
from payments.models import PayLine
from tasks.models import Batch, Claim, Project

DIMENSIONS: Final = ("project", "batch", "tier", "week")
COLUMNS: Final = (
    "project", "project_name", "batch", "batch_name", "tier", "week_start", "lines", "seconds",
    "pay_minor", "fee_minor", "total_minor", "currency",
)  # fmt: skip
MOST_ROWS = 10_000
CLAIM_ID = 30  # The length of a claim's public id.
_FIELDS: Final = {"project": "project", "batch": "batch", "tier": "tier", "week": "week_start"}


@dataclass(frozen=True)
class SpendRow:
    """What one group cost; a part that was not asked for is None, as is the batch of a seat that was closed out."""

    project: str | None
    project_name: str | None
    batch: str | None
    batch_name: str | None
    tier: int | None
    week_start: date | None
    lines: int
    seconds: int
    pay: Money
    fee: Money
    total: Money


def spend_rows(
    lab: Lab,
    currency: str,
    *,
    by: Sequence[str],
    project: str | None = None,
    since: date | None = None,
    until: date | None = None,
) -> list[SpendRow]:
    """Sum the lab's pay lines by some of ``DIMENSIONS``, at most ``MOST_ROWS`` + 1 groups.

    Weeks are those of pay, Monday to Sunday UTC; ``since`` and ``until`` name the first and the last one wanted.
    """
    lines = PayLine.objects.charged().filter(lab=lab, currency=currency)
    lines = lines if project is None else lines.filter(project=project)
    lines = lines if since is None else lines.filter(week_start__gte=since)
    lines = lines if until is None else lines.filter(week_start__lte=until)
    if "batch" in by:
        claim = Left(OuterRef("subject"), CLAIM_ID)  # What a case adds is named after the claim.
        batch = Claim.objects.filter(hold__subject=claim).order_by().values("batch")[:1]
        lines = lines.annotate(batch=Subquery(batch))
    fields = [_FIELDS[each] for each in DIMENSIONS if each in by]
    groups = lines.order_by().values(*fields).annotate(
        lines=Count("pk"), seconds=Sum("seconds"), pay=Sum("amount_minor"), fee=Sum("fee_minor")
    )  # fmt: skip
    found = list(groups.order_by(*(F(each).asc(nulls_last=True) for each in fields))[: MOST_ROWS + 1])
    return _named(lab, currency, [row for row in found if row["lines"]])


def projects_of(lab: Lab, currency: str) -> QuerySet[Project]:
    """List the lab's projects whose money is of this currency, by name."""
    return Project.objects.filter(lab=lab, currency=currency).order_by("name", "pk")


def csv_rows(rows: Sequence[SpendRow], currency: str) -> Iterator[list[str]]:
    """Write rows for a spreadsheet: the same columns whatever was asked for, those not asked for empty."""
    yield list(COLUMNS)
    for row in rows:
        cells = (
            row.project, row.project_name, row.batch, row.batch_name, row.tier, row.week_start, row.lines,
            row.seconds, row.pay.minor, row.fee.minor, row.total.minor, currency,
        )  # fmt: skip
        yield ["" if cell is None else str(cell) for cell in cells]


def _named(lab: Lab, currency: str, groups: Sequence[dict[str, Any]]) -> list[SpendRow]:
    projects = {each.public_id: each.name for each in Project.objects.filter(lab=lab).only("pk", "name")}
    wanted = {group["batch"] for group in groups if group.get("batch")}
    batches: dict[UUID, str] = dict(Batch.objects.filter(lab=lab, pk__in=wanted).values_list("pk", "name"))
    return [_row(group, projects, batches, currency) for group in groups]


def _row(group: dict[str, Any], projects: dict[str, str], batches: dict[UUID, str], currency: str) -> SpendRow:
    pay, fee = Money(group["pay"], currency), Money(group["fee"], currency)
    project, batch = group.get("project"), group.get("batch")
    return SpendRow(
        project=project,
        project_name=projects.get(project) if project else None,
        batch=encode_id(Batch.PREFIX, batch) if batch else None,
        batch_name=batches.get(batch) if batch else None,
        tier=group.get("tier"),
        week_start=group.get("week_start"),
        lines=group["lines"],
        seconds=group["seconds"],
        pay=pay,
        fee=fee,
        total=pay + fee,
    )
