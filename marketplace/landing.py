"""The public front page: what this is, the live rate card, and how pay works."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from experts.models import Domain
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


def sample_rate(on: date) -> int:
    """Return what the example's field and tier earn on the card in force; the first card's rate before there is one."""
    field = Domain.objects.filter(slug=SAMPLE_FIELD).first()
    quote = payment_queries.rate_for(field, SAMPLE_TIER, "", "USD", on) if field else None
    return quote.rate_minor if quote else SAMPLE_RATE_MINOR


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Show the front page with the card in force."""
    today = app_now().date()
    card = payment_queries.public_card(today)
    context = {
        "card": card,
        "tiers": range(1, 6),
        "rows": card.rows if card else [],
        "sample": sample_at(sample_rate(today)),
    }
    return render(request, "marketplace/landing.html", context)
