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
) -> PayLine:
    """Pay seconds that a case adds, at the claim's rate, without a fee: out of the project's budget if it covers them.

    If it does not the platform pays, for an expert does not wait for a lab's next payment.
    """
    require_transaction()
    pay = pay_minor(seconds, rate_minor)
    entry, is_on_house = _post_pay(expert, project, subject, pay, currency, at) if pay else (None, False)
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


def _post_pay(expert: Expert, project: str, subject: str, pay: int, currency: str, at: datetime) -> tuple[int, bool]:
    """Return the entry, and whether the platform paid."""
    key, memo = f"case-{subject}", {"subject": subject, "reason": PayReason.CASE.value}
    available = (ledger.expert_available(expert, currency), -pay)
    budget = [(ledger.project_budget(project, currency), pay), available]
    entry = ledger.try_post("case", budget, key=key, at=at, memo=memo)
    if entry is not None:
        return entry, False
    legs = [(ledger.goodwill_expense(currency), pay), available]
    return ledger.post("case", legs, key=key, at=at, memo=memo), True


def withhold(line: PayLine, *, at: datetime) -> None:
    """Void a pay line that waits for its payout, and give pay and fee back to the project's budget."""
    require_transaction()
    if line.state != PayLineState.AVAILABLE:
        raise AlreadySent("This pay is in a payout run or was sent already, so it cannot be withheld any more.")
    move(line, PayLineState.VOID, moves=PAY_LINE_MOVES, now=at)
    legs = [
        (ledger.expert_available(line.expert, line.currency), line.amount_minor),
        (ledger.platform_fee(line.currency), line.fee_minor),
        (ledger.project_budget(line.project, line.currency), -line.amount_minor - line.fee_minor),
    ]
    if line.amount_minor + line.fee_minor:
        ledger.post("withhold", legs, key=f"withhold-{line.subject}", at=at, memo={"subject": line.subject})


def refund_by_case(line: PayLine, *, at: datetime) -> int:
    """Give a project's budget back what a piece of work cost it, out of the platform's own money; return minor units.

    The expert keeps the pay.
    """
    require_transaction()
    cost = 0 if line.is_on_house else line.amount_minor + line.fee_minor
    PayLine.objects.filter(pk=line.pk).update(is_on_house=True)
    if cost:
        legs = [
            (ledger.goodwill_expense(line.currency), cost),
            (ledger.project_budget(line.project, line.currency), -cost),
        ]
        ledger.post("case.refund", legs, key=f"refund-{line.subject}", at=at, memo={"subject": line.subject})
    return cost
