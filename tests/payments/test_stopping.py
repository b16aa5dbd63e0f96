"""The emergency stop: one switch, in force in the middle of a run, lifted by another person."""

import pytest
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.outbox import drain
from kernel.db import app_now
from kernel.errors import Refused
from payments import actions, jobs, sending
from payments.actions import MayNotApprove, MayNotStop
from payments.models import PayoutRun, PayoutStop
from payments.states import ItemState, RunState
from tests.accounts.factories import log_in, make_operator
from tests.payments.sending_cast import an_approved_run, items_of
from tests.stripe_fixture import StripeAtHand

pytestmark = pytest.mark.django_db(transaction=True)


def olga() -> User:
    return make_operator("owner", name="Olga")


def stop(by: User | None = None) -> PayoutStop:
    return actions.stop_payouts(by=by or olga(), reason="Odd mails", now=app_now())


def knock(user: User, name: str, reason: str = "Odd mails") -> int:
    browser = Client()
    log_in(browser, user)
    return browser.post(reverse(f"payments:{name}"), {"reason": reason}).status_code


def test_the_stop_acts_between_two_items_of_a_run(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120, 80)
    sending.start_sending(run, now=app_now())
    first, second = items_of(run)
    sending.carry_item(first.pk)

    stop()
    jobs.send_payout_item(str(second.pk))
    jobs.sweep_payouts()
    drain()

    run.refresh_from_db()
    assert (run.state, run.reason) == (RunState.PAUSED, "Emergency stop: Odd mails")
    assert [item.state for item in items_of(run)] == [ItemState.PAID, ItemState.QUEUED]
    assert len(stripe_at_hand.transfers()) == 1


def test_the_sender_looks_at_the_stop_even_when_its_run_was_not_paused(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    sending.start_sending(run, now=app_now())
    PayoutStop.objects.create(reason="By hand", started_by=olga(), started_at=app_now())

    sending.carry_item(items_of(run)[0].pk)

    assert (PayoutRun.objects.get().state, stripe_at_hand.transfers()) == (RunState.SENDING, [])


def test_while_stopped_nothing_is_approved_begun_or_resumed(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    stop()

    drain()

    run.refresh_from_db()
    assert run.state == RunState.APPROVED
    with pytest.raises(Refused, match="Olga stopped all payouts at"):
        sending.start_sending(run, now=app_now())


def test_an_approval_is_refused_while_payouts_are_stopped(stripe_at_hand: StripeAtHand) -> None:
    an_approved_run(stripe_at_hand, 120)
    PayoutRun.objects.update(state=RunState.PENDING_APPROVAL)
    run = PayoutRun.objects.get()
    stop()

    with pytest.raises(MayNotApprove, match="Another person lifts the stop"):
        actions.approve_run(run, by=make_operator("finance", name="Ines"), now=app_now())


def test_another_person_lifts_it_and_what_waited_goes_out(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    thrown = stop()
    drain()

    ines = make_operator("finance", name="Ines")
    actions.lift_stop(by=ines, reason="A false alarm", now=app_now())
    drain()

    run.refresh_from_db()
    thrown.refresh_from_db()
    verbs = AuditEvent.objects.filter(object_id=thrown.public_id).order_by("id").values_list("verb", "actor")
    assert run.state == RunState.COMPLETED
    assert list(verbs) == [
        ("payouts.stopped", thrown.started_by.public_id),
        ("payouts.go_on", ines.public_id),
    ]


def test_a_paused_run_waits_for_somebody_to_resume_it(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    sending.start_sending(run, now=app_now())
    stop()
    actions.lift_stop(by=make_operator("finance", name="Ines"), reason="A false alarm", now=app_now())

    drain()

    run.refresh_from_db()
    assert (run.state, stripe_at_hand.transfers()) == (RunState.PAUSED, [])


def test_whoever_stops_payouts_does_not_lift_the_stop() -> None:
    thrown = stop()

    with pytest.raises(MayNotStop, match="Another person lifts it"):
        actions.lift_stop(by=thrown.started_by, reason="Never mind", now=app_now())
    with pytest.raises(IntegrityError, match="stop_two_persons"):
        PayoutStop.objects.update(lifted_by=thrown.started_by, lifted_at=app_now(), lift_reason="Never mind")


@pytest.mark.parametrize("role", ["vetting", "trust"])
def test_only_finance_and_owners_stop_payouts(role: str) -> None:
    with pytest.raises(MayNotStop):
        stop(make_operator(role, name="Vic"))


def test_one_stop_is_in_force_at_a_time() -> None:
    thrown = stop()

    with pytest.raises(Refused, match="stopped already"):
        stop(make_operator("finance", name="Ines"))
    with pytest.raises(IntegrityError, match="stop_one_in_force"):
        PayoutStop.objects.create(reason="Again", started_by=thrown.started_by, started_at=app_now())


def test_there_is_nothing_to_lift_when_payouts_go_on() -> None:
    with pytest.raises(Refused, match="not stopped"):
        actions.lift_stop(by=olga(), reason="Just in case", now=app_now())


@pytest.mark.parametrize("reason", ["", "ab", "y" * 401, "a\x00bc"])
def test_a_stop_without_a_reason_is_a_form_to_correct(reason: str) -> None:
    assert (knock(olga(), "stop", reason), PayoutStop.objects.count()) == (422, 0)


def test_the_pages_throw_and_lift_the_stop(stripe_at_hand: StripeAtHand) -> None:
    ines = make_operator("finance", name="Ines")

    codes = [knock(olga(), "stop"), knock(ines, "lift_stop", "A false alarm")]

    thrown = PayoutStop.objects.get()
    assert (codes, thrown.lifted_by, thrown.lift_reason) == ([302, 302], ines, "A false alarm")


def test_the_desk_says_why_payouts_stand_still(stripe_at_hand: StripeAtHand) -> None:
    run = an_approved_run(stripe_at_hand, 120)
    stop()
    browser = Client()
    log_in(browser, make_operator("finance", name="Ines"))

    shown = [browser.get(reverse("payments:runs")), browser.get(reverse("payments:run", args=[run.pk]))]

    assert ["Olga stopped all payouts at" in page.content.decode() for page in shown] == [True, True]
