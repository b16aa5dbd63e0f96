"""Thirteen ways in which an operator might pay themselves or a friend: pages, actions and database refuse each one.

Whoever knocks at a page is kept in the audit log; what the database refuses never happened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.actions import revoke_role
from accounts.models import AuditEvent, RoleGrant, User
from experts.models import Expert, TierGrant
from kernel.errors import Refused
from payments import actions, sending
from payments.models import PayLine, PayoutItem, PayoutRun, PayoutStop, RateCard, RunApproval, RunEdit
from payments.states import RunState
from tests.accounts.factories import log_in, make_operator
from tests.experts.factories import domain
from tests.payments.factories import (
    AFTER_WEEK,
    MONDAY,
    NOW,
    a_funded_lab,
    a_payable_expert,
    a_project,
    a_submitted_run,
    add_by_case,
    finance,
)
from tests.payments.sending_cast import stand_at

pytestmark = pytest.mark.django_db


@dataclass
class Attempt:
    """Who tries, what the page is asked, what the action is asked, and what is written past both."""

    by: User
    page: str
    args: list[object]
    act: Callable[[], object]
    write: Callable[[], object]
    values: dict[str, str] = field(default_factory=dict)


def approving(run: PayoutRun, by: User, *, sha256: str = "") -> Attempt:
    """Try to approve a run, with a hash of one's own if given."""
    content = sha256 or run.content_sha256
    values = {"saw_unusual": "on", "means_total": "on", "content_sha256": content}

    def write() -> object:
        return RunApproval.objects.create(run=run, user=by, content_sha256=content, approved_at=AFTER_WEEK)

    return Attempt(
        by,
        "approve_run",
        [run.pk],
        lambda: actions.approve_run(run, by=by, now=AFTER_WEEK),
        write,
        values,
    )


def moving(run: PayoutRun, by: User, verb: str, act: Callable[[], object], write: Callable[[], object]) -> Attempt:
    """Try to move a run."""
    return Attempt(by, "move_run", [run.pk, verb], act, write, {"reason": "In a hurry"})


def the_builder() -> Attempt:
    run = a_submitted_run(260_00)
    return approving(run, run.built_by)


def an_editor_of_the_last_days() -> Attempt:
    run, mallory = a_submitted_run(260_00), finance("Mallory")
    RunEdit.objects.create(run=run, by=mallory, what="Left out", at=AFTER_WEEK - timedelta(hours=71))
    return approving(run, mallory)


def a_payee_of_the_run() -> Attempt:
    run, mallory = a_submitted_run(260_00), finance("Mallory")
    Expert.objects.update(user=mallory)
    return approving(run, mallory)


def who_raised_the_rates() -> Attempt:
    run, mallory = a_submitted_run(260_00), finance("Mallory")
    RateCard.objects.create(
        version=1, fee_bps=0, valid_from=NOW.date(), installed_by=mallory, installed_at=AFTER_WEEK - timedelta(hours=1)
    )
    return approving(run, mallory)


def who_raised_a_payees_tier() -> Attempt:
    run, mallory = a_submitted_run(260_00), make_operator("finance", "vetting", name="Mallory", now=NOW)
    give(run, granted_by=mallory, granted_at=AFTER_WEEK - timedelta(hours=1))
    return approving(run, mallory)


def who_confirmed_a_payees_tier() -> Attempt:
    run, mallory = a_submitted_run(260_00), make_operator("finance", "vetting", name="Mallory", now=NOW)
    friend = make_operator("vetting", name="Friend", now=NOW)
    long_ago, lately = NOW - timedelta(days=30), AFTER_WEEK - timedelta(hours=1)
    give(run, tier=5, granted_by=friend, granted_at=long_ago, second_by=mallory, second_at=lately)
    return approving(run, mallory)


def who_decided_a_case_that_pays() -> Attempt:
    lab, cyd, ada = a_funded_lab(), a_payable_expert("Cyd Marlowe"), finance("Ada Byron")
    mallory = make_operator("finance", "trust", name="Mallory", now=NOW)
    add_by_case(lab, a_project(lab), cyd, 5_400, by=mallory, at=AFTER_WEEK.replace(hour=0) - timedelta(hours=1))
    run = actions.submit_run(actions.build_run(MONDAY, by=ada, now=AFTER_WEEK), by=ada, now=AFTER_WEEK)
    return approving(run, mallory)


