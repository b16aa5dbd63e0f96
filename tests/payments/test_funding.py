"""A lab's payment: intended, sent once, confirmed once, settled once."""

import pytest

from accounts.models import OutboxItem
from accounts.outbox import drain
from kernel.errors import Invalid, Refused
from kernel.money import Money, usd
from labs.models import Event, Lab
from payments import actions, ledger
from payments.gateways.errors import GatewayError
from payments.models import Entry, Funding
from payments.queries import LabFunds, lab_funds
from payments.states import FundingState
from tests.experts.factories import an_expert
from tests.payments.factories import NOW, a_funded_lab, a_lab, a_payment, a_project, earn, hold_for
from tests.stripe_fixture import StripeAtHand

pytestmark = pytest.mark.django_db(transaction=True)


def start(lab: Lab, minor: int = 500_00, **options: str) -> Funding:
    """Write that a lab means to pay."""
    return actions.start_funding(lab, usd(minor), by=lab.members.get().user, now=NOW, **options)


def books(lab: Lab) -> tuple[int, int, int, int]:
    """Return pending, available, fees and prepaid, in cents."""
    places = (
        ledger.stripe_pending("USD"),
        ledger.stripe_available("USD"),
        ledger.stripe_fees("USD"),
        ledger.lab_prepaid(lab, "USD"),
    )
    pending, available, fees, prepaid = (ledger.balance(place).minor for place in places)
    return pending, available, fees, prepaid


def test_an_intended_payment_credits_nothing() -> None:
    lab = a_lab()

    funding = start(lab)

    assert (funding.state, books(lab)) == (FundingState.CREATED, (0, 0, 0, 0))


def test_a_confirmed_payment_is_prepaid_and_pending() -> None:
    lab = a_lab()
    funding = start(lab)

    funding = actions.confirm_funding(funding.pk, a_payment(funding), now=NOW)

    assert (funding.state, books(lab)) == (FundingState.SUCCEEDED, (500_00, 0, 0, 500_00))
    assert Event.objects.get(lab=lab, kind="funds.received").data["amount_minor"] == 500_00
    assert OutboxItem.objects.filter(kind="tasks.funds_received").count() == 1


def test_a_settled_payment_is_available_less_the_fee_which_the_platform_bears() -> None:
    lab = a_lab()
    funding = start(lab)

    funding = actions.confirm_funding(funding.pk, a_payment(funding, fee=14_80, is_settled=True), now=NOW)

    assert (funding.state, books(lab)) == (FundingState.SETTLED, (0, 485_20, 14_80, 500_00))


def test_confirming_again_in_any_order_changes_nothing() -> None:
    lab = a_lab()
    funding = start(lab)
    funding = actions.confirm_funding(funding.pk, a_payment(funding, fee=14_80, is_settled=True), now=NOW)

    for answer in (a_payment(funding, status="processing"), a_payment(funding), a_payment(funding, is_settled=True)):
        funding = actions.confirm_funding(funding.pk, answer, now=NOW)

    assert (funding.state, Entry.objects.count(), books(lab)) == (FundingState.SETTLED, 3, (0, 485_20, 14_80, 500_00))


def test_a_payment_that_is_not_the_one_asked_for_credits_nothing() -> None:
    lab = a_lab()
    funding = start(lab)
    other = start(lab, 1_00_00)

    with pytest.raises(Refused, match="not what"):
        actions.confirm_funding(funding.pk, a_payment(other), now=NOW)

    assert books(lab) == (0, 0, 0, 0)


def test_one_press_is_one_payment() -> None:
    lab = a_lab()

    first, second, third = start(lab, press="a" * 32), start(lab, press="a" * 32), start(lab, press="b" * 32)

    assert (first == second, first == third, Funding.objects.count()) == (True, False, 2)


@pytest.mark.parametrize("minor", [9_99, 1_000_000_01, -5_00])
def test_an_amount_out_of_range_is_refused_by_its_field(minor: int) -> None:
    with pytest.raises(Invalid, match="between"):
        start(a_lab(), minor)


def test_a_lab_that_is_not_approved_cannot_pay_in() -> None:
    lab = a_lab()
    Lab.objects.filter(pk=lab.pk).update(state="FROZEN")
    lab.refresh_from_db()

    with pytest.raises(Refused, match="not approved"):
        start(lab)


def test_play_money_is_given_and_never_meets_real_money() -> None:
    lab = a_lab()

    actions.add_play_money(lab, 1_000_00, by=None, now=NOW)

    assert lab_funds(lab, "XTS").available == Money(1_000_00, "XTS")
    assert lab_funds(lab, "USD").available == usd(0)


