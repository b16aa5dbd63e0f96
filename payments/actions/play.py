"""Give labs play money for their test projects: no bank, no Stripe, and never a cent that was paid in."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4

from accounts.audit import Actor, audit
from accounts.models import User
from accounts.outbox import due
from kernel.db import action
from kernel.errors import FieldError, Invalid, Refused
from kernel.ids import uuid7
from kernel.money import Money, format_money
from labs.events import record_event
from labs.models import Lab, Mode
from payments import ledger
from payments.models import PLAY_MONEY, Funding
from payments.states import FundingState

FIRST_MINOR = 1_000_000_00
MOST_MINOR = 1_000_000_00


@action
def add_play_money(lab: Lab, minor: int, *, by: User | None, now: datetime) -> None:
    """Give a lab play money for its test projects; it never meets real money."""
    if minor <= 0:
        raise Refused("The amount must be more than nothing.")
    _give(lab, minor, key=f"play-{lab.public_id}-{uuid4().hex}", by=by, now=now)


@action
def grant_play_money(lab: Lab, *, now: datetime) -> None:
    """Give a lab its first play money, once however often it is asked."""
    key = f"play-{lab.public_id}-first"
    if not ledger.is_posted(key):
        _give(lab, FIRST_MINOR, key=key, by=None, now=now)


@action
def fund_in_play(lab: Lab, amount: Money, *, way: str, by: Actor, now: datetime, po_number: str = "") -> Funding:
    """Pay in play money, as a lab's integration would real money: settled at once, with no page and no Stripe."""
    _check(amount)
    pk = uuid7()
    funding = Funding.objects.create(
        id=pk,
        lab=lab,
        currency=PLAY_MONEY,
        amount_minor=amount.minor,
        way=way,
        po_number=po_number,
        stripe_key=f"play-{pk.hex}",  # And its entry's key: nothing is asked of Stripe.
        created_by=by if isinstance(by, User) else None,
        created_at=now,
        succeeded_at=now,
        settled_at=now,
        state=FundingState.SETTLED,
        state_changed_at=now,
    )
    _give(lab, amount.minor, key=funding.stripe_key, by=by, now=now, funding=funding.public_id)
    due("payments.issue_receipt", key=funding.public_id, funding=funding.pk)
    return funding


def _check(amount: Money) -> None:
    if amount.currency != PLAY_MONEY:
        detail = f"A test key pays in {PLAY_MONEY}, which is play money."
        raise Invalid([FieldError("/amount/currency", "wrong_currency", detail)])
    if not 0 < amount.minor <= MOST_MINOR:
        detail = f"Pay in up to {format_money(Money(MOST_MINOR, PLAY_MONEY))} at a time."
        raise Invalid([FieldError("/amount/amount_minor", "range", detail)])


def _give(lab: Lab, minor: int, *, key: str, by: Actor | None, now: datetime, **ids: str) -> None:
    legs = [(ledger.opening_equity(PLAY_MONEY), minor), (ledger.lab_prepaid(lab, PLAY_MONEY), -minor)]
    ledger.post("play_money", legs, key=key, at=now, memo={"lab": lab.public_id, **ids})
    audit(by, "funding.play_money", lab, at=now, amount_minor=minor, **ids)
    record_event(lab.pk, Mode.TEST, "funds.received", at=now, amount_minor=minor, **ids)
    due("tasks.funds_received", key=key, lab=lab.pk)
