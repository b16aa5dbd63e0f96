"""Thousands of experts who earned: rows in bulk, and money that really moved at a local Stripe."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction

from accounts.actions import create_user, enrol_totp, grant_role
from accounts.models import User
from accounts.outbox import drain
from experts.models import Expert
from experts.states import ExpertState
from kernel.ids import uuid7
from kernel.money import Money, usd
from labs.actions import approve_lab, register_lab
from labs.models import Lab
from payments import actions, ledger
from payments.gateways import stripe as gateway
from payments.models import Payee, PayLine, PayoutRun, PayReason, WorkKind
from payments.rates import pay_minor
from payments.sandbox.server import Sandbox
from payments.states import PayeeState, PayLineState

RATE_MINOR = 60_00
FLOAT_MINOR = 20_000_00
AT_ONCE = 1_000
CARD = "pm_card_bypassPending"  # Settles at once.


def people_of_finance(now: datetime, count: int = 3) -> list[User]:
    """Make people who build and approve."""
    return [_operator(number, now) for number in range(count)]


def _operator(number: int, now: datetime) -> User:
    user = create_user(email=f"finance{number}@example.org", name=f"Finn {number}", password=None, now=now)
    enrol_totp(user, now=now)
    grant_role(user, "finance", by=None, reason="Runs payouts", now=now)
    user.refresh_from_db()
    return user


def experts_who_earned(stripe: Sandbox, count: int, *, week: date, by: User, now: datetime) -> list[PayLine]:
    """Make experts whom Stripe pays, each with one pay line decided in a week that is over."""
    at = datetime.combine(week + timedelta(days=2), time(12), UTC)
    experts = _experts(count, at)
    _payees(experts, _accounts(stripe, count), at)
    amounts = [pay_minor(600 + number % 3_000, RATE_MINOR) for number in range(count)]
    lab = _lab_that_paid(usd(sum(amounts)), by=by, now=at)
    with transaction.atomic():
        entries = [_earn(lab, expert, minor, at) for expert, minor in zip(experts, amounts, strict=True)]
    lines = [
        PayLine(
            expert=expert,
            lab=lab,
            project="prj_bench",
            subject=f"clm_bench{number}",
            kind=WorkKind.WORK,
            reason=PayReason.ACCEPTED,
            seconds=600 + number % 3_000,
            rate_minor=RATE_MINOR,
            tier=3,
            card_version=1,
            amount_minor=amounts[number],
            fee_minor=0,
            currency="USD",
            week_start=week,
            decided_at=at,
            entry_id=entry,
            state=PayLineState.AVAILABLE,
            state_changed_at=at,
        )
        for number, (expert, entry) in enumerate(zip(experts, entries, strict=True))
    ]
    return PayLine.objects.bulk_create(lines, batch_size=AT_ONCE)


def an_approved_run(week: date, finance: Sequence[User], *, now: datetime) -> PayoutRun:
    """Build a week's run, submit it, and give it the approvals that it needs."""
    run = actions.submit_run(actions.build_run(week, by=finance[0], now=now), by=finance[0], now=now)
    for person in finance[1:]:
        run.refresh_from_db()
        if run.state == "PENDING_APPROVAL":
            actions.approve_run(run, by=person, now=now)
    run.refresh_from_db()
    return run


def _experts(count: int, at: datetime) -> list[Expert]:
    users = [
        User(id=uuid7(), email=f"payee{number}@example.org", name=f"Payee {number}", date_joined=at)
        for number in range(count)
    ]
    experts = [
        Expert(user=user, country="US", languages=["en"], created_at=at, state=ExpertState.ACTIVE, state_changed_at=at)
        for user in User.objects.bulk_create(users, batch_size=AT_ONCE)
    ]
    return Expert.objects.bulk_create(experts, batch_size=AT_ONCE)


def _accounts(stripe: Sandbox, count: int) -> list[str]:
    """Open connected accounts past HTTP: one is made by a call, the others are its copies."""
    first = gateway.create_recipient(name="Payee", email="p@example.org", country="US", expert="exp_bench", key="acct")
    stripe.order(f"account/{first.stripe_id}", transfers="active", payouts=True, due=[])
    with stripe.world.lock:
        body = stripe.world.records[first.stripe_id].body
        names = [f"{first.stripe_id}x{number}" for number in range(count)]
        for name in names:
            stripe.world.put({**body, "id": name})
    return names


def _payees(experts: Sequence[Expert], accounts: Sequence[str], at: datetime) -> None:
    payees = [
        Payee(
            expert=expert,
            stripe_id=account,
            ready_at=at,
            created_at=at,
            events_read_at=at,
            state=PayeeState.ACTIVE,
            state_changed_at=at,
        )
        for expert, account in zip(experts, accounts, strict=True)
    ]
    Payee.objects.bulk_create(payees, batch_size=AT_ONCE)


def _lab_that_paid(amount: Money, *, by: User, now: datetime) -> Lab:
    topup = gateway.create_topup(amount=usd(FLOAT_MINOR), description="Float", key="float-bench")
    actions.post_float(FLOAT_MINOR, topup_id=topup, by=by, now=now)
    owner = create_user(email="lea@example.org", name="Lea Brandt", password=None, now=now)
    lab = register_lab(owner=owner, name="Bench Lab", contact_email="lab@example.org", country="US", now=now)
    approve_lab(lab, by=by, reason="Known to us", now=now)
    lab.refresh_from_db()
    actions.start_funding(lab, amount, by=owner, now=now, payment_method=CARD)
    drain()
    return lab


def _earn(lab: Lab, expert: Expert, minor: int, at: datetime) -> int:
    legs = [(ledger.lab_prepaid(lab, "USD"), minor), (ledger.expert_available(expert, "USD"), -minor)]
    return ledger.post("settle", legs, key=f"earned-{expert.public_id}", at=at)
