"""Steps inside other apps' actions: give budgets, set money aside for claims, and settle it to the cent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError

from accounts.outbox import due
from experts.models import Expert
from kernel.db import require_transaction
from kernel.errors import LostRace, Refused
from kernel.ids import uuid7
from kernel.money import Money
from kernel.rows import insert
from kernel.states import move
from labs.models import Lab
from payments import ledger
from payments.models import PLAY_MONEY, Hold, PayLine, PayReason, WorkKind
from payments.rates import fee_minor, pay_minor, week_of
from payments.states import HOLD_MOVES, HoldState, PayLineState


class BudgetReached(Refused):
    """The project has less left than this could cost."""

    code = "budget_reached"


class NotEnoughPrepaid(Refused):
    """The lab's balance does not cover what it wants to give."""

    code = "insufficient_funds"


def allocate(*, lab: Lab, project: str, amount: Money, key: str, at: datetime) -> None:
    """Give a project a budget out of the lab's prepaid balance."""
    _check_positive(amount)
    legs = [
        (ledger.lab_prepaid(lab, amount.currency), amount.minor),
        (ledger.project_budget(project, amount.currency), -amount.minor),
    ]
    if ledger.try_post("allocate", legs, key=key, at=at, memo={"lab": lab.public_id, "project": project}) is None:
        left = ledger.balance(ledger.lab_prepaid(lab, amount.currency))
        raise NotEnoughPrepaid(f"The balance holds {left}; add funds before you allocate {amount}.")


def deallocate(*, lab: Lab, project: str, amount: Money, key: str, at: datetime) -> None:
    """Take a part of a project's free budget back to the lab's prepaid balance."""
    _check_positive(amount)
    legs = [
        (ledger.project_budget(project, amount.currency), amount.minor),
        (ledger.lab_prepaid(lab, amount.currency), -amount.minor),
    ]
    if ledger.try_post("deallocate", legs, key=key, at=at, memo={"lab": lab.public_id, "project": project}) is None:
        left = ledger.balance(ledger.project_budget(project, amount.currency))
        raise BudgetReached(f"Only {left} of this budget is free; the rest is held for work or spent.")


def hold_for_claim(
    *,
    lab_id: UUID,
    project: str,
    subject: str,
    work_minor: int,
    review_minor: int,
    review_parts: int,
    currency: str,
    at: datetime,
    hold_id: UUID | None = None,
) -> Hold:
    """Set aside the most that a claim and its reviews can cost, or raise BudgetReached, which ends the transaction.

    The money moves last: a project's budget is one row, and whoever claims next waits for it until the commit. An
    action that sends ahead hears of a reached budget at its commit (``within_budget``). ``hold_id`` is the id the hold
    is to have, for a caller that has written it down already.
    """
    require_transaction()
    total = work_minor + review_minor * review_parts
    hold = Hold(
        id=hold_id or uuid7(),
        subject=subject,
        project=project,
        lab_id=lab_id,
        currency=currency,
        amount_minor=total,
        review_minor=review_minor,
        review_parts_left=review_parts,
        state=HoldState.OPEN,
        state_changed_at=at,
        created_at=at,
    )
    insert(hold)
    legs = [(ledger.project_budget(project, currency), total), (ledger.project_hold(project, currency), -total)]
    with within_budget():
        ledger.post_surely("hold", legs, key=f"hold-{subject}", at=at, memo={"subject": subject})
    return hold


@contextmanager
def within_budget() -> Iterator[None]:
    """Say of a ledger's floor that was reached inside that it was the budget's."""
    try:
        yield
    except IntegrityError as error:
        if ledger.FLOOR not in str(error):
            raise
        raise BudgetReached("The project's budget does not cover the most that this could cost.") from error


def raise_hold(hold: Hold, *, by_minor: int, key: str, at: datetime) -> Hold:
    """Set more aside for the same claim, before its cap is raised; a replayed key raises it once."""
    amount = Money(by_minor, hold.currency)
    _check_positive(amount)
    locked = _lock_open(hold)
    legs = [
        (ledger.project_budget(hold.project, hold.currency), by_minor),
        (ledger.project_hold(hold.project, hold.currency), -by_minor),
    ]
    memo = {"subject": hold.subject, "raises": hold.public_id}
    if ledger.is_posted(key):
        ledger.post("hold", legs, key=key, at=at, memo=memo)  # Refuses the key when it was used for other money.
        return _refresh(hold, locked)
    if ledger.try_post("hold", legs, key=key, at=at, memo=memo) is None:
        raise BudgetReached("The project's budget does not cover more time on this claim.")
    locked.amount_minor += by_minor
    locked.save(update_fields=["amount_minor"])
    return _refresh(hold, locked)


def take_review_part(hold: Hold, *, subject: str, at: datetime, hold_id: UUID | None = None) -> Hold:
    """Let a review claim take over its part of the hold; no money moves."""
    locked = _lock_open(hold)
    if not locked.review_parts_left:
        raise LostRace("The reviews that this work needs are all taken.")
    locked.amount_minor -= locked.review_minor
    locked.review_parts_left -= 1
    locked.save(update_fields=["amount_minor", "review_parts_left"])
    _refresh(hold, locked)
    return Hold.objects.create(
        id=hold_id or uuid7(),
        subject=subject,
        project=hold.project,
        lab_id=hold.lab_id,
        currency=hold.currency,
        amount_minor=hold.review_minor,
        parent=hold,
        state=HoldState.OPEN,
        state_changed_at=at,
        created_at=at,
    )


