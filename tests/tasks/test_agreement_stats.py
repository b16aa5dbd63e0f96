"""Agreement beyond chance: published figures come out, and so does the plain definition, whatever the answers."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.agreement_stats import ALL_THE_SAME, DISTANCES, ONE_VALUE, TOO_FEW, Statistic, ac1, alpha, table

VALUES = [1, 2, 3, 4, 5]
# Four observers of twelve units, with gaps: Krippendorff 2011, section C; the same data as Gwet's cac.raw4raters.
OBSERVERS = ("12332141 2...", "12332241 25.3", ".33323422 51.", "12332441 251.")
UNITS = [
    [int(row.replace(" ", "")[unit]) for row in OBSERVERS if row.replace(" ", "")[unit] != "."] for unit in range(12)
]


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_what_its_author_published(level: str, published: float) -> None:
    found = alpha(table(UNITS, VALUES), level, VALUES)

    assert (round(found.value or 0, 3), found.items, found.answers) == (published, 11, 40)


def test_ac1_is_what_its_author_published() -> None:
    found = ac1(table(UNITS, VALUES))

    assert (round(found.value or 0, 5), found.items) == (0.77544, 11)


def by_definition(units: list[list[int]], level: str) -> float | None:
    """Return alpha by comparing every pair of answers, as it is defined."""
    paired = [unit for unit in units if len(unit) > 1]
    pooled = [value for unit in paired for value in unit]

    def distance(one: int, other: int) -> float:
        if level == "nominal":
            return float(one != other)
        if level == "interval":
            return float((one - other) ** 2)
        low, high = sorted((one, other))
        between = sum(low <= value <= high for value in pooled)
        return (between - (pooled.count(low) + pooled.count(high)) / 2) ** 2 if low != high else 0.0

    within = sum(distance(*pair) / (len(unit) - 1) for unit in paired for pair in permutations(unit, 2)) / len(pooled)
    overall = sum(distance(*pair) for pair in permutations(pooled, 2)) / (len(pooled) * (len(pooled) - 1))
    return 1 - within / overall if overall else None


@given(st.lists(st.lists(st.sampled_from(VALUES), max_size=4), max_size=8), st.sampled_from(sorted(DISTANCES)))
def test_alpha_is_its_definition(units: list[list[int]], level: str) -> None:
    found = alpha(table(units, VALUES), level, VALUES)

    if any(len(unit) > 1 for unit in units):
        expected = by_definition(units, level)
        assert found.value == (None if expected is None else pytest.approx(expected))
    else:
        assert found == Statistic(None, 0, 0, TOO_FEW)


def test_full_agreement_on_one_value_is_nothing_to_alpha_and_all_to_ac1() -> None:
    counts = table([["yes", "yes"]] * 5, ["yes", "no"])

    assert alpha(counts, "nominal") == Statistic(None, 5, 10, ALL_THE_SAME)
    assert ac1(counts) == Statistic(1.0, 5, 10)


def test_one_possible_value_is_no_agreement() -> None:
    assert ac1(table([["yes", "yes"]], ["yes"])) == Statistic(None, 1, 2, ONE_VALUE)
