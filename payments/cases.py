"""What a decided case pays, takes back or refunds, as steps inside the deciding app's action (payments.md, row 17)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from experts.models import Expert
from kernel.db import require_transaction
from kernel.errors import Refused
from kernel.states import move
from payments import ledger
from payments.models import PayLine, PayReason, WorkKind
from payments.rates import pay_minor, week_of
from payments.states import PAY_LINE_MOVES, PayLineState


class AlreadySent(Refused):
    """The pay line is in a payout run, or paid."""

    code = "already_sent"


def pay_by_case(
    *,
    expert: Expert,
    lab_id: UUID,
    project: str,
    subject: str,
    kind: str,
    seconds: int,
    rate_minor: int,
    tier: int,
    card_version: int,
    currency: str,
    at: datetime,
    is_on_house: bool = False,
) -> PayLine:
    """Pay seconds that a case adds, at the claim's rate, without a fee: out of the project's budget if it covers them.

    If it does not the platform pays, for an expert does not wait for a lab's next payment; so it does ``is_on_house``.
    """
    require_transaction()
    pay = pay_minor(seconds, rate_minor)
    entry = None
    if pay and not is_on_house:
        entry = _pay_from(ledger.project_budget(project, currency), expert, subject, pay, at)
    if pay and entry is None:
        is_on_house = True
        entry = _pay_from(ledger.goodwill_expense(currency), expert, subject, pay, at)
    return PayLine.objects.create(
        expert=expert,
        lab_id=lab_id,
        project=project,
        subject=subject,
        kind=WorkKind(kind),
        reason=PayReason.CASE,
        seconds=seconds,
        rate_minor=rate_minor,
        tier=tier,
        card_version=card_version,
        amount_minor=pay,
        fee_minor=0,
        currency=currency,
        week_start=week_of(at),
        decided_at=at,
        entry_id=entry,
        is_on_house=is_on_house,
        state=PayLineState.AVAILABLE,
        state_changed_at=at,
    )


def _pay_from(place: ledger.Place, expert: Expert, subject: str, pay: int, at: datetime) -> int | None:
    """Return the entry, or None where the place holds less than the pay."""
    legs = [(place, pay), (ledger.expert_available(expert, place.currency), -pay)]
    memo = {"subject": subject, "reason": PayReason.CASE.value}
    return ledger.try_post("case", legs, key=f"case-{subject}", at=at, memo=memo)


def withhold(line: PayLine, *, at: datetime) -> None:
    """Void a pay line that waits for its payout, and give pay and fee back to whoever bore them."""
    require_transaction()
    if line.state != PayLineState.AVAILABLE:
        raise AlreadySent("This pay is in a payout run or was sent already, so it cannot be withheld any more.")
    move(line, PayLineState.VOID, moves=PAY_LINE_MOVES, now=at)
    budget, house = ledger.project_budget(line.project, line.currency), ledger.goodwill_expense(line.currency)
    legs = [
        (ledger.expert_available(line.expert, line.currency), line.amount_minor),
        (ledger.platform_fee(line.currency), line.fee_minor),
        (house if line.is_on_house else budget, -line.amount_minor - line.fee_minor),
    ]
    if line.amount_minor + line.fee_minor:
        ledger.post("withhold", legs, key=f"withhold-{line.subject}", at=at, memo={"subject": line.subject})


def refund_by_case(line: PayLine, *, at: datetime) -> int:
    """Give a project's budget back what a piece of work cost it, out of the platform's own money; return minor units.

    The expert keeps the pay. What the platform bears already, or was withheld, costs the project nothing more.
    """
    require_transaction()
    if line.is_on_house or line.state == PayLineState.VOID:
        return 0
    cost = line.amount_minor + line.fee_minor
    PayLine.objects.filter(pk=line.pk).update(is_on_house=True)
    if cost:
        legs = [
            (ledger.goodwill_expense(line.currency), cost),
            (ledger.project_budget(line.project, line.currency), -cost),
        ]
        ledger.post("case.refund", legs, key=f"refund-{line.subject}", at=at, memo={"subject": line.subject})
    return cost
