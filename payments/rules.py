"""Who may move money, and where it can go: pure questions about loaded rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from accounts.rules import is_finance, is_owner
from payments.models import Correction, Payee, PayoutRun, PayoutStop, Rail
from payments.states import PayeeState, RunState

# Where Stripe Connect transfers reach: the United States, Canada, the United Kingdom, Switzerland and the EEA.
CONNECT_COUNTRIES = frozenset(
    [
        *("US", "CA", "GB", "CH", "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE"),
        *("IS", "IT", "LI", "LV", "LT", "LU", "MT", "NL", "NO", "PL", "PT", "RO", "SK", "SI", "ES", "SE"),
    ]
)
TWO_APPROVERS_ABOVE_MINOR = 10_000_00  # The database says the same: payments_needed_approvals().
# What may be corrected by hand. Accounts that rest on claims, pay lines or Stripe's own movements follow those alone,
# and suspense is emptied by reconciling.
CORRECTABLE = {
    "bank_operating": "Our bank account",
    "stripe_fees": "Fees of Stripe's",
    "bonus_expense": "Bonuses that we pay",
    "goodwill_expense": "Goodwill",
    "bad_debt": "Bad debt",
    "opening_equity": "Equity",
    "lab_prepaid": "A lab's prepaid balance",
    "lab_receivable": "What a lab owes us",
}
COOLING_OFF = timedelta(hours=72)


@dataclass(frozen=True)
class RunFacts:
    """What decides who may approve a run: who built and edited it, who is paid, who changed what it rests on."""

    built_by: UUID
    editors: Collection[UUID]
    payees: Collection[UUID]
    changers: Collection[UUID]
    approvers: Collection[UUID]
    standstill: Collection[str] = ()  # Why nothing is approved or sent now.


def has_payout_rail(country: str) -> bool:
    """Tell whether an expert who lives in ``country`` (ISO 3166, two letters) can be paid."""
    return country in CONNECT_COUNTRIES


def can_see_runs(user: User | AnonymousUser) -> bool:
    """Finance sees payout runs."""
    return is_finance(user)


def can_stop_payouts(user: User | AnonymousUser) -> bool:
    """Finance and owners throw the emergency stop, and lift what another has thrown."""
    return is_finance(user) or is_owner(user)


def why_not_lift(user: User | AnonymousUser, stop: PayoutStop) -> str:
    """Return why this person may not lift the emergency stop, as a sentence; '' means they may."""
    if not can_stop_payouts(user):
        return "Only people of finance and owners lift the emergency stop."
    return "You threw the emergency stop. Another person lifts it." if user.pk == stop.started_by_id else ""


def needed_approvals(total_minor: int) -> int:
    """Return how many people must approve a run of this size."""
    return 2 if total_minor > TWO_APPROVERS_ABOVE_MINOR else 1


def why_not_approve(user: User | AnonymousUser, run: PayoutRun, facts: RunFacts) -> list[str]:
    """Return each reason why this person may not approve this run; none means they may."""
    reasons = []
    if not is_finance(user):
        reasons.append("Only people with the finance role approve payouts.")
    if run.state != RunState.PENDING_APPROVAL:
        reasons.append("Only a run that waits for approval can be approved.")
    if user.pk == facts.built_by:
        reasons.append("You built this run. Someone else approves it.")
    elif user.pk in facts.editors:
        reasons.append("You changed this run in the last 72 hours. Someone else approves it.")
    if user.pk in facts.payees:
        reasons.append("This run pays you. Someone who receives nothing in it approves it.")
    if user.pk in facts.changers:
        reasons.append("In the last 72 hours you changed a rate or a tier, or decided a case, that this run rests on.")
    if user.pk in facts.approvers:
        reasons.append("You approved this run already; it waits for another person.")
    return [*reasons, *facts.standstill]


def why_not_correct(user: User | AnonymousUser, correction: Correction, members: Collection[UUID]) -> str:
    """Return why this person may not post this correction, as a sentence; ``members`` act for the lab it concerns."""
    if not is_finance(user):
        return "Only people of finance correct the books."
    if user.pk == correction.requested_by_id:
        return "You asked for this correction. Another person posts it."
    if user.pk in members:
        return "You act for the lab whose account this is. Somebody who does not posts it."
    return ""


def can_approve(user: User | AnonymousUser, run: PayoutRun, facts: RunFacts) -> bool:
    """Tell whether this person may approve this run now."""
    return not why_not_approve(user, run, facts)


def why_not_payable(payee: Payee | None, country: str, now: datetime) -> str:
    """Return why this expert cannot be in a run, as a sentence; '' means they can."""
    if payee is None or payee.state in (PayeeState.NONE, PayeeState.CREATED):
        return "Has not set up payouts." if has_payout_rail(country) else "Lives where no payout rail reaches."
    if payee.rail == Rail.STRIPE and payee.state != PayeeState.ACTIVE:
        return NOT_READY[PayeeState(payee.state)]
    if payee.bank_changed_at is not None and now - payee.bank_changed_at < COOLING_OFF:
        return "Changed the bank account less than 72 hours ago."
    return ""


NOT_READY = {
    PayeeState.ONBOARDING: "Has begun to set up payouts, and has not finished.",
    PayeeState.PENDING: "Stripe is checking what the expert gave.",
    PayeeState.RESTRICTED: "Stripe asks the expert for more before it pays.",
    PayeeState.CLOSED: "The payout account is closed.",
}


def is_anomaly_free(anomalies: Sequence[str]) -> bool:
    """Tell whether nothing about an item is unusual."""
    return not anomalies