def give(run: PayoutRun, *, tier: int = 3, **by: Any) -> None:
    """Grant the run's payee a tier."""
    TierGrant.objects.create(expert=run.items.get().expert, domain=domain("law"), tier=tier, reason="A friend", **by)


def who_lost_the_role() -> Attempt:
    run, mallory = a_submitted_run(260_00), finance("Mallory")
    revoke_role(RoleGrant.objects.get(user=mallory), by=make_operator("owner", name="Olga"), now=NOW)
    mallory.refresh_from_db()
    return approving(run, mallory)


def one_person_twice() -> Attempt:
    run, mallory = a_submitted_run(10_000_01), finance("Mallory")
    actions.approve_run(run, by=mallory, now=AFTER_WEEK)
    return approving(run, mallory)


def sending_without_enough_approvals() -> Attempt:
    run, mallory = a_submitted_run(10_000_01), finance("Mallory")
    actions.approve_run(run, by=finance("Bo"), now=AFTER_WEEK)
    return moving(
        run,
        mallory,
        "resume",
        lambda: sending.start_sending(run, now=AFTER_WEEK, by=mallory),
        lambda: PayoutRun.objects.filter(pk=run.pk).update(state=RunState.SENDING),
    )


def a_larger_amount_after_submitting() -> Attempt:
    run, mallory = a_submitted_run(260_00), finance("Mallory")
    item = run.items.get()
    return Attempt(
        mallory,
        "move_item",
        [item.pk, "leave-out"],
        lambda: actions.leave_out(item, by=mallory, reason="In a hurry", now=AFTER_WEEK),
        lambda: PayoutItem.objects.filter(pk=item.pk).update(amount_minor=9_999_00, destination="acct_mallory"),
        {"reason": "In a hurry"},
    )


def longer_time_on_a_decided_line() -> Attempt:
    run, mallory = a_submitted_run(260_00), finance("Mallory")
    item = run.items.get()
    return Attempt(
        mallory,
        "move_item",
        [item.pk, "retry"],
        lambda: actions.retry_item(item, by=mallory, now=AFTER_WEEK),
        lambda: PayLine.objects.update(seconds=7_200, amount_minor=520_00),
    )


def lifting_ones_own_stop() -> Attempt:
    mallory = finance("Mallory")
    actions.stop_payouts(by=mallory, reason="To hide", now=NOW)
    return Attempt(
        mallory,
        "lift_stop",
        [],
        lambda: actions.lift_stop(by=mallory, reason="Done", now=NOW),
        lambda: PayoutStop.objects.update(lifted_by=mallory, lifted_at=NOW, lift_reason="Done"),
        {"reason": "Done"},
    )


ATTEMPTS = [
    the_builder,
    an_editor_of_the_last_days,
    a_payee_of_the_run,
    who_raised_the_rates,
    who_raised_a_payees_tier,
    who_confirmed_a_payees_tier,
    who_decided_a_case_that_pays,
    who_lost_the_role,
    one_person_twice,
    sending_without_enough_approvals,
    a_larger_amount_after_submitting,
    longer_time_on_a_decided_line,
    lifting_ones_own_stop,
]


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda each: each.__name__)
def test_each_attempt_is_refused_by_page_action_and_database_and_is_kept(attempt: Callable[[], Attempt]) -> None:
    stand_at(AFTER_WEEK)
    tried = attempt()
    browser = log_in(Client(), tried.by)

    answer = browser.post(reverse(f"payments:{tried.page}", args=tried.args), tried.values)
    with pytest.raises(Refused):
        tried.act()
    with pytest.raises(IntegrityError), transaction.atomic():
        tried.write()

    assert answer.status_code in (403, 409)
    assert AuditEvent.objects.filter(
        verb="access.refused", actor=tried.by.public_id, details__status=answer.status_code
    ).exists()
