"""The chart of accounts: a name for each place of money, one per currency (docs/money.md)."""

from __future__ import annotations

from dataclasses import dataclass

from experts.models import Expert
from labs.models import Lab
from payments.models import AccountKind

A, L, R, X, Q = (
    AccountKind.ASSET,
    AccountKind.LIABILITY,
    AccountKind.REVENUE,
    AccountKind.EXPENSE,
    AccountKind.EQUITY,
)


@dataclass(frozen=True)
class Place:
    """An account by its name: it is opened when it is first posted to."""

    code: str
    kind: str
    currency: str
    floor: int | None = None


def stripe_available(currency: str) -> Place:
    """Return the mirror of what Stripe can pay out for us now."""
    return Place("stripe_available", A, currency)


def stripe_pending(currency: str) -> Place:
    """Return the mirror of what Stripe will have available soon."""
    return Place("stripe_pending", A, currency)


def bank_operating(currency: str) -> Place:
    """Return the platform's own bank account."""
    return Place("bank_operating", A, currency)


def lab_receivable(lab: Lab, currency: str) -> Place:
    """Return what a lab owes us: chargebacks and agreed credit."""
    return Place(f"lab_receivable:{lab.public_id}", A, currency)


def expert_receivable(expert: Expert, currency: str) -> Place:
    """Return what an expert was paid too much, to be offset."""
    return Place(f"expert_receivable:{expert.public_id}", A, currency, floor=0)


def lab_prepaid(lab: Lab, currency: str) -> Place:
    """Return a lab's money that no project has yet."""
    return Place(f"lab_prepaid:{lab.public_id}", L, currency, floor=0)


def project_budget(project: str, currency: str) -> Place:
    """Return a project's money that no claim holds."""
    return Place(f"project_budget:{project}", L, currency, floor=0)


def project_hold(project: str, currency: str) -> Place:
    """Return a project's money that is set aside for claims."""
    return Place(f"project_hold:{project}", L, currency, floor=0)


def expert_available(expert: Expert, currency: str) -> Place:
    """Return what an expert has earned and was not sent."""
    return Place(f"expert_available:{expert.public_id}", L, currency, floor=0)


def payout_in_flight(currency: str) -> Place:
    """Return what is on its way to experts, or may be."""
    return Place("payout_in_flight", L, currency, floor=0)


def refund_in_flight(lab: Lab, currency: str) -> Place:
    """Return what is on its way back to a lab."""
    return Place(f"refund_in_flight:{lab.public_id}", L, currency, floor=0)


def tax_withheld(authority: str, currency: str) -> Place:
    """Return what is withheld from experts for a tax authority."""
    return Place(f"tax_withheld:{authority}", L, currency, floor=0)


def suspense(currency: str) -> Place:
    """Return movements at Stripe that nobody could explain yet: it must be empty."""
    return Place("suspense", L, currency)


def platform_fee(currency: str) -> Place:
    """Return the fees earned; it has no floor and no cached balance, so that settlements do not queue for it."""
    return Place("platform_fee", R, currency)


def stripe_fees(currency: str) -> Place:
    """Return what Stripe charges us."""
    return Place("stripe_fees", X, currency)


def bonus_expense(currency: str) -> Place:
    """Return bonuses that the platform pays."""
    return Place("bonus_expense", X, currency)


def goodwill_expense(currency: str) -> Place:
    """Return what the platform pays to settle a case."""
    return Place("goodwill_expense", X, currency)


def bad_debt(currency: str) -> Place:
    """Return what nobody will pay us."""
    return Place("bad_debt", X, currency)


def opening_equity(currency: str) -> Place:
    """Return what the owners put in: the operating float."""
    return Place("opening_equity", Q, currency)
