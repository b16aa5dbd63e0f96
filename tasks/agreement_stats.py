"""How far answers to the same tasks agree, beyond what chance would bring: Krippendorff's alpha and Gwet's AC1.

Both take a table of counts, a row for each task and a column for each value an answer may have. Agreement is seen in
tasks with two answers and more; one alone counts for AC1's chance, as its author has it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]

TOO_FEW: Final = "No task has two answers that can be compared."
ALL_THE_SAME: Final = "All answers are the same, so chance alone would agree as often: alpha says nothing here."
ONE_VALUE: Final = "Only one value is possible."


@dataclass(frozen=True, slots=True)
class Statistic:
    """A coefficient of at most 1, or None with the reason; from how many tasks and answers it comes."""

    value: float | None
    items: int
    answers: int
    reason: str = ""


def table(answers: Sequence[Sequence[Hashable]], values: Sequence[Hashable]) -> Counts:
    """Count each task's answers by value; ``values`` are in their order, and hold every one that is given."""
    place = {value: number for number, value in enumerate(values)}
    counts = np.zeros((len(answers), len(values)))
    for row, given in enumerate(answers):
        for value in given:
            counts[row, place[value]] += 1
    return counts


def _paired(counts: Counts) -> Counts:
    paired: Counts = counts[counts.sum(axis=1) >= 2]
    return paired


def alpha(counts: Counts, level: str, values: Sequence[float] = ()) -> Statistic:
    """Return Krippendorff's alpha for data of a level: nominal, ordinal, or interval, whose ``values`` are numbers.

    1 - observed / expected disagreement, by coincidences of values within tasks (K. Krippendorff, Computing
    Krippendorff's Alpha-Reliability, 2011, section C). None where every answer is the same.
    """
    counts = _paired(counts)
    items, answers = len(counts), int(counts.sum())
    if not items:
        return Statistic(None, 0, 0, TOO_FEW)
    sizes = counts.sum(axis=1, keepdims=True)
    coincidences = counts.T @ (counts / (sizes - 1)) - np.diag((counts / (sizes - 1)).sum(axis=0))
    totals = coincidences.sum(axis=1)
    distances = DISTANCES[level](totals, np.asarray(values, dtype=float))
    expected = (np.outer(totals, totals) * distances).sum() / (totals.sum() - 1)
    if not expected:
        return Statistic(None, items, answers, ALL_THE_SAME)
    return Statistic(1 - float((coincidences * distances).sum() / expected), items, answers)


def _nominal(totals: Counts, values: Counts) -> Counts:
    return 1 - np.eye(len(totals))


def _ordinal(totals: Counts, values: Counts) -> Counts:
    """Square how many answers lie between two values, each end counted by half."""
    middles = np.cumsum(totals) - totals / 2
    return (middles[:, None] - middles[None, :]) ** 2


def _interval(totals: Counts, values: Counts) -> Counts:
    return (values[:, None] - values[None, :]) ** 2


DISTANCES: Final[dict[str, Callable[[Counts, Counts], Counts]]] = {
    "nominal": _nominal,
    "ordinal": _ordinal,
    "interval": _interval,
}


def ac1(counts: Counts) -> Statistic:
    """Return Gwet's AC1, which holds where nearly all answers are of one value and alpha or kappa break down.

    (pa - pe) / (1 - pe), with pa the mean over tasks of the share of agreeing pairs, and pe the sum over values of
    p(1 - p) / (number of values - 1), p being a value's mean share (K. L. Gwet, Computing inter-rater reliability and
    its variance in the presence of high agreement, 2008).
    """
    paired = _paired(counts)
    items, answers = len(paired), int(paired.sum())
    if not items:
        return Statistic(None, 0, 0, TOO_FEW)
    if counts.shape[1] < 2:
        return Statistic(None, items, answers, ONE_VALUE)
    sizes = paired.sum(axis=1, keepdims=True)
    agreeing = float((paired * (paired - 1) / (sizes * (sizes - 1))).sum(axis=1).mean())
    given = counts[counts.sum(axis=1) >= 1]
    shares = (given / given.sum(axis=1, keepdims=True)).mean(axis=0)
    by_chance = float((shares * (1 - shares)).sum() / (counts.shape[1] - 1))
    return Statistic((agreeing - by_chance) / (1 - by_chance), items, answers)
