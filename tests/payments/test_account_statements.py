"""The statement of any account at any time: opening, entries, closing; by page, by CSV."""

import csv
from datetime import datetime, timedelta
from io import StringIO

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from payments import ledger
from payments.models import Account
from payments.queries.accounts import statement_of
from tests.accounts.factories import log_in, make_operator
from tests.payments.factories import NOW

pytestmark = pytest.mark.django_db

CASH = ledger.stripe_available("USD")
BUDGET = ledger.project_budget("prj_a", "USD")
HOUR = timedelta(hours=1)


def move(number: int, minor: int, *, at: datetime = NOW, memo: str = "a budget") -> None:
    """Bring money into the budget."""
    with transaction.atomic():
        ledger.post("float", [(CASH, minor), (BUDGET, -minor)], key=f"move-{number}", at=at, memo={"for": memo})


def account(place: ledger.Place = BUDGET) -> Account:
    return Account.objects.get(code=place.code)


def finance() -> Client:
    return log_in(Client(), make_operator("finance"))


def address(**query: object) -> str:
    return reverse("payments:ledger") + "?" + "&".join(f"{name}={value}" for name, value in query.items())


def csv_of(client: Client, **query: object) -> list[list[str]]:
    wanted = {"account": "project_budget:prj_a"} | query
    return list(csv.reader(StringIO(client.get(reverse("payments:ledger_csv"), wanted).content.decode())))


@pytest.mark.parametrize("place", [BUDGET, CASH])
def test_opening_lines_and_closing_lie_between_two_instants(place: ledger.Place) -> None:
    for number in range(4):
        move(number, 100 + number, at=NOW + number * HOUR)

    shown = statement_of(account(place), NOW + HOUR, NOW + 3 * HOUR)

    lines = [(line.key, line.amount.minor, line.balance.minor) for line in shown.lines]
    assert (shown.opening.minor, shown.closing.minor) == (100, 303)
    assert lines == [("move-1", 101, 201), ("move-2", 102, 303)]


def test_without_instants_it_is_the_accounts_whole_life() -> None:
    move(1, 5)
    move(2, 7)

    shown = statement_of(account(), None, None)

    assert (shown.opening.minor, len(shown.lines), shown.closing) == (0, 2, ledger.balance(BUDGET))


def test_pages_follow_each_other_without_a_gap_even_within_one_instant() -> None:
    for number in range(5):
        move(number, 10)
    first = statement_of(account(), None, None, rows=2)
    second = statement_of(account(), None, None, after=first.after, rows=2)

    third = statement_of(account(), None, None, after=second.after, rows=2)

    shown = [*first.lines, *second.lines, *third.lines]
    assert [(line.key, line.balance.minor) for line in shown] == [(f"move-{n}", 10 * (n + 1)) for n in range(5)]
    assert (first.closing.minor, third.after) == (50, None)


def test_a_page_names_the_account_and_its_entries() -> None:
    move(1, 1_234_50)

    said = finance().get(address(account="project_budget:prj_a")).content.decode()

    assert "An account of liability, in USD" in said
    assert "move-1" in said
    assert said.count("$1,234.50") == 3  # The amount, the balance after it, the closing balance.


def test_the_beginning_of_a_name_lists_accounts_with_what_they_hold() -> None:
    move(1, 77)

    said = finance().get(address(account="stripe")).content.decode()

    assert ("stripe_available" in said, "project_budget" in said, "$0.77" in said) == (True, False, True)


def test_an_instant_is_read_in_utc_whatever_zone_its_reader_lives_in() -> None:
    move(1, 5, at=NOW)
    move(2, 7, at=NOW + HOUR)

    rows = csv_of(finance(), since=f"{NOW + HOUR:%Y-%m-%dT%H:%M}")

    assert [(row[2], row[4]) for row in rows[1:]] == [
        ("opening balance", "0.05"), ("float", "0.12"), ("closing balance", "0.12"),
    ]  # fmt: skip


def test_no_cell_of_the_csv_is_a_formula() -> None:
    move(1, 5, memo="a")
    with transaction.atomic():
        ledger.post("=2+3", [(CASH, -5), (BUDGET, 5)], key="@cmd", at=NOW)

    last = csv_of(finance())[-2]

    assert last[1:5] == ["'@cmd", "'=2+3", "-0.05", "0.00"]


@pytest.mark.parametrize(
    "query", [{"since": "yesterday"}, {"since": "0001-01-01T00:00"}, {"after": "x"}, {"currency": "q"}]
)
def test_what_is_no_statement_is_refused_in_words(query: dict[str, str]) -> None:
    client = finance()

    assert client.get(address(account="project_budget:prj_a", **query)).status_code == 422
    assert client.get(reverse("payments:ledger_csv"), {"account": "x", **query}).status_code in (400, 409, 422)


def test_three_entries_and_accounts_cost_as_much_as_one() -> None:
    client, costs = finance(), []
    for number in range(1, 4):
        move(number, 5)
        with transaction.atomic():
            other = ledger.stripe_pending("USD"), ledger.project_budget(f"prj_{number}", "USD")
            ledger.post("float", [(other[0], 5), (other[1], -5)], key=f"k{number}", at=NOW)
        client.get(address(account=""))
        with CaptureQueriesContext(connection) as asked:
            client.get(address(account=""))
            client.get(address(account="project_budget:prj_a"))
        costs.append(len(asked))

    assert (costs[0], costs[0]) == (costs[1], costs[2])
