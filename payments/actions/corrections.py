"""Correct the books by hand: a request, and another person's decision, which posts it or refuses it."""

from __future__ import annotations

from datetime import datetime

from accounts.audit import audit
from accounts.models import User
from accounts.rules import is_finance
from kernel.db import action
from kernel.errors import FieldError, Invalid, Refused
from kernel.guards import clean_text
from kernel.money import Money
from kernel.states import move
from labs.models import Lab
from payments import ledger
from payments.models import PLAY_MONEY, Correction, Entry
from payments.queries.corrections import members_concerned
from payments.rules import CORRECTABLE, why_not_correct
from payments.states import CORRECTION_MOVES, CorrectionState

MOST_REASON, LEAST_REASON = 500, 10
MOST_MINOR = 1_000_000_00
PLACES = {
    "bank_operating": ledger.bank_operating,
    "stripe_fees": ledger.stripe_fees,
    "bonus_expense": ledger.bonus_expense,
    "goodwill_expense": ledger.goodwill_expense,
    "bad_debt": ledger.bad_debt,
    "opening_equity": ledger.opening_equity,
}
LAB_PLACES = {"lab_prepaid": ledger.lab_prepaid, "lab_receivable": ledger.lab_receivable}


class MayNotCorrect(Refused):
    """This person may not ask for, or decide about, this correction."""

    code = "may_not_correct"
    status = 403


@action
def request_correction(
    *, debit: str, credit: str, lab: Lab | None, amount: Money, reason: str, by: User, now: datetime
) -> Correction:
    """Ask that an amount be moved between two accounts, by their names; a lab's account is the ``lab``'s."""
    if not is_finance(by):
        raise MayNotCorrect("Only people of finance correct the books.")
    _check(debit, credit, lab, amount)
    debit_place, credit_place = (_place(name, lab, amount.currency) for name in (debit, credit))
    correction = Correction.objects.create(
        debit=debit_place.code,
        credit=credit_place.code,
        currency=amount.currency,
        amount_minor=amount.minor,
        reason=clean_text(reason, name="reason", max_length=MOST_REASON, min_length=LEAST_REASON),
        requested_by=by,
        requested_at=now,
        state=CorrectionState.REQUESTED,
        state_changed_at=now,
    )
    legs = {"debit": debit_place.code, "credit": credit_place.code}
    audit(by, "correction.requested", correction, at=now, amount_minor=amount.minor, **legs)
    return correction


@action
def post_correction(correction: Correction, *, by: User, now: datetime) -> Correction:
    """Say yes to another person's request, and post it."""
    row = _lock(correction)
    if why := why_not_correct(by, row, members_concerned(row)):
        raise MayNotCorrect(why)
    debit, credit = (_known_place(code, row.currency) for code in (row.debit, row.credit))
    legs = [(debit, row.amount_minor), (credit, -row.amount_minor)]
    memo = {"correction": row.public_id, "by": by.public_id}
    entry = ledger.try_post("correction", legs, key=f"correction-{row.public_id}", at=now, memo=memo)
    if entry is None:
        raise Refused("The account does not hold that much any more.")
    fields = {"decided_by": by, "decided_at": now, "entry": Entry.objects.get(pk=entry)}
    was = move(row, CorrectionState.POSTED, moves=CORRECTION_MOVES, now=now, **fields)
    audit(by, "correction.posted", row, at=now, was=was, amount_minor=row.amount_minor)
    return row


@action
def refuse_correction(correction: Correction, *, by: User, reason: str, now: datetime) -> Correction:
    """Say no to a request, or take one's own back."""
    row = _lock(correction)
    if not is_finance(by):
        raise MayNotCorrect("Only people of finance correct the books.")
    to = CorrectionState.WITHDRAWN if row.requested_by_id == by.pk else CorrectionState.REJECTED
    said = clean_text(reason, name="reason", max_length=MOST_REASON, min_length=3)
    fields = {"decided_by": by, "decided_at": now, "decision_reason": said}
    was = move(row, to, moves=CORRECTION_MOVES, now=now, **fields)
    audit(by, f"correction.{to.lower()}", row, at=now, was=was)
    return row


def _check(debit: str, credit: str, lab: Lab | None, amount: Money) -> None:
    errors = [
        FieldError(name, "unknown", "Choose one of the accounts that may be corrected by hand.")
        for name, value in (("debit", debit), ("credit", credit))
        if value not in CORRECTABLE
    ]
    if debit == credit:
        errors.append(FieldError("credit", "same", "Choose two accounts: from one to the other."))
    if lab is None and {debit, credit} & LAB_PLACES.keys():
        errors.append(FieldError("lab", "required", "Say which lab's account it is."))
    if amount.currency == PLAY_MONEY:
        errors.append(FieldError("amount", "currency", "Play money is not corrected."))
    if not 0 < amount.minor <= MOST_MINOR:
        errors.append(FieldError("amount", "range", "Write an amount of up to $1,000,000.00."))
    if errors:
        raise Invalid(errors)


def _place(name: str, lab: Lab | None, currency: str) -> ledger.Place:
    if name in LAB_PLACES:
        assert lab is not None  # Checked before.
        return LAB_PLACES[name](lab, currency)
    return PLACES[name](currency)


def _known_place(code: str, currency: str) -> ledger.Place:
    name, _, lab = code.partition(":")
    return _place(name, Lab.objects.get(pk=Lab.parse_id(lab)) if lab else None, currency)


def _lock(correction: Correction) -> Correction:
    return Correction.objects.select_for_update(of=("self",)).get(pk=correction.pk)
