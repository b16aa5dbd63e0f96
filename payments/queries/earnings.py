"""What an expert has earned: by week, by payout, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from experts.models import Expert
from kernel.ids import decode_id, encode_id
from kernel.money import Money
from payments.models import Payee, PayLine, PayoutItem
from payments.queries.papers import Period, lines_decided_in, month_of
from payments.rates import pay_minor, week_of
from payments.states import ItemState, PayLineState

CURRENCY = "USD"
WEEKS_SHOWN = 12
ROWS_SHOWN = 60
UNSENT = (PayLineState.AVAILABLE, PayLineState.LOCKED)
MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)
PAYDAY = timedelta(days=11)  # The Friday after the week.


@dataclass(frozen=True)
class Week:
    """One pay week: what its decisions brought, by how far the money is."""

    start: date
    paid_minor: int
    locked_minor: int
    available_minor: int

    @property
    def total_minor(self) -> int:
        """Return all that the week brought."""
        return self.paid_minor + self.locked_minor + self.available_minor


@dataclass(frozen=True)
class PayoutRow:
    """A payout, or the lines of a week that wait for one."""

    key: str
    week_start: date
    payday: date
    state: str
    amount: Money
    seconds: int
    line_count: int
    item: PayoutItem | None = None

    @property
    def week_end(self) -> date:
        """Return the week's last day."""
        return self.week_start + timedelta(days=6)

    @property
    def effective_minor(self) -> int:
        """Return what an hour of it brought."""
        return self.amount.minor * 3_600 // self.seconds if self.seconds else 0


@dataclass(frozen=True)
class Figure:
    """An amount and the time in it."""

    amount: Money
    seconds: int

    @property
    def effective_minor(self) -> int:
        """Return what an hour of it brought."""
        return self.amount.minor * 3_600 // self.seconds if self.seconds else 0


@dataclass(frozen=True)
class Earnings:
    """All that the earnings page shows."""

    on_its_way: Figure
    available: Figure
    paid_this_year: Figure
    year: int
    next_payday: date
    weeks: list[Week]
    rows: list[PayoutRow]
    payee: Payee | None


def earnings_of(expert: Expert, now: datetime) -> Earnings:
    """Return an expert's earnings: five statements, however much was earned."""
    lines = PayLine.objects.standing().filter(expert=expert, currency=CURRENCY)
    sums = lines.aggregate(
        locked=Sum("amount_minor", filter=Q(state=PayLineState.LOCKED), default=0),
        locked_seconds=Sum("seconds", filter=Q(state=PayLineState.LOCKED), default=0),
        available=Sum("amount_minor", filter=Q(state=PayLineState.AVAILABLE), default=0),
        available_seconds=Sum("seconds", filter=Q(state=PayLineState.AVAILABLE), default=0),
        paid=Sum("amount_minor", filter=_paid_in(now.year), default=0),
        paid_seconds=Sum("seconds", filter=_paid_in(now.year), default=0),
    )
    return Earnings(
        on_its_way=_figure(sums["locked"], sums["locked_seconds"]),
        available=_figure(sums["available"], sums["available_seconds"]),
        paid_this_year=_figure(sums["paid"], sums["paid_seconds"]),
        year=now.year,
        next_payday=week_of(now) + PAYDAY,
        weeks=_weeks(lines, now),
        rows=[*_waiting_rows(lines), *_payout_rows(expert)],
        payee=Payee.objects.filter(expert=expert).first(),
    )


def pay_lines_of(expert: Expert, key: str) -> QuerySet[PayLine]:
    """Return the lines of a payout ('itm_…'), of a waiting week ('2026-11-16') or of a month ('2026-11'), if theirs."""
    lines = PayLine.objects.filter(expert=expert, currency=CURRENCY).select_related("item").order_by("decided_at", "id")
    if (item := _item_id(key)) is not None:
        return lines.filter(item=item)
    if (month := _month(key)) is not None:
        return lines_decided_in(expert, month, CURRENCY).select_related("item")
    if (week := _week(key)) is not None:
        return lines.filter(item__isnull=True, week_start=week, state=PayLineState.AVAILABLE)
    return lines.none()


