"""What must always be true of the money: one question each, whose answers are the breaches."""

from payments.checks.asking import Finding, Invariant, ask
from payments.checks.identities import IDENTITIES
from payments.checks.laws import LAWS

__all__ = ["Finding", "Invariant", "breaches", "check_ledger", "invariants", "register"]

_registered: list[Invariant] = []


def register(*laws: Invariant) -> None:
    """Take in laws of another app's, which stand among ours by their numbers."""
    _registered.extend(laws)


def invariants() -> list[Invariant]:
    """Return the sixteen laws in order, then the identities of the chart of accounts."""
    laws = sorted([*LAWS, *_registered], key=lambda law: int(law.name.partition(".")[0]))
    return [*laws, *IDENTITIES]


def check_ledger() -> list[Finding]:
    """Ask every question and return what was found."""
    return ask(invariants())


def breaches() -> list[str]:
    """Return every breach as a sentence: an empty list is what all tests end with."""
    return [f"{found.name}: {breach}" for found in check_ledger() for breach in found.breaches]
