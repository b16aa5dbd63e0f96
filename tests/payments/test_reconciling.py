"""Reconciliation: all money against Stripe's, each kind of difference, and that payouts stand still for one."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.models import AuditEvent
from accounts.outbox import drain
from kernel.db import app_now
from kernel.errors import Busy, Invalid, Refused
from kernel.money import usd
from payments import actions, jobs, ledger, reconciliation, sending
from payments.gateways import stripe as gateway
from payments.models import Difference, Movement, PayoutItem, PayoutRun, Reconciliation
from payments.queries.standstill import why_standing_still
from payments.states import ItemState, RunState
from tests.accounts.factories import make_operator
from tests.database import owner_connection
from tests.payments.reconcile_cast import FLOAT_MINOR, an_approved_run, differing, reconciled, the_difference
from tests.payments.sending_cast import items_of, pass_time
from tests.stripe_fixture import StripeAtHand

pytestmark = pytest.mark.django_db(transaction=True)

LONG = timedelta(minutes=16)


def a_paid_run(stripe: StripeAtHand, *dollars: int) -> PayoutRun:
    run = an_approved_run(stripe, *dollars)
    drain()
    run.refresh_from_db()
    return run


def a_strangers_movement(stripe: StripeAtHand, minor: int, kind: str = "stripe_fee") -> None:
    """Move the platform's balance without anything of ours, as Stripe's own fees do."""
    with stripe.sandbox.world.lock:
        stripe.sandbox.world.book("acct_sbxplatform", kind, minor, "usd", "fee_sbxstranger")


def a_transfer_by_hand(stripe: StripeAtHand, item: PayoutItem, minor: int, *, group: str) -> Any:
    params: Any = {
        "amount": minor,
        "currency": "usd",
        "destination": item.destination,
        "transfer_group": group,
        "metadata": {"payout_item": item.public_id},
    }
    return stripe.library().v1.transfers.create(params=params)


def test_a_run_whose_every_cent_agrees_becomes_reconciled(stripe_at_hand: StripeAtHand) -> None:
    run = a_paid_run(stripe_at_hand, 120, 80)

    done = reconciled()

    run.refresh_from_db()
    assert (run.state, done.found, differing()) == (RunState.RECONCILED, 0, [])
    assert {(line["what"], line["ours_minor"], line["theirs_minor"]) for line in done.lines} == {
        ("Balance at Stripe", FLOAT_MINOR - 610, FLOAT_MINOR - 610),
        ("Owed, and covered at Stripe", 0, FLOAT_MINOR - 610),
        (f"Run {run.number}: 2 paid items", 200_00, 200_00),
    }


def test_every_movement_is_explained_once_whatever_is_repeated(stripe_at_hand: StripeAtHand) -> None:
    a_paid_run(stripe_at_hand, 120, 80)

    counts = [reconciled().movements for _ in range(2)]

    assert counts == [4, 0]
    explained = Movement.objects.order_by("id").values_list("kind", "net_minor", "entry__kind", "fee_entry__kind")
    assert sorted(explained) == [
        ("charge", 200_00 - 610, "funding", "funding_fee"),
        ("topup", FLOAT_MINOR, "float", None),
        ("transfer", -120_00, "payout_confirmed", None),
        ("transfer", -80_00, "payout_confirmed", None),
    ]


def test_a_reversal_is_explained_too(stripe_at_hand: StripeAtHand) -> None:
    run = a_paid_run(stripe_at_hand, 120)
    (item,) = items_of(run)
    gateway.reverse_transfer(item.stripe_id, amount=usd(20_00), reason="Too much", key="correction-1-a1")
    gateway.reverse_transfer(item.stripe_id, amount=usd(20_00), reason="Again", key="correction-2-a1")
    stripe_at_hand.deliver(Client())
    drain()

    done = reconciled()

    explained = Movement.objects.filter(kind="transfer_refund").values_list("net_minor", "entry__kind")
    assert (done.found, list(explained)) == (0, [(20_00, "transfer_reversed")] * 2)
    assert PayoutItem.objects.get().reversed_minor == 40_00


def test_a_movement_may_come_before_its_reason(stripe_at_hand: StripeAtHand) -> None:
    a_paid_run(stripe_at_hand, 120)
    a_strangers_movement(stripe_at_hand, -7_00)

    reconciled()
    was = differing()
    pass_time(LONG)
    reconciled()

    assert (was, differing()) == ([], [("movement", 0, -7_00)])
    assert ledger.balance(ledger.suspense("USD")).minor == -7_00
    assert ledger.balance(ledger.stripe_available("USD")).minor == stripe_at_hand.available()
    actions.resolve_difference(
        the_difference(), by=make_operator("finance"), reason="x" * 3, book_as="fee", now=app_now()
    )


@pytest.mark.parametrize(
    ("book_as", "place"), [("fee", ledger.stripe_fees), ("bank", ledger.bank_operating), ("loss", ledger.bad_debt)]
)
def test_a_movement_is_booked_as_what_a_person_says_it_was(
    stripe_at_hand: StripeAtHand, book_as: str, place: Any
) -> None:
    a_paid_run(stripe_at_hand, 120)
    a_strangers_movement(stripe_at_hand, -7_00)
    reconciled()
    pass_time(LONG)
    reconciled()
    before, ines = ledger.balance(place("USD")).minor, make_operator("finance", name="Ines")

    row = actions.resolve_difference(
        the_difference(), by=ines, reason="Seen in the dashboard.", book_as=book_as, now=app_now()
    )
    again = reconciled()

    assert ledger.balance(place("USD")).minor - before == 7_00
    assert (row.resolved_by, row.reason.partition(": ")[2], again.found) == (ines, "Seen in the dashboard.", 0)
    assert AuditEvent.objects.filter(verb="difference.resolved", object_id=row.public_id, actor=ines.public_id).exists()


def test_a_movement_is_not_resolved_without_saying_what_it_was(stripe_at_hand: StripeAtHand) -> None:
    a_paid_run(stripe_at_hand, 120)
    a_strangers_movement(stripe_at_hand, -7_00)
    reconciled()
    pass_time(LONG)
    reconciled()
    ines = make_operator("finance", name="Ines")

    with pytest.raises(Invalid):
        actions.resolve_difference(the_difference(), by=ines, reason="Never mind", now=app_now())

    actions.resolve_difference(the_difference(), by=ines, reason="A fee", book_as="fee", now=app_now())


def test_a_movement_whose_entry_comes_late_leaves_suspense_by_itself(stripe_at_hand: StripeAtHand) -> None:
    a_paid_run(stripe_at_hand, 120)
    topup = gateway.create_topup(amount=usd(90_00), description="More", key="float-2")
    reconciled()
    pass_time(LONG)
    reconciled()
    was = differing()

    actions.post_float(90_00, topup_id=topup, by=None, now=app_now())
    reconciled()

    row = Difference.objects.get()
    assert (was, differing()) == ([("movement", 0, 90_00)], [])
    assert (row.resolved_by, row.reason) == (None, "It agrees again, or was explained since.")
    assert Movement.objects.get(source=topup).entry.key == f"float-{topup}"  # type: ignore[union-attr]  # It has one.
    assert ledger.balance(ledger.suspense("USD")).minor == 0


def test_a_transfer_by_somebodys_hand_is_never_waited_for(stripe_at_hand: StripeAtHand) -> None:
    run = a_paid_run(stripe_at_hand, 120)
    ines = make_operator("finance", name="Ines")
    a_transfer_by_hand(stripe_at_hand, items_of(run)[0], 33_00, group=run.public_id)

    reconciled()

    assert differing() == [("movement", 0, -33_00), ("transfer", 0, 33_00)]
    assert ines.notifications.filter(text__startswith="The ledger and Stripe differ").exists()
    for row in Difference.objects.all():
        actions.resolve_difference(row, by=ines, reason="Lost for good", book_as="loss", now=app_now())
    assert (reconciled().found, why_standing_still()) == (0, [])


def test_money_booked_that_never_moved_is_found(stripe_at_hand: StripeAtHand) -> None:
    a_paid_run(stripe_at_hand, 120)
    actions.post_float(60_00, topup_id="tu_never", by=None, now=app_now())

    reconciled()

    theirs = stripe_at_hand.available()
    assert differing() == [("balance", theirs + 60_00, theirs), ("entry", 60_00, 0)]
    with pytest.raises(Refused, match="ends when both sides agree"):
        actions.resolve_difference(
            Difference.objects.get(kind="entry"), by=make_operator("finance"), reason="Trust me", now=app_now()
        )


def test_a_transfer_that_stripe_lost_is_found(stripe_at_hand: StripeAtHand) -> None:
    run = a_paid_run(stripe_at_hand, 120)
    (item,) = items_of(run)
    world = stripe_at_hand.sandbox.world
    world.by_kind["acct_sbxplatform", "transfer"].remove(item.stripe_id)

    reconciled()

    run.refresh_from_db()
    assert (differing(), run.state) == ([("transfer", 120_00, 0)], RunState.COMPLETED)


def test_a_transfer_of_another_amount_is_found(stripe_at_hand: StripeAtHand) -> None:
    run = a_paid_run(stripe_at_hand, 120)
    stripe_at_hand.sandbox.world.records[items_of(run)[0].stripe_id].body["amount"] = 119_00

    reconciled()

    assert differing() == [("transfer", 120_00, 119_00)]


def test_too_little_money_to_cover_what_is_owed_is_found_and_ends_by_itself(stripe_at_hand: StripeAtHand) -> None:
    an_approved_run(stripe_at_hand, 1_000)  # Not sent yet: 1,000.00 is owed.
    a_strangers_movement(stripe_at_hand, -600_00)
    reconciled()
    was = [kind for kind, _, _ in differing()]
    topup = gateway.create_topup(amount=usd(600_00), description="More", key="float-3")
    actions.post_float(600_00, topup_id=topup, by=None, now=app_now())
    pass_time(LONG)
    reconciled()

    now_open = [kind for kind, _, _ in differing()]
    actions.resolve_difference(
        the_difference(), by=make_operator("finance"), reason="Gone", book_as="loss", now=app_now()
    )
    assert (was, now_open, reconciled().found) == (["cover"], ["movement"], 0)


@pytest.mark.breaks_ledger
def test_what_the_ledger_itself_finds_broken_is_a_difference(stripe_at_hand: StripeAtHand) -> None:
    a_paid_run(stripe_at_hand, 120)
    with owner_connection() as owner:
        owner.execute("UPDATE payments_payoutitem SET state = 'UNKNOWN'")

    reconciliation.write(
        reconciliation.Reading(gateway.retrieve_balance(), [], [], 0, 0),
        reconciliation.Outcome(),
        by=None,
        now=app_now(),
    )

    said = Difference.objects.filter(kind="ledger").values_list("what", flat=True)
    assert any("what is in flight is the items being sent" in each for each in said)


def test_a_hold_without_a_claim_is_a_difference(stripe_at_hand: StripeAtHand) -> None:
    an_approved_run(stripe_at_hand, 120)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO payments_hold (id, subject, project, lab_id, currency, amount_minor, review_minor,"
            " review_parts_left, created_at, state, state_changed_at) SELECT gen_random_uuid(), 'clm_gone', 'prj_gone',"
            " id, 'USD', 0, 0, 0, now(), 'OPEN', now() FROM labs_lab LIMIT 1"
        )

    reconciled()

    assert "is of no open claim" in the_difference().what


def test_a_lost_answer_is_taken_up_while_the_run_stands_still(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    stripe_at_hand.order("faults", path="/v1/transfers$", method="POST", action="after_drop")
    sending.start_sending(run, now=app_now())
    (item,) = items_of(run)
    sending.carry_item(item.pk)
    actions.stop_payouts(by=make_operator("owner", name="Olga"), reason="Odd mails", now=app_now())

    done = reconciled()

    assert (items_of(run)[0].state, done.found) == (ItemState.PAID, 0)


def test_a_difference_pauses_what_is_being_sent_and_refuses_the_rest(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120, 80)
    sending.start_sending(run, now=app_now())
    first, second = items_of(run)
    sending.carry_item(first.pk)
    a_transfer_by_hand(stripe_at_hand, first, 33_00, group="nobodys")

    reconciled()
    sending.carry_item(second.pk)

    run.refresh_from_db()
    assert (run.state, run.reason.startswith("The ledger and Stripe differ: Stripe moved money")) == ("PAUSED", True)
    assert [item.state for item in items_of(run)] == [ItemState.PAID, ItemState.QUEUED]
    with pytest.raises(Refused, match="1 difference between the ledger and Stripe"):
        sending.start_sending(run, now=app_now())
    with pytest.raises(IntegrityError, match="payouts stand still"):
        PayoutRun.objects.filter(pk=run.pk).update(state=RunState.SENDING)
    with pytest.raises(IntegrityError, match="payouts stand still"):
        PayoutItem.objects.filter(pk=second.pk).update(state=ItemState.SENDING)
    actions.resolve_difference(
        the_difference(), by=make_operator("finance"), reason="Gone", book_as="loss", now=app_now()
    )


def test_an_approved_run_waits_and_goes_out_once_all_is_resolved(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    stop = Difference.objects.create(kind="transfer", key="by hand", what="Something", found_at=app_now())
    drain()
    was = PayoutRun.objects.get().state

    actions.resolve_difference(stop, by=make_operator("finance"), reason="Seen to", now=app_now())
    drain()

    run.refresh_from_db()
    assert (was, run.state) == (RunState.APPROVED, RunState.COMPLETED)


def test_a_balance_that_never_rests_is_compared_another_time(
    stripe_at_hand: StripeAtHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = gateway.list_balance_transactions

    def list_while_it_moves(**since: Any) -> Any:
        stripe_at_hand.fund(1_00)
        return listed(**since)

    monkeypatch.setattr(gateway, "list_balance_transactions", list_while_it_moves)

    with pytest.raises(Busy, match="moved each time"):
        reconciled()

    assert Reconciliation.objects.count() == 0


def test_the_night_asks_as_nobody_and_an_operator_by_name(stripe_at_hand: StripeAtHand) -> None:
    a_paid_run(stripe_at_hand, 120)
    ines = make_operator("finance", name="Ines")

    jobs.reconcile()
    actions.ask_to_reconcile(by=ines, now=app_now())
    drain()

    assert list(Reconciliation.objects.order_by("id").values_list("by", flat=True)) == [None, ines.pk]


def test_a_resolved_difference_is_kept_as_it_is() -> None:
    row = Difference.objects.create(kind="transfer", key="by hand", what="Something", found_at=app_now())
    actions.resolve_difference(row, by=make_operator("finance"), reason="Seen to", now=app_now())

    with pytest.raises(Refused, match="resolved already"):
        actions.resolve_difference(row, by=make_operator("finance"), reason="Again", now=app_now())
    with pytest.raises(IntegrityError):
        Difference.objects.update(what="Nothing")
    with pytest.raises(IntegrityError):
        Difference.objects.all().delete()
