"""Pay is rounded once, ties to even, and splits of time change it by half a cent a line at most."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.rates import cost_minor, fee_minor, hold_minor, pay_minor, week_bounds, week_of


@pytest.mark.parametrize(
    ("seconds", "rate", "pay"),
    [
        (1_800, 2_501, 1_250),  # 1250.5: to the even side.
        (1_800, 2_503, 1_252),  # 1251.5: to the even side.
        (0, 260_00, 0),
        (1, 1, 0),
        (3_600, 260_00, 260_00),
        (7_800, 260_00, 563_33),
        (3_601, 350_00, 350_10),
        (2**31, 350_00, 20_878_313_244),
    ],
)
def test_pay_is_rounded_once_with_ties_to_even(seconds: int, rate: int, pay: int) -> None:
    assert pay_minor(seconds, rate) == pay


@pytest.mark.parametrize(("pay", "bps", "fee"), [(125, 2_000, 25), (1, 2_000, 0), (2_5, 1_000, 2), (3_5, 1_000, 4)])
def test_a_fee_is_rounded_once_with_ties_to_even(pay: int, bps: int, fee: int) -> None:
    assert fee_minor(pay, bps) == fee


@pytest.mark.parametrize("value", [1.5, "1", True, None])
def test_pay_refuses_what_is_not_a_whole_number(value: object) -> None:
    with pytest.raises(TypeError):
        pay_minor(value, 100)  # type: ignore[arg-type]  # The mistake under test.


def test_pay_refuses_to_count_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        pay_minor(-1, 100)


def test_a_hold_covers_work_and_each_review_at_their_caps() -> None:
    held = hold_minor(3_600, 200_00, 2_000, review_cap_seconds=1_200, review_rate_minor=300_00, review_parts=2)

    assert held == 240_00 + 2 * 120_00


@given(st.integers(0, 10**7), st.integers(0, 10**6))
def test_pay_is_within_half_a_cent_of_the_exact_amount(seconds: int, rate: int) -> None:
    assert abs(pay_minor(seconds, rate) - Fraction(seconds * rate, 3_600)) <= Fraction(1, 2)


@given(st.lists(st.integers(0, 20_000), min_size=1, max_size=20), st.integers(1, 50_000))
def test_splitting_time_over_lines_moves_pay_by_half_a_cent_a_line_at_most(parts: list[int], rate: int) -> None:
    apart = sum(pay_minor(part, rate) for part in parts)

    assert abs(apart - pay_minor(sum(parts), rate)) <= (len(parts) + 1) / 2


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 50_000), st.integers(0, 10_000))
def test_a_hold_at_the_cap_covers_every_shorter_time(seconds: int, more: int, rate: int, bps: int) -> None:
    assert cost_minor(seconds, rate, bps) <= cost_minor(seconds + more, rate, bps)


@pytest.mark.parametrize(
    ("at", "monday"),
    [
        (datetime(2026, 11, 15, 23, 59, 59, 999_999, tzinfo=UTC), date(2026, 11, 9)),
        (datetime(2026, 11, 16, tzinfo=UTC), date(2026, 11, 16)),
        (datetime(2026, 11, 16, 9, tzinfo=ZoneInfo("Pacific/Kiritimati")), date(2026, 11, 9)),  # UTC+14: still Sunday.
        (datetime(2026, 11, 15, 13, tzinfo=ZoneInfo("Etc/GMT+12")), date(2026, 11, 16)),  # UTC-12: Monday already.
        (datetime(2028, 2, 29, 12, tzinfo=UTC), date(2028, 2, 28)),
        (datetime(2027, 1, 1, tzinfo=UTC), date(2026, 12, 28)),  # ISO week 53.
        (datetime(2026, 11, 1, 1, 30, fold=1, tzinfo=ZoneInfo("America/New_York")), date(2026, 10, 26)),
    ],
)
def test_a_week_runs_from_monday_to_monday_in_utc(at: datetime, monday: date) -> None:
    assert week_of(at) == monday


def test_week_bounds_are_half_open_and_seven_days_long() -> None:
    start, end = week_bounds(date(2026, 11, 9))

    assert (start, end - start) == (datetime(2026, 11, 9, tzinfo=UTC), timedelta(days=7))
