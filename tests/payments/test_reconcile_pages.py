"""The desk's pages of what differs and of the emergency stop."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import OutboxItem
from payments.models import Difference, Movement, PayoutStop, Reconciliation
from tests.accounts.factories import log_in, make_operator
from tests.payments.factories import NOW

pytestmark = pytest.mark.django_db


def desk(role: str = "finance") -> Client:
    browser = Client()
    log_in(browser, make_operator(role, name="Ines"))
    return browser


def a_difference(number: int, *, kind: str = "movement") -> Difference:
    moved = Movement.objects.create(
        stripe_id=f"txn_{number}",
        kind="stripe_fee",
        currency="USD",
        amount_minor=-700,
        fee_minor=0,
        net_minor=-700,
        created_at=NOW,
        seen_at=NOW,
    )
    return Difference.objects.create(
        kind=kind,
        key=f"movement-{number}",
        what=f"Stripe moved money that no entry explains: stripe_fee txn_{number}.",
        currency="USD",
        theirs_minor=-700,
        movement=moved if kind == "movement" else None,
        found_at=NOW,
    )


def statements(browser: Client, name: str) -> int:
    browser.get(reverse(f"payments:{name}"))  # The first visit of a session costs more.
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(reverse(f"payments:{name}")).status_code == 200
    return len(asked)


def test_the_page_says_what_differs_and_what_to_do() -> None:
    a_difference(1)

    shown = desk().get(reverse("payments:reconcile")).content.decode()

    assert "stripe_fee txn_1" in shown
    assert "We say $0.00, Stripe says -$7.00" in shown.replace("\N{MINUS SIGN}", "-").replace("\N{NO-BREAK SPACE}", " ")
    assert "find out what it was, and say so here" in shown
    assert "1 difference between the ledger and Stripe is open. Nothing is approved or sent before." in shown


def test_what_ends_by_itself_has_no_form() -> None:
    a_difference(1, kind="balance")

    shown = desk().get(reverse("payments:reconcile")).content.decode()

    assert ("closes itself once both sides agree" in shown, 'name="book_as"' in shown) == (True, False)


def test_before_the_first_comparison_the_page_says_so() -> None:
    shown = desk().get(reverse("payments:reconcile")).content.decode()

    assert ("It has not run yet." in shown, "Nothing differs" in shown) == (True, True)


def test_the_last_comparison_is_shown_line_by_line() -> None:
    lines = [{"what": "Balance at Stripe", "ours_minor": 500, "theirs_minor": 500, "currency": "USD"}]
    Reconciliation.objects.create(at=NOW, movements=2, lines=lines, found=0)

    shown = desk().get(reverse("payments:reconcile")).content.decode()

    assert ("2 new movements" in shown, "Balance at Stripe" in shown, shown.count("$5.00")) == (True, True, 2)


def test_a_press_has_all_money_compared() -> None:
    desk().post(reverse("payments:reconcile"))

    assert OutboxItem.objects.filter(kind="payments.reconcile").count() == 1


def test_a_difference_is_resolved_only_with_what_it_was() -> None:
    row = a_difference(1)
    address = reverse("payments:resolve_difference", args=[row.pk])
    browser = desk()

    codes = [browser.post(address, {"reason": "Seen", "book_as": each}).status_code for each in ("", "gift")]

    row.refresh_from_db()
    assert (codes, row.resolved_at) == ([422, 422], None)


def test_the_list_of_differences_costs_the_same_for_one_and_for_three() -> None:
    browser = desk()
    a_difference(1)
    one = statements(browser, "reconcile")
    a_difference(2)
    a_difference(3)

    assert statements(browser, "reconcile") == one


def test_the_list_of_stops_costs_the_same_for_one_and_for_three() -> None:
    browser, olga, ada = desk(), make_operator("owner", name="Olga"), make_operator("finance", name="Ada")
    counts = []
    for number in (1, 2, 3):
        at = NOW + timedelta(hours=number)
        PayoutStop.objects.create(
            reason="Odd mails", started_by=olga, started_at=at, lifted_by=ada, lifted_at=at, lift_reason="Nothing"
        )
        counts.append(statements(browser, "stop"))

    assert counts[0] == counts[2]
