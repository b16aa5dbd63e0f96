"""Experts who earned, the run that pays them, and the two who build and approve it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count

from django.db import transaction

from accounts.clock import set_offset
from accounts.models import User
from experts.models import Expert
from kernel.db import app_now
from kernel.money import usd
from labs.actions import approve_lab, register_lab
from labs.models import Lab
from payments import actions, credits, ledger
from payments.gateways.types import Recipient
from payments.models import Payee, PayLine, PayoutItem, PayoutRun
from tests.accounts.factories import make_operator, make_user
from tests.experts.factories import an_expert
from tests.stripe_fixture import StripeAtHand

MONDAY = date(2026, 11, 16)
EARNED_AT = datetime(2026, 11, 18, 12, tzinfo=UTC)
BUILT_AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
PROJECT = "prj_00000000000000000000000000"
RATE_MINOR = 3_600_00  # A dollar a second: seconds are dollars.
_numbers = count(1)


def a_funded_lab(minor: int) -> Lab:
    """Store a lab whose prepaid money is at Stripe, as the ledger sees it."""
    owner = make_user("Lea")
    lab = register_lab(owner=owner, name="Lab", contact_email="lab@example.org", country="US", now=EARNED_AT)
    approve_lab(lab, by=make_operator("vetting", name="Vic"), reason="Known to us", now=EARNED_AT)
    with transaction.atomic():
        legs = [(ledger.stripe_available("USD"), minor), (ledger.lab_prepaid(lab, "USD"), -minor)]
        ledger.post("funding", legs, key=f"funding-{lab.public_id}", at=EARNED_AT)
        credits.allocate(lab=lab, project=PROJECT, amount=usd(minor), key=f"all-{lab.public_id}", at=EARNED_AT)
    return lab


def a_payee(stripe: StripeAtHand, name: str) -> Payee:
    """Make an expert whom Stripe can pay."""
    expert = an_expert(name)
    payee = actions.payees.open_payee(expert, now=EARNED_AT)
    account = stripe.payable_account()
    actions.payees.note_account(payee.pk, Recipient(account, "restricted"), now=EARNED_AT)
    return actions.record_readiness(payee.pk, Recipient(account, "active"), now=EARNED_AT)


def earn(expert: Expert, lab: Lab, seconds: int) -> PayLine:
    """Settle one piece of work at a dollar a second."""
    minor = seconds * 100
    with transaction.atomic():
        hold = credits.hold_for_claim(
            lab_id=lab.pk,
            project=PROJECT,
            subject=f"clm_{next(_numbers)}",
            work_minor=minor,
            review_minor=0,
            review_parts=0,
            currency="USD",
            at=EARNED_AT,
        )
        line = credits.settle(
            hold,
            expert=expert,
            seconds=seconds,
            rate_minor=RATE_MINOR,
            tier=3,
            card_version=1,
            fee_bps=0,
            kind="work",
            reason="accepted",
            with_fee=False,
            at=EARNED_AT,
        )
    assert line is not None
    return line


def an_approved_run(stripe: StripeAtHand, *dollars: int, fund: bool = True) -> PayoutRun:
    """Build and approve a run that pays one expert for each amount; with ``fund``, Stripe holds the money for it."""
    lab = a_funded_lab(sum(dollars) * 100)
    for number, each in enumerate(dollars):
        earn(a_payee(stripe, f"Expert{number} Marlowe").expert, lab, each)
    if fund:
        stripe.fund(sum(dollars) * 100)
    return approve(build())


def build(by: User | None = None) -> PayoutRun:
    """Build the week's run and submit it."""
    stand_at(BUILT_AT)
    builder = by or make_operator("finance", name="Finn")
    run = actions.build_run(MONDAY, by=builder, now=BUILT_AT)
    return actions.submit_run(run, by=builder, now=BUILT_AT)


def approve(run: PayoutRun) -> PayoutRun:
    """Give as many approvals as the run needs."""
    for name in ("Gale", "Hope"):
        run.refresh_from_db()
        if run.state == "PENDING_APPROVAL":
            actions.approve_run(run, by=make_operator("finance", name=name), now=app_now())
    run.refresh_from_db()
    return run


def items_of(run: PayoutRun) -> Sequence[PayoutItem]:
    """Return a run's items as they are now, in a stable order."""
    return list(PayoutItem.objects.filter(run=run).select_related("expert__user", "run").order_by("expert__user__name"))


def stand_at(when: datetime) -> None:
    """Set the one clock."""
    with transaction.atomic():
        set_offset(when - datetime.now(UTC))


def pass_time(by: timedelta) -> None:
    """Let time pass."""
    stand_at(app_now() + by)
