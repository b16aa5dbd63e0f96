"""Questions about who can be paid, and where."""

from __future__ import annotations

# Where Stripe Connect transfers reach: the United States, Canada, the United Kingdom, Switzerland and the EEA.
CONNECT_COUNTRIES = frozenset(
    "US CA GB CH AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IS IT LI LV LT LU MT NL NO PL PT RO SK SI ES SE".split()  # noqa: SIM905 - a list of texts would fill the screen
)


def has_payout_rail(country: str) -> bool:
    """Tell whether an expert who lives in ``country`` (ISO 3166, two letters) can be paid."""
    return country in CONNECT_COUNTRIES
