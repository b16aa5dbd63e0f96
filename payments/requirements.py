"""What Stripe still wants of an expert, and where it can pay, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from babel import Locale

from payments.rules import CONNECT_COUNTRIES

ELSE = "More about you, as Stripe's page explains"
# Stripe names requirements by dotted paths, in two generations; the first word found in one decides.
WORDS = (
    ("external_account", "A bank account in your own name"),
    ("bank_account", "A bank account in your own name"),
    ("tos_acceptance", "Your agreement to Stripe's terms"),
    ("terms_of_service", "Your agreement to Stripe's terms"),
    ("document", "A picture of your identity document"),
    ("id_number", "Your tax or identity number, which we never see"),
    ("ssn", "Your tax or identity number, which we never see"),
    ("dob", "Your date of birth"),
    ("date_of_birth", "Your date of birth"),
    ("address", "Your home address"),
    ("email", "Your e-mail address"),
    ("phone", "Your telephone number"),
    ("name", "Your name, as on your identity document"),
)


@dataclass(frozen=True)
class Covered:
    """A country that payouts reach."""

    code: str
    name: str
    rail: str


def in_words(needs: Sequence[str]) -> list[str]:
    """Return what Stripe wants as a person would say it, each once, in Stripe's order."""
    said = (next((words for part, words in WORDS if part in need.lower()), ELSE) for need in needs)
    return list(dict.fromkeys(said))


def country_in_words(code: str) -> str:
    """Return a country's English name, or its code if it has none."""
    return str(Locale("en").territories.get(code, code))


def coverage() -> list[Covered]:
    """Return the countries that payouts reach, by name."""
    covered = (Covered(code, country_in_words(code), "Stripe") for code in CONNECT_COUNTRIES)
    return sorted(covered, key=lambda each: each.name)