def test_the_float_bears_card_fees() -> None:
    lab = a_lab()

    for _ in range(2):
        actions.post_float(10_000_00, topup_id="tu_1", by=None, now=NOW)

    assert books(lab) == (0, 10_000_00, 0, 0)
    assert ledger.balance(ledger.bank_operating("USD")) == usd(0)


def test_the_five_numbers_of_a_lab_add_up() -> None:
    lab = a_funded_lab(1_000_00)
    project = a_project(lab, 700_00)
    hold_for(lab, project, work=100_00)
    line = earn(lab, project, an_expert(), 3_600, rate=50_00)

    funds = lab_funds(lab, "USD")

    spent = line.amount_minor + line.fee_minor
    assert funds == LabFunds(usd(1_000_00), usd(600_00 - spent), usd(100_00), usd(spent), usd(300_00))
    assert funds.prepaid == funds.allocated + funds.held + funds.spent + funds.available


def test_a_lab_sees_nothing_of_another_labs_money() -> None:
    a_funded_lab(1_000_00)
    other = a_lab("Eve's lab")

    assert lab_funds(other, "USD") == LabFunds(usd(0), usd(0), usd(0), usd(0), usd(0))


def test_a_card_is_charged_at_stripe_and_credited(stripe_at_hand: StripeAtHand) -> None:
    lab = a_lab()
    funding = start(lab, payment_method="pm_card_bypassPending")

    funding = actions.carry_funding(funding.pk)

    assert funding.state == FundingState.SETTLED
    assert books(lab)[1] == stripe_at_hand.available()
    assert books(lab)[3] == 500_00


def test_charging_twice_charges_once(stripe_at_hand: StripeAtHand) -> None:
    lab = a_lab()
    funding = start(lab)
    actions.carry_funding(funding.pk)

    actions.carry_funding(funding.pk)
    drain()

    assert (books(lab)[3], stripe_at_hand.pending() > 0) == (500_00, True)


def test_a_declined_card_fails_and_credits_nothing(stripe_at_hand: StripeAtHand) -> None:
    lab = a_lab()
    funding = start(lab, payment_method="pm_card_chargeDeclined")

    funding = actions.carry_funding(funding.pk)

    assert (funding.state, bool(funding.failure_detail), books(lab)) == (FundingState.FAILED, True, (0, 0, 0, 0))


@pytest.mark.parametrize("fault", ["after_timeout", "after_drop", "before_drop", "500_after", "429"])
def test_a_lost_answer_is_asked_for_again_under_the_same_key(stripe_at_hand: StripeAtHand, fault: str) -> None:
    lab = a_lab()
    funding = start(lab)
    stripe_at_hand.order("faults", path="/v1/payment_intents$", method="POST", action=fault, times=3)
    with pytest.raises(GatewayError):
        actions.carry_funding(funding.pk)
    stripe_at_hand.clear_faults()

    funding = actions.carry_funding(funding.pk)

    assert (funding.state, books(lab)[3], stripe_at_hand.pending() + books(lab)[2]) == (
        FundingState.SUCCEEDED,
        500_00,
        500_00,
    )


def test_a_stored_error_is_outlived_without_a_second_charge(stripe_at_hand: StripeAtHand) -> None:
    lab = a_lab()
    funding = start(lab)
    stripe_at_hand.order("faults", path="/v1/payment_intents$", method="POST", action="500", times=3)
    for _ in range(2):  # The second answer is Stripe's stored one: the key is spent until Stripe forgets it.
        with pytest.raises(GatewayError):
            actions.carry_funding(funding.pk)
    stripe_at_hand.clear_faults()
    stripe_at_hand.order("expire_keys")

    funding = actions.carry_funding(funding.pk)

    assert (funding.state, books(lab)[3], stripe_at_hand.pending() + books(lab)[2]) == (
        FundingState.SUCCEEDED,
        500_00,
        500_00,
    )


def test_a_later_look_finds_the_payment_settled(stripe_at_hand: StripeAtHand) -> None:
    lab = a_lab()
    funding = start(lab)
    funding = actions.carry_funding(funding.pk)
    before = funding.state
    stripe_at_hand.order("settle")

    funding = actions.read_funding(funding.pk)

    assert (before, funding.state, books(lab)[1]) == (
        FundingState.SUCCEEDED,
        FundingState.SETTLED,
        stripe_at_hand.available(),
    )
