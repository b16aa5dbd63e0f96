"""Publish versions of the one rate card."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from types import MappingProxyType

from django.db import connection
from django.db.backends.postgresql.psycopg_any import DateRange
from django.db.models import Func, Value

from accounts.audit import audit
from accounts.models import User
from accounts.outbox import due
from experts.models import Domain
from kernel.db import action
from kernel.errors import Refused
from payments.models import Rate, RateCard

CURRENCY = "USD"
FEE_BPS = 2_000
GATE = 7_365_201  # The advisory lock under which cards are numbered.
# The first card, in whole dollars an hour, tiers 1 to 5. What is below a domain and not named has its rates.
RATES: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "writing": (30, 50, 75, 110, 150),
        "law": (50, 80, 120, 160, 200),
        "medicine": (60, 100, 150, 200, 250),
        "psychiatry": (60, 110, 180, 260, 350),
        "psychology": (60, 110, 180, 260, 350),
        "software": (40, 65, 90, 110, 130),
        "science": (40, 65, 90, 110, 140),
        "finance": (35, 65, 100, 130, 150),
        "generalist": (20, 28, 36, 44, 50),
    }
)


@action
def install_rate_card(
    *,
    by: User | None = None,
    now: datetime,
    rates: Mapping[str, tuple[int, ...]] = RATES,
    fee_bps: int = FEE_BPS,
    valid_from: date | None = None,
    note: str = "",
) -> RateCard:
    """Publish a card from a day on and end the one before; the card that holds already is returned as it is."""
    starts_on = valid_from or now.date()
    with connection.cursor() as cursor:  # The web's role may not lock rows that nobody may change.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [GATE])
    newest = RateCard.objects.order_by("-version").first()
    if newest is not None and _is_same(newest, rates, fee_bps):
        return newest
    if newest is not None and newest.valid_from >= starts_on:
        raise Refused(f"Card {newest.version} takes effect on {newest.valid_from}. The next one starts after that day.")
    card = RateCard.objects.create(
        version=newest.version + 1 if newest else 1,
        fee_bps=fee_bps,
        valid_from=starts_on,
        note=note,
        installed_by=by,
        installed_at=now,
    )
    _end_rates(starts_on)
    domains = {domain.slug: domain for domain in Domain.objects.filter(slug__in=rates)}
    Rate.objects.bulk_create(
        Rate(
            card=card,
            domain=domains[slug],
            tier=tier,
            currency=CURRENCY,
            during=DateRange(starts_on, None),
            minor_per_hour=dollars * 100,
        )
        for slug, row in rates.items()
        for tier, dollars in enumerate(row, start=1)
    )
    audit(by, "rate_card.installed", card, at=now, version=card.version, fee_bps=fee_bps)
    opens_at = datetime.combine(starts_on, time.min, UTC)
    due("tasks.rates_changed", key=f"card-{card.version}", run_after=opens_at if opens_at > now else None)
    return card


def _is_same(card: RateCard, rates: Mapping[str, tuple[int, ...]], fee_bps: int) -> bool:
    rows = card.rates.values_list("domain__slug", "tier", "minor_per_hour")
    wanted = {(slug, tier, dollars * 100) for slug, row in rates.items() for tier, dollars in enumerate(row, start=1)}
    return card.fee_bps == fee_bps and set(rows) == wanted


def _end_rates(on: date) -> None:
    """Let the rates that hold on a day hold until that day only."""
    until = Func(Func("during", function="lower"), Value(on), function="daterange")
    Rate.objects.filter(during__contains=on).update(during=until)
