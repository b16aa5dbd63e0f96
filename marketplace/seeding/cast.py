"""The people of the demo: nobody of them exists."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class OperatorCard:
    """Somebody who runs the house."""

    name: str
    role: str
    time_zone: str

    @property
    def email(self) -> str:
        """The address they sign in with."""
        return address(self.name)


@dataclass(frozen=True)
class ExpertCard:
    """Somebody who does the work, as they would describe themselves."""

    name: str
    domain: str
    tier: int
    country: str
    time_zone: str
    headline: str
    credential: str
    issuer: str
    jurisdiction: str
    number: str
    is_reviewer: bool = False
    has_payee: bool = True

    @property
    def email(self) -> str:
        """The address they sign in with."""
        return address(self.name)


@dataclass(frozen=True)
class LabCard:
    """Somebody who buys work."""

    name: str
    owner: str
    country: str
    website: str
    purpose: str
    funds_minor: int


def address(name: str) -> str:
    """Return the made-up address of a person."""
    plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return f"{plain.replace(' ', '.')}@guildhall.example"


OWNER_EMAIL: Final = "owner@guildhall.example"

OPERATORS: Final = (
    OperatorCard("Frida Moss", "finance", "Europe/Copenhagen"),
    OperatorCard("Femi Okafor", "finance", "Africa/Lagos"),
    OperatorCard("Vera Lindqvist", "vetting", "Europe/Stockholm"),
    OperatorCard("Viktor Hale", "vetting", "America/Chicago"),
    OperatorCard("Tamsin Reid", "trust", "Europe/London"),
    OperatorCard("Teo Ruiz", "trust", "Europe/Madrid"),
)

LABS: Final = (
    LabCard(
        "Halcyon Models",
        "Lena Park",
        "US",
        "https://halcyon.example",
        "Clinical answers that a ward could trust.",
        60_000_00,
    ),
    LabCard(
        "Brightwater AI",
        "Louis Adler",
        "GB",
        "https://brightwater.example",
        "Drafting for courts and for readers.",
        45_000_00,
    ),
)

PHYSICIAN, PSYCHOLOGIST = "physician_licence", "psychologist_licence"
BAR, BOOK = "bar_admission", "publication_record"

EXPERTS: Final = (
    ExpertCard("Cyd Marlowe", "psychiatry", 3, "US", "America/New_York", "General adult psychiatrist",
               PHYSICIAN, "New York State Board for Medicine", "US-NY", "NY-301877"),
    ExpertCard("Dov Abramson", "psychiatry", 3, "US", "America/Los_Angeles", "Consultation psychiatry, nights and days",
               PHYSICIAN, "Medical Board of California", "US-CA", "CA-118204"),
    ExpertCard("Ines Quiroga", "psychiatry", 3, "ES", "Europe/Madrid", "Community psychiatry and perinatal care",
               PHYSICIAN, "Colegio de Médicos de Madrid", "ES", "28-70441"),
    ExpertCard("Ada Nakamura", "psychiatry", 4, "US", "America/Chicago", "Mood disorders clinic, teaching hospital",
               PHYSICIAN, "Illinois Department of Professional Regulation", "US-IL", "IL-036552", is_reviewer=True),
    ExpertCard("Bo Hallström", "psychiatry", 5, "SE", "Europe/Stockholm", "Psychopharmacology, thirty years of it",
               PHYSICIAN, "Socialstyrelsen", "SE", "SE-88121", is_reviewer=True),
    ExpertCard("Marta Kowal", "oncology", 3, "PL", "Europe/Warsaw", "Breast oncology and palliative care",
               PHYSICIAN, "Naczelna Izba Lekarska", "PL", "PL-2290117", has_payee=False),
    ExpertCard("Piers Langdon", "litigation", 3, "GB", "Europe/London", "Commercial disputes, mostly at trial",
               BAR, "Bar Council of England and Wales", "GB-ENG", "E-44108"),
    ExpertCard("Rosa Delacroix", "litigation", 3, "US", "America/New_York", "Federal motion practice",
               BAR, "New York State Unified Court System", "US-NY", "NY-5120443"),
    ExpertCard("Oskar Brandt", "litigation", 4, "DE", "Europe/Berlin", "Cross-border evidence and enforcement",
               BAR, "Rechtsanwaltskammer Berlin", "DE", "B-19022", is_reviewer=True),
    ExpertCard("June Ferreira", "fiction", 2, "PT", "Europe/Lisbon", "Short stories in English and Portuguese",
               BOOK, "Two collections, small presses", "", ""),
    ExpertCard("Sam Whitlock", "fiction", 2, "US", "America/Denver", "Novelist, radio plays on the side",
               BOOK, "One novel, one residency", "", ""),
    ExpertCard("Nell Osei", "writing", 4, "GB", "Europe/London", "Editor of fiction, formerly of a quarterly",
               BOOK, "Twelve years of a quarterly review", "", "", is_reviewer=True),
)  # fmt: skip

APPLICANT: Final = ExpertCard(
    "Hanna Virtanen", "psychology", 3, "FI", "Europe/Helsinki", "Clinical psychologist, trauma and sleep",
    PSYCHOLOGIST, "Valvira", "FI", "FI-2009-118",
)  # fmt: skip
