"""The public front page: what this is, the live rate card, and how pay works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kernel.db import app_now
from payments import queries as payment_queries
from payments.rates import pay_minor

SAMPLE_FIELD, SAMPLE_TIER, SAMPLE_RATE_MINOR = "psychiatry", 4, 260_00
SAMPLE_WORK: Final = (
    ("Juniper, factuality", 23_400),
    ("Larkspur, creative writing", 9_900),
    ("Juniper, review", 3_600),
)
SEAT_SECONDS: Final = 180 * 60


@dataclass(frozen=True)
class SampleLine:
    """A line of the example statement."""

    name: str
    seconds: int
    amount: int


@dataclass(frozen=True)
class Sample:
    """The example statement, at the rate of the card in force."""

    rate_minor: int
    lines: tuple[SampleLine, ...]

    @property
    def seconds(self) -> int:
        """Their time together."""
        return sum(line.seconds for line in self.lines)

    @property
    def total(self) -> int:
        """Their pay together, in minor units."""
        return sum(line.amount for line in self.lines)

    @property
    def seat(self) -> int:
        """What 180 guaranteed minutes set aside, in minor units."""
        return pay_minor(SEAT_SECONDS, self.rate_minor)


def sample_at(rate_minor: int) -> Sample:
    """Make the example statement at a rate."""
    lines = tuple(SampleLine(name, seconds, pay_minor(seconds, rate_minor)) for name, seconds in SAMPLE_WORK)
    return Sample(rate_minor, lines)


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Show the front page with the card in force."""
    card = payment_queries.public_card(app_now().date())
    return render(
        request,
        "marketplace/landing.html",
        {"card": card, "tiers": range(1, 6), "rows": card.rows if card else [], "sample": sample_at(SAMPLE_RATE_MINOR)},
    )
