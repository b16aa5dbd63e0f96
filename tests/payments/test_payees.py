"""Experts become payable: asked once, opened once, read again each time, and never back to an earlier state."""

import pytest
from django.db import transaction

from accounts.models import Mail, Notification
from accounts.outbox import drain
from experts.models import Expert
from kernel.money import Money
from labs.models import Lab
from payments import actions, credits
from payments.actions import NoPayoutRail
from payments.actions.payees import note_account, note_onboarding, open_payee
from payments.gateways.errors import GatewayError
from payments.gateways.types import Recipient
from payments.models import Payee
from payments.rules import has_payout_rail, why_not_payable
from payments.states import PayeeState
from tests.experts.factories import a_simulated_expert, an_expert
from tests.payments.factories import NOW, a_funded_lab, a_payable_expert, a_project, earn
from tests.stripe_fixture import StripeAtHand

pytestmark = pytest.mark.django_db(transaction=True)


def at_stripe() -> Payee:
    """Make a payee who was sent to Stripe."""
    payee = open_payee(an_expert(), now=NOW)
    note_account(payee.pk, Recipient("acct_sbx1", "restricted"), now=NOW)
    note_onboarding(payee.pk, now=NOW)
    return Payee.objects.get(pk=payee.pk)


def read(payee: Payee, status: str, *needs: str, is_closed: bool = False) -> Payee:
    """Write what Stripe says."""
    return actions.record_readiness(payee.pk, Recipient("acct_sbx1", status, is_closed, needs), now=NOW)


def test_the_first_pay_asks_where_to_send_it_and_the_second_does_not() -> None:
    lab, cyd = a_funded_lab(), an_expert()
    project = a_project(lab)

    for _ in range(2):
        earn(lab, project, cyd, 60)
        drain()

    assert Payee.objects.get(expert=cyd).asked_at is not None
    assert list(Notification.objects.filter(user=cyd.user).values_list("text", flat=True)) == [
        "You have earned your first pay. Say where to send it."
    ]
    assert Mail.objects.filter(to=cyd.user.email, subject="Where shall we send your pay?").count() == 1


def test_who_can_be_paid_already_is_not_asked() -> None:
    lab, cyd = a_funded_lab(), a_payable_expert()
    before = Notification.objects.filter(user=cyd.user).count()

    earn(lab, a_project(lab), cyd, 60)
    drain()

    assert Notification.objects.filter(user=cyd.user).count() == before


def test_play_money_asks_nobody() -> None:
    lab, expert = a_funded_lab(), a_simulated_expert()
    actions.add_play_money(lab, 100_00, by=None, now=NOW)
    play(lab, expert)

    drain()

    assert Payee.objects.count() == 0


@pytest.mark.parametrize(
    ("status", "needs", "state"),
    [
        ("active", (), PayeeState.ACTIVE),
        ("pending", (), PayeeState.PENDING),
        ("restricted", ("identity.document",), PayeeState.ONBOARDING),  # Gone to Stripe, and not finished.
        ("restricted", (), PayeeState.RESTRICTED),
        ("unheard_of", (), PayeeState.RESTRICTED),
    ],
)
def test_what_stripe_says_decides_after_onboarding(status: str, needs: tuple[str, ...], state: PayeeState) -> None:
    payee = read(at_stripe(), status, *needs)

    assert (payee.state, payee.needs, payee.read_at) == (state, list(needs), NOW)


def test_a_payee_is_restricted_and_ready_again_and_then_closed_for_good() -> None:
    payee = at_stripe()

    states = [read(payee, status).state for status in ("active", "restricted", "active")]
    states += [read(payee, "active", is_closed=True).state, read(payee, "active").state]

    assert states == ["ACTIVE", "RESTRICTED", "ACTIVE", "CLOSED", "CLOSED"]


def test_an_account_is_opened_once_at_stripe(stripe_at_hand: StripeAtHand) -> None:
    cyd = an_expert()

    accounts = {actions.start_payee(cyd, now=NOW).stripe_id for _ in range(2)}

    assert len(accounts) == 1
    assert Payee.objects.get(expert=cyd).state == PayeeState.CREATED


def test_an_account_whose_opening_was_not_answered_is_opened_once(stripe_at_hand: StripeAtHand) -> None:
    cyd = an_expert()
    stripe_at_hand.order("faults", path="/v2/core/accounts$", method="POST", action="after_drop", times=3)
    with pytest.raises(GatewayError):
        actions.start_payee(cyd, now=NOW)
    stripe_at_hand.clear_faults()

    payee = actions.start_payee(cyd, now=NOW)

    opened = [each for each in stripe_at_hand.sandbox.world.records if each.startswith("acct_sbx0")]
    assert opened == [payee.stripe_id]


def test_where_no_rail_reaches_no_account_is_opened() -> None:
    with pytest.raises(NoPayoutRail):
        actions.start_payee(an_expert(country="IN"), now=NOW)

    assert (has_payout_rail("IN"), has_payout_rail("DE"), why_not_payable(None, "IN", NOW)) == (
        False,
        True,
        "Lives where no payout rail reaches.",
    )


def play(lab: Lab, expert: Expert) -> None:
    """Let an expert earn play money."""
    with transaction.atomic():
        credits.allocate(lab=lab, project="prj_play", amount=Money(50_00, "XTS"), key="play", at=NOW)
        hold = credits.hold_for_claim(
            lab_id=lab.pk, project="prj_play", subject="clm_play", work_minor=10_00, review_minor=0, review_parts=0,
            currency="XTS", at=NOW,
        )  # fmt: skip
        credits.settle(
            hold, expert=expert, seconds=60, rate_minor=60_00, tier=1, card_version=1, fee_bps=0, kind="work",
            reason="accepted", with_fee=True, at=NOW,
        )  # fmt: skip
