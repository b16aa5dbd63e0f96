"""What a tax adviser asks of: who gave which form, and what was sent to whom in a year."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from experts.models import Expert
from kernel.money import Money
from payments.models import PayoutItem, TaxProfile
from payments.queries.earnings import CURRENCY
from payments.queries.papers import SENT, year_of


@dataclass(frozen=True)
class TaxRow:
    """An expert, their form if one was asked for, and what a year sent them."""

    expert: Expert
    profile: TaxProfile | None
    sent: Money


def tax_profile_of(expert: Expert) -> TaxProfile | None:
    """Return an expert's tax profile, if they were asked for a form."""
    return TaxProfile.objects.filter(expert=expert).first()


def tax_experts(year: int) -> QuerySet[Expert]:
    """List the experts who owe a form or were sent money in a year, most money first."""
    period = year_of(year)
    items = PayoutItem.objects.filter(expert=OuterRef("pk"), currency=CURRENCY, state__in=SENT)
    of_year = items.filter(paid_at__gte=period.since, paid_at__lt=period.until).order_by().values("expert")
    sent = Subquery(of_year.annotate(total=Sum(F("amount_minor") - F("reversed_minor"))).values("total"))
    rows = Expert.objects.annotate(sent_minor=Coalesce(sent, 0)).select_related("user", "tax_profile")
    return rows.filter(mode="live", payee__isnull=False).order_by("-sent_minor", "id")


def tax_rows(experts: Sequence[Expert]) -> list[TaxRow]:
    """Return experts of ``tax_experts`` as rows."""
    return [_row(expert) for expert in experts]


def tax_csv_rows(year: int) -> Iterator[Sequence[str]]:
    """Yield a year's rows for the adviser, heading first; there is no tax number, as we have none."""
    yield ("expert", "name", "country", "form", "state", "asked_at", "given_at", "valid_until", "sent", "currency")
    for expert in tax_experts(year).iterator(chunk_size=500):
        row = _row(expert)
        profile = row.profile
        yield (
            expert.public_id,
            expert.user.name,
            expert.country,
            profile.form if profile else "",
            profile.state if profile else "",
            profile.asked_at.isoformat() if profile else "",
            profile.given_at.isoformat() if profile and profile.given_at else "",
            profile.valid_until.isoformat() if profile and profile.valid_until else "",
            f"{row.sent.minor // 100}.{row.sent.minor % 100:02d}",
            row.sent.currency,
        )


def _row(expert: Expert) -> TaxRow:
    sent_minor: int = expert.sent_minor  # type: ignore[attr-defined]  # Annotated by tax_experts.
    return TaxRow(expert, getattr(expert, "tax_profile", None), Money(sent_minor, CURRENCY))
