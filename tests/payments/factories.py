"""Labs with money, experts who earn, and operators of finance, made through actions."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count

from django.db import transaction

from accounts.models import User
from experts.models import Case, CaseDecision, Expert
from experts.states import CaseKind, CaseOutcome, CaseSide, CaseState
from kernel.ids import encode_id, uuid7
from kernel.money import Money, usd
from labs.actions import approve_lab, register_lab
from labs.models import Lab
from payments import actions, credits
from payments.actions.payees import note_account, open_payee
from payments.cases import pay_by_case
from payments.gateways.types import PaymentIntent, Recipient
from payments.models import Funding, Hold, Payee, PayLine, PayoutRun
from payments.rates import pay_minor
from tests.accounts.factories import make_operator, make_user
from tests.experts.factories import an_expert

MONDAY = date(2026, 11, 9)
NOW = datetime(2026, 11, 11, 10, 0, tzinfo=UTC)  # The Wednesday of that week.
AFTER_WEEK = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
RATE = 260_00
_numbers = count(1)


def a_lab(name: str = "Hollis Labs", owner: User | None = None) -> Lab:
    """Make an approved lab."""
    lab = register_lab(
        owner=owner or make_user("Lou"), name=name, contact_email="lab@example.com", country="US", now=NOW
    )
    return approve_lab(lab, by=make_operator("trust", name="Tri", now=NOW), reason="Known to us", now=NOW)


def a_payment(funding: Funding, *, status: str = "succeeded", fee: int = 0, is_settled: bool = False) -> PaymentIntent:
    """Return Stripe's answer about a funding."""
    number = funding.stripe_id or f"pi_sbx{next(_numbers)}"
    return PaymentIntent(
        stripe_id=number,
        status=status,
        amount=Money(funding.amount_minor, funding.currency),
        funding=funding.public_id,
        fee_minor=fee,
        is_settled=is_settled,
    )


def a_funded_lab(minor: int = 10_000_00, name: str = "Hollis Labs") -> Lab:
    """Make a lab whose payment is settled at Stripe."""
    lab = a_lab(name)
    funding = actions.start_funding(lab, usd(minor), by=lab.members.get().user, now=NOW)
    actions.confirm_funding(funding.pk, a_payment(funding, is_settled=True), now=NOW)
    return lab


def a_project(lab: Lab, minor: int = 5_000_00) -> str:
    """Give a new project's id a budget, and return it."""
    project = encode_id("prj", uuid7())
    with transaction.atomic():
        credits.allocate(lab=lab, project=project, amount=usd(minor), key=f"give-{project}", at=NOW)
    return project


def a_claim() -> str:
    """Return a new claim's id."""
    return encode_id("clm", uuid7())


def hold_for(
    lab: Lab,
    project: str,
    *,
    work: int = 312_00,
    review: int = 0,
    parts: int = 0,
    subject: str = "",
    at: datetime = NOW,
) -> Hold:
    """Set money aside for a claim."""
    with transaction.atomic():
        return credits.hold_for_claim(
            lab_id=lab.pk,
            project=project,
            subject=subject or a_claim(),
            work_minor=work,
            review_minor=review,
            review_parts=parts,
            currency="USD",
            at=at,
        )


def settle(
    hold: Hold,
    expert: Expert,
    seconds: int,
    *,
    rate: int = RATE,
    kind: str = "work",
    reason: str = "accepted",
    with_fee: bool = True,
    at: datetime = NOW,
) -> PayLine | None:
    """Decide a claim."""
    with transaction.atomic():
        return credits.settle(
            hold,
            expert=expert,
            seconds=seconds,
            rate_minor=rate,
            tier=4,
            card_version=1,
            fee_bps=2_000,
            kind=kind,
            reason=reason,
            with_fee=with_fee,
            at=at,
        )


def earn(
    lab: Lab, project: str, expert: Expert, seconds: int = 3_600, *, rate: int = RATE, at: datetime = NOW
) -> PayLine:
    """Let an expert earn: hold, then settle."""
    cost = pay_minor(seconds, rate) * 2
    line = settle(hold_for(lab, project, work=cost, at=at), expert, seconds, rate=rate, at=at)
    assert line is not None
    return line


def add_by_case(lab: Lab, project: str, expert: Expert, seconds: int, *, by: User, at: datetime = NOW) -> PayLine:
    """Let a decided case add paid time to a claim."""
    case = Case.objects.create(
        kind=CaseKind.TIME,
        mode="live",
        side=CaseSide.EXPERT,
        expert=expert,
        lab=lab.public_id,
        project=project,
        subject=a_claim(),
        number=1,
        opened_by=expert.user.public_id,
        opened_at=at,
        due_at=at,
        statement=b"sealed",
        first=by,
        state=CaseState.DECIDED,
        state_changed_at=at,
    )
    CaseDecision.objects.create(
        case=case, round=1, by=by, outcome=CaseOutcome.UPHELD, seconds=seconds, reasons=b"sealed", decided_at=at
    )
    with transaction.atomic():
        return pay_by_case(
            expert=expert,
            lab_id=lab.pk,
            project=project,
            subject=f"{case.subject}-case1",
            kind="work",
            seconds=seconds,
            rate_minor=RATE,
            tier=4,
            card_version=1,
            currency="USD",
            at=at,
        )


def a_payable_expert(name: str = "Cyd Marlowe", account: str = "") -> Expert:
    """Make an expert whom Stripe pays."""
    expert = an_expert(name)
    make_payable(expert, account)
    return expert


def make_payable(expert: Expert, account: str = "") -> None:
    """Let Stripe pay an expert."""
    payee = open_payee(expert, now=NOW)
    recipient = Recipient(account or f"acct_sbx{next(_numbers)}", "active")
    note_account(payee.pk, recipient, now=NOW)
    actions.record_readiness(payee.pk, recipient, now=NOW)


def payee_of(expert: Expert) -> Payee:
    """Return an expert's payee row as it is now."""
    return Payee.objects.get(expert=expert)


def finance(name: str = "Ada") -> User:
    """Make an operator of finance."""
    return make_operator("finance", name=name, now=NOW)


def a_submitted_run(*amounts: int, by: User | None = None) -> PayoutRun:
    """Build and submit a run that pays one expert for each amount, in cents."""
    lab = a_funded_lab(sum(amounts) * 4)
    project = a_project(lab, sum(amounts) * 3)
    for number, amount in enumerate(amounts):
        earn(lab, project, a_payable_expert(f"Cyd{number} Marlowe"), 3_600, rate=amount)
    builder = by or finance("Ada Byron")
    run = actions.build_run(MONDAY, by=builder, now=AFTER_WEEK)
    return actions.submit_run(run, by=builder, now=AFTER_WEEK + timedelta(minutes=1))
