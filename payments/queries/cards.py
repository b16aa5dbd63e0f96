"""The rate card: what an hour is worth, looked up or shown to everyone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from experts.models import Domain
from payments.models import Rate, RateCard

CURRENCY = "USD"
# Play money is priced like the real one: test projects pay it.
PRICED_AS = {"XTS": "USD"}
TIERS = range(1, 6)


@dataclass(frozen=True)
class RateQuote:
    """A rate as a claim keeps it: minor units an hour, the card's version, and the fee on top."""

    rate_minor: int
    card_version: int
    fee_bps: int


@dataclass(frozen=True)
class CardRow:
    """A line of the public card: a domain, what is priced with it, and an hour at each tier."""

    name: str
    below: str
    kind: str
    minor: tuple[int | None, ...]

    @property
    def dollars(self) -> tuple[str, ...]:
        """Return the rates in whole currency, with cents only where there are some."""
        return tuple(_whole(amount) for amount in self.minor)


@dataclass(frozen=True)
class PublicCard:
    """The card in force, as everyone sees it."""

    version: int
    valid_from: date
    fee_bps: int
    note: str
    rows: list[CardRow]

    @property
    def fee_percent(self) -> str:
        """Return the fee in percent."""
        return f"{self.fee_bps / 100:g} %"


def rate_for(domain: Domain, tier: int, kind: str, currency: str, on: date) -> RateQuote | None:
    """Return what an hour is paid: exact kind before any kind, this domain before its ancestors."""
    return rates_by_tier(domain, kind, currency, on).get(tier)


def rates_by_tier(domain: Domain, kind: str, currency: str, on: date) -> dict[int, RateQuote]:
    """Return the rate of each tier that the card prices for this domain and kind of task."""
    rows = Rate.objects.filter(
        domain__in=domain.path, kind__in={kind, ""}, currency=PRICED_AS.get(currency, currency), during__contains=on
    ).select_related("card")
    nearest = {pk: distance for distance, pk in enumerate(reversed(domain.path))}
    by_fit = sorted(rows, key=lambda rate: (rate.kind != kind, nearest[rate.domain_id]))
    quotes: dict[int, RateQuote] = {}
    for rate in by_fit:
        quotes.setdefault(rate.tier, RateQuote(rate.minor_per_hour, rate.card.version, rate.card.fee_bps))
    return quotes


def public_card(on: date) -> PublicCard | None:
    """Return the card in force on a day, or None before the first one."""
    card = RateCard.objects.filter(valid_from__lte=on).order_by("-valid_from", "-version").first()
    if card is None:
        return None
    return PublicCard(card.version, card.valid_from, card.fee_bps, card.note, card_rows(on))


def card_rows(on: date) -> list[CardRow]:
    """Return the public card's lines; domains with equal rates under one parent share a line."""
    rates: dict[tuple[int, str], dict[int, int]] = {}
    for rate in Rate.objects.filter(currency=CURRENCY, during__contains=on):
        rates.setdefault((rate.domain_id, rate.kind), {})[rate.tier] = rate.minor_per_hour
    domains = list(Domain.objects.order_by("position", "name"))
    lines: list[tuple[Sequence[Domain], str, tuple[int | None, ...]]] = []
    for domain in domains:
        for (_, kind), tiers in sorted((key, row) for key, row in rates.items() if key[0] == domain.pk):
            _add_line(lines, domain, kind, tuple(tiers.get(tier) for tier in TIERS))
    priced = {pk for pk, _ in rates}
    return [_card_row(shared, kind, minor, domains, priced) for shared, kind, minor in lines]


def _add_line(
    lines: list[tuple[Sequence[Domain], str, tuple[int | None, ...]]],
    domain: Domain,
    kind: str,
    minor: tuple[int | None, ...],
) -> None:
    for at, (shared, known, amounts) in enumerate(lines):
        is_sibling = domain.parent_id is not None and shared[0].parent_id == domain.parent_id
        if is_sibling and (known, amounts) == (kind, minor):
            lines[at] = ([*shared, domain], known, amounts)
            return
    lines.append(([domain], kind, minor))


def _card_row(
    shared: Sequence[Domain], kind: str, minor: tuple[int | None, ...], domains: Sequence[Domain], priced: set[int]
) -> CardRow:
    names = [shared[0].name, *(each.name.lower() for each in shared[1:])]
    below = [each.name.lower() for each in domains if each.parent_id == shared[0].pk and each.pk not in priced]
    return CardRow(" and ".join(names), ", ".join(below), kind, minor)


def _whole(minor: int | None) -> str:
    if minor is None:
        return ""
    return f"{minor // 100}" if minor % 100 == 0 else f"{minor / 100:.2f}"