def statement_rows(expert: Expert, period: Period) -> Iterator[Sequence[str]]:
    """Yield a period's statement, heading first: one row a pay line, with how its cents come about, and a total."""
    yield (
        "decided_at", "week_start", "claim", "kind", "reason", "seconds", "rate_per_hour", "amount", "currency",
        "state", "payout", "paid_at",
    )  # fmt: skip
    total = Money(0, CURRENCY)
    lines = lines_decided_in(expert, period, CURRENCY).select_related("item")
    for line in lines.iterator(chunk_size=500):
        total += Money(line.amount_minor, line.currency)
        item = line.item
        yield (
            line.decided_at.isoformat(),
            line.week_start.isoformat(),
            line.subject,
            line.kind,
            line.reason,
            str(line.seconds),
            _decimal(line.rate_minor),
            _decimal(line.amount_minor),
            line.currency,
            line.state,
            item.public_id if item else "",
            item.paid_at.isoformat() if item and item.paid_at else "",
        )
    yield ("total", "", "", "", "", "", "", _decimal(total.minor), CURRENCY, "", "", "")


def adds_up(line: PayLine) -> bool:
    """Tell whether a line's cents are its seconds at its rate."""
    return line.amount_minor == pay_minor(line.seconds, line.rate_minor)


def _paid_in(year: int) -> Q:
    return Q(state=PayLineState.PAID, item__paid_at__year=year)


def _figure(minor: int, seconds: int) -> Figure:
    return Figure(Money(minor, CURRENCY), seconds)


def _weeks(lines: QuerySet[PayLine], now: datetime) -> list[Week]:
    first = week_of(now) - timedelta(weeks=WEEKS_SHOWN - 1)
    sums = lines.filter(week_start__gte=first).values("week_start", "state").annotate(total=Sum("amount_minor"))
    totals = {(row["week_start"], row["state"]): row["total"] for row in sums.order_by()}
    starts = [first + timedelta(weeks=number) for number in range(WEEKS_SHOWN)]
    return [
        Week(
            start,
            totals.get((start, PayLineState.PAID), 0),
            totals.get((start, PayLineState.LOCKED), 0),
            totals.get((start, PayLineState.AVAILABLE), 0),
        )
        for start in starts
    ]


def _waiting_rows(lines: QuerySet[PayLine]) -> list[PayoutRow]:
    waiting = lines.filter(state=PayLineState.AVAILABLE).values("week_start").order_by("-week_start")
    sums = waiting.annotate(total=Sum("amount_minor"), time=Sum("seconds"), count=Count("id"))
    return [
        PayoutRow(
            key=row["week_start"].isoformat(),
            week_start=row["week_start"],
            payday=row["week_start"] + PAYDAY,
            state="PENDING",
            amount=Money(row["total"], CURRENCY),
            seconds=row["time"],
            line_count=row["count"],
        )
        for row in sums[:ROWS_SHOWN]
    ]


def _payout_rows(expert: Expert) -> list[PayoutRow]:
    items = PayoutItem.objects.filter(expert=expert, currency=CURRENCY).exclude(state=ItemState.CANCELLED)
    return [
        PayoutRow(
            key=encode_id(PayoutItem.PREFIX, item.pk),
            week_start=item.run.week_start,
            payday=item.run.week_start + PAYDAY,
            state=item.state,
            amount=Money(item.amount_minor, item.currency),
            seconds=item.seconds,
            line_count=item.line_count,
            item=item,
        )
        for item in items.select_related("run").order_by("-run__week_start", "-pk")[:ROWS_SHOWN]
    ]


def _item_id(key: str) -> UUID | None:
    try:
        return decode_id(PayoutItem.PREFIX, key)
    except ValueError:
        return None


def _month(key: str) -> Period | None:
    try:
        return month_of(date.fromisoformat(f"{key}-01")) if MONTH.fullmatch(key) else None
    except (ValueError, OverflowError):  # The last month of all has no next one.
        return None


def _week(key: str) -> date | None:
    try:
        return date.fromisoformat(key)
    except ValueError:
        return None


def _decimal(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
