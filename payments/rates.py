"""Pure arithmetic of pay: whole seconds and whole minor units in, whole minor units out, rounded once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

SECONDS_PER_HOUR = 3_600
WHOLE_BPS = 10_000
WEEK = timedelta(days=7)


def pay_minor(seconds: int, rate_minor: int) -> int:
    """Return what ``seconds`` earn at ``rate_minor`` an hour, ties to even."""
    return _divide_half_even(_natural(seconds) * _natural(rate_minor), SECONDS_PER_HOUR)


def fee_minor(pay: int, bps: int) -> int:
    """Return the platform's fee on ``pay``, ties to even."""
    return _divide_half_even(_natural(pay) * _natural(bps), WHOLE_BPS)


def cost_minor(seconds: int, rate_minor: int, fee_bps: int) -> int:
    """Return what a lab is charged for ``seconds``: pay and fee, each rounded once."""
    pay = pay_minor(seconds, rate_minor)
    return pay + fee_minor(pay, fee_bps)


def hold_minor(
    cap_seconds: int,
    rate_minor: int,
    fee_bps: int,
    *,
    review_cap_seconds: int = 0,
    review_rate_minor: int = 0,
    review_parts: int = 0,
) -> int:
    """Return the most that a claim and its reviews can cost: what must be set aside before it starts."""
    work = cost_minor(cap_seconds, rate_minor, fee_bps)
    return work + review_parts * cost_minor(review_cap_seconds, review_rate_minor, fee_bps)


def week_of(at: datetime) -> date:
    """Return the Monday (UTC) whose week holds ``at``: Monday 00:00 to the next, half-open."""
    day = at.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def week_bounds(week_start: date) -> tuple[datetime, datetime]:
    """Return the first instant of the week and the first of the next."""
    start = datetime(week_start.year, week_start.month, week_start.day, tzinfo=UTC)
    return start, start + WEEK


def _natural(value: int) -> int:
    if type(value) is not int:
        raise TypeError("Pay is counted in whole numbers.")
    if value < 0:
        raise ValueError("Pay is not counted backwards.")
    return value


def _divide_half_even(numerator: int, denominator: int) -> int:
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    return quotient + (twice > denominator or (twice == denominator and quotient % 2 == 1))
