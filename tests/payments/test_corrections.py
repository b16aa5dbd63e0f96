"""Corrections of the books: asked for by one person, posted by another, whatever the application does."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEvent, User
from kernel.errors import IllegalMove, Invalid, Refused
from kernel.money import Money, usd
from labs.models import Lab
from payments import actions, ledger
from payments.actions import MayNotCorrect
from payments.models import Correction, Entry
from payments.states import CorrectionState
from tests.accounts.factories import log_in, make_operator, make_user
from tests.payments.factories import NOW, a_funded_lab, a_lab, finance
from tests.payments.test_money_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada() -> User:
    return finance("Ada Byron")


@pytest.fixture
def bo() -> User:
    return finance("Bo Reyes")


def ask(
    by: User, lab: Lab, minor: int = 25_00, *, debit: str = "goodwill_expense", credit: str = "lab_prepaid"
) -> Correction:
    """Ask that a lab be given money out of goodwill."""
    return actions.request_correction(
        debit=debit, credit=credit, lab=lab, amount=usd(minor), reason="Charged twice by us", by=by, now=NOW
    )


def prepaid(lab: Lab) -> int:
    """Return what a lab has in no project."""
    return ledger.balance(ledger.lab_prepaid(lab, "USD")).minor


def test_another_person_posts_what_was_asked_for(ada: User, bo: User) -> None:
    lab = a_lab()
    posted = actions.post_correction(ask(ada, lab), by=bo, now=NOW)

    assert (posted.state, prepaid(lab), posted.entry_id) == (
        CorrectionState.POSTED, 25_00, Entry.objects.get(kind="correction").pk,
    )  # fmt: skip
    assert list(AuditEvent.objects.filter(verb__startswith="correction.").values_list("verb", "actor")) == [
        ("correction.requested", ada.public_id),
        ("correction.posted", bo.public_id),
    ]


def test_nobody_posts_their_own(ada: User) -> None:
    lab = a_lab()

    with pytest.raises(MayNotCorrect, match="Another person"):
        actions.post_correction(ask(ada, lab), by=ada, now=NOW)

    assert prepaid(lab) == 0


def test_only_finance_asks_and_posts(ada: User) -> None:
    lab, tess = a_lab(), make_operator("trust", name="Tess", now=NOW)

    with pytest.raises(MayNotCorrect):
        ask(tess, lab)
    with pytest.raises(MayNotCorrect):
        actions.post_correction(ask(ada, lab), by=tess, now=NOW)


def test_nobody_posts_for_a_lab_that_they_act_for(ada: User, bo: User) -> None:
    lab = a_lab(owner=bo)

    with pytest.raises(MayNotCorrect, match="act for the lab"):
        actions.post_correction(ask(ada, lab), by=bo, now=NOW)


def test_one_refuses_anothers_and_takes_back_ones_own(ada: User, bo: User) -> None:
    lab = a_lab()
    states = [actions.refuse_correction(ask(ada, lab), by=by, reason="Not so", now=NOW).state for by in (ada, bo)]

    assert (states, prepaid(lab)) == ([CorrectionState.WITHDRAWN, CorrectionState.REJECTED], 0)


def test_what_is_decided_is_decided(ada: User, bo: User) -> None:
    correction = ask(ada, a_lab())
    actions.post_correction(correction, by=bo, now=NOW)

    with pytest.raises(IllegalMove):
        actions.refuse_correction(correction, by=bo, reason="Too late", now=NOW)
    with pytest.raises(IllegalMove):
        actions.post_correction(correction, by=bo, now=NOW)


def test_of_two_who_post_at_once_one_does(ada: User, bo: User) -> None:
    lab = a_lab()
    correction = ask(ada, lab)
    both = at_once(*[lambda: actions.post_correction(correction, by=bo, now=NOW).state] * 2)

    assert (both.count(CorrectionState.POSTED), prepaid(lab)) == (1, 25_00)


def test_a_correction_does_not_overdraw(ada: User, bo: User) -> None:
    lab = a_funded_lab(10_00)
    correction = ask(ada, lab, 10_01, debit="lab_prepaid", credit="bank_operating")

    with pytest.raises(Refused, match="does not hold that much"):
        actions.post_correction(correction, by=bo, now=NOW)

    assert (prepaid(lab), Correction.objects.get().state) == (10_00, CorrectionState.REQUESTED)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"debit": "expert_available"}, "debit"),
        ({"credit": "stripe_available"}, "credit"),
        ({"debit": "lab_prepaid"}, "credit"),
        ({"lab": None}, "lab"),
        ({"amount": usd(0)}, "amount"),
        ({"amount": Money(1, "XTS")}, "amount"),
        ({"amount": usd(1_000_000_01)}, "amount"),
        ({"reason": "short"}, "reason"),
    ],
)
def test_what_may_not_be_corrected_is_refused_by_name(ada: User, wrong: dict[str, object], field: str) -> None:
    values = {
        "debit": "goodwill_expense",
        "credit": "lab_prepaid",
        "lab": a_lab(),
        "amount": usd(1),
        "reason": "Ten letters",
    }

    with pytest.raises(Invalid) as refused:
        actions.request_correction(**values | wrong, by=ada, now=NOW)  # type: ignore[arg-type]  # Wrong on purpose.

    assert refused.value.errors[0].pointer == field


def test_the_database_wants_a_second_person(ada: User, bo: User) -> None:
    correction = ask(ada, a_lab())

    def post_alone() -> None:
        legs = [(ledger.goodwill_expense("USD"), 25_00), (ledger.opening_equity("USD"), -25_00)]
        entry = ledger.post("correction", legs, key="by-hand", at=NOW)
        decided = {"state": "POSTED", "decided_by": ada, "decided_at": NOW, "entry_id": entry}
        Correction.objects.filter(pk=correction.pk).update(**decided)

    for change in (
        post_alone,
        lambda: ledger.post(
            "correction", [(ledger.bad_debt("USD"), 1), (ledger.opening_equity("USD"), -1)], key="k", at=NOW
        ),
        lambda: Correction.objects.update(amount_minor=1),
        lambda: Correction.objects.update(state="POSTED", decided_by=bo, decided_at=NOW),
        lambda: Correction.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_the_desk_asks_and_posts_and_asks_as_much_for_one_as_for_three(ada: User, bo: User) -> None:
    lab, (hers, his) = a_lab(), (log_in(Client(), each) for each in (ada, bo))
    form = {
        "debit": "goodwill_expense",
        "credit": "lab_prepaid",
        "lab": lab.public_id,
        "amount": "25",
        "reason": "Charged twice",
    }

    def asked() -> int:
        with CaptureQueriesContext(connection) as questions:
            assert his.get(reverse("payments:corrections")).status_code == 200
        return len(questions)

    hers.post(reverse("payments:corrections"), form)
    asked()
    one = asked()
    for _ in range(2):
        hers.post(reverse("payments:corrections"), form)
    three = asked()
    address = reverse("payments:decide_correction", args=[Correction.objects.all()[0].pk, "post"])
    refused, done = hers.post(address).status_code, his.post(address).status_code

    assert (one, refused, done, prepaid(lab)) == (three, 403, 302, 25_00)


@pytest.mark.parametrize(
    ("field", "value"), [("lab", "lab_x"), ("amount", "-1"), ("amount", "1e9"), ("debit", "x"), ("reason", "")]
)
def test_a_wrong_form_is_answered_with_what_is_wrong(ada: User, field: str, value: str) -> None:
    form = {"debit": "goodwill_expense", "credit": "bad_debt", "lab": "", "amount": "25", "reason": "Charged twice"}

    assert log_in(Client(), ada).post(reverse("payments:corrections"), form | {field: value}).status_code == 422
    assert Correction.objects.count() == 0


def test_others_have_no_such_desk() -> None:
    assert log_in(Client(), make_user("Nil")).get(reverse("payments:corrections")).status_code == 403