def give_back_review_part(part: Hold, *, at: datetime) -> None:
    """Return an unused review part to its open parent, so that another reviewer may take it."""
    assert part.parent_id is not None
    parent = Hold.objects.select_for_update().get(pk=part.parent_id)
    if parent.state != HoldState.OPEN:
        release(part, reason=PayReason.RELEASED, at=at)
        return
    held = part.amount_minor
    move(part, HoldState.RELEASED, moves=HOLD_MOVES, now=at, amount_minor=0)
    parent.amount_minor += held
    parent.review_parts_left += 1
    parent.save(update_fields=["amount_minor", "review_parts_left"])


def settle(
    hold: Hold,
    *,
    expert: Expert,
    seconds: int,
    rate_minor: int,
    tier: int,
    card_version: int,
    fee_bps: int,
    kind: str,
    reason: str,
    with_fee: bool,
    at: datetime,
) -> PayLine | None:
    """Pay ``seconds`` out of a hold, give the rest back to the budget, and return the pay line, if there is one.

    The caller has capped the seconds: what they cost fits the hold, or this is a mistake and raises ValueError.
    """
    require_transaction()
    if not seconds:
        release(hold, reason=reason, at=at)
        return None
    pay = pay_minor(seconds, rate_minor)
    fee = fee_minor(pay, fee_bps) if with_fee else 0
    held = hold.amount_minor
    if pay + fee > held:
        raise ValueError(f"{hold.subject} holds {held}, which does not cover {pay + fee}.")
    _close(hold, HoldState.SETTLED, held, at)
    entry = _post_settlement(hold, held, expert=expert, pay=pay, fee=fee, kind=kind, reason=reason, at=at)
    line = PayLine.objects.create(
        expert=expert,
        lab_id=hold.lab_id,
        project=hold.project,
        subject=hold.subject,
        kind=WorkKind(kind),
        reason=PayReason(reason),
        seconds=seconds,
        rate_minor=rate_minor,
        tier=tier,
        card_version=card_version,
        amount_minor=pay,
        fee_minor=fee,
        currency=hold.currency,
        week_start=week_of(at),
        decided_at=at,
        entry_id=entry,
        state=PayLineState.AVAILABLE,
        state_changed_at=at,
    )
    if hold.currency != PLAY_MONEY:
        due("payments.ask_for_payee", key=expert.public_id, expert=expert.pk)  # Once for ever: the first pay.
    return line


def release(hold: Hold, *, reason: str, at: datetime) -> None:
    """Give all that is held back to the project's budget."""
    require_transaction()
    held = hold.amount_minor
    _close(hold, HoldState.RELEASED, held, at)
    if held:
        legs = [
            (ledger.project_hold(hold.project, hold.currency), held),
            (ledger.project_budget(hold.project, hold.currency), -held),
        ]
        ledger.post(
            "release", legs, key=f"close-{hold.subject}", at=at, memo={"subject": hold.subject, "reason": reason}
        )


def _post_settlement(
    hold: Hold, held: int, *, expert: Expert, pay: int, fee: int, kind: str, reason: str, at: datetime
) -> int | None:
    if not held:
        return None  # Nothing was held, as pay rounds to nothing: there is nothing to move.
    legs = [
        (ledger.project_hold(hold.project, hold.currency), held),
        (ledger.expert_available(expert, hold.currency), -pay),
        (ledger.platform_fee(hold.currency), -fee),
        (ledger.project_budget(hold.project, hold.currency), pay + fee - held),
    ]
    memo = {"subject": hold.subject, "kind": kind, "reason": reason}
    return ledger.post("settle", legs, key=f"close-{hold.subject}", at=at, memo=memo)


def _close(hold: Hold, to: str, held: int, at: datetime) -> None:
    """Close the hold if it is still what the caller saw; a part taken or a raise in between is a lost race."""
    changed = Hold.objects.filter(pk=hold.pk, state=HoldState.OPEN, amount_minor=held).update(
        state=to, state_changed_at=at, amount_minor=0, review_parts_left=0
    )
    if not changed:
        raise LostRace("This hold was settled, released or changed a moment ago.")
    hold.state, hold.state_changed_at, hold.amount_minor, hold.review_parts_left = to, at, 0, 0


def _lock_open(hold: Hold) -> Hold:
    require_transaction()
    locked = Hold.objects.select_for_update().get(pk=hold.pk)
    if locked.state != HoldState.OPEN:
        raise LostRace("This hold is settled or released already.")
    return locked


def _refresh(hold: Hold, locked: Hold) -> Hold:
    hold.amount_minor, hold.review_parts_left = locked.amount_minor, locked.review_parts_left
    return hold


def _check_positive(amount: Money) -> None:
    if amount.minor <= 0:
        raise Refused("The amount must be more than nothing.")
