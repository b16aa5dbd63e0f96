"""A lab's money over REST: a balance whose parts add up, and a journal that ends in it."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from labs.models import Lab
from tests.experts.factories import an_expert
from tests.labs.factories import ApiClient, make_client, ok
from tests.payments.factories import a_funded_lab, a_project, earn, hold_for

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab() -> Lab:
    return a_funded_lab(10_000_00)


@pytest.fixture
def client(lab: Lab) -> ApiClient:
    return make_client(lab)


def test_the_balance_is_what_was_paid_in_wherever_it_is_now(lab: Lab, client: ApiClient) -> None:
    project = a_project(lab, 5_000_00)
    earn(lab, project, an_expert("Cyd Marlowe"))
    hold_for(lab, project, work=500_00)

    balance = ok(client.get("/balance"))

    assert balance == {
        "currency": "USD",
        "prepaid_minor": 10_000_00,  # As paid in by the factory; the other four are read from other places.
        "allocated_minor": 4_188_00,
        "held_minor": 500_00,
        "spent_minor": 312_00,
        "available_minor": 5_000_00,
    }


def test_each_account_is_a_journal_that_ends_in_its_balance(lab: Lab, client: ApiClient) -> None:
    project = a_project(lab, 5_000_00)
    hold = hold_for(lab, project, work=500_00)

    prepaid = ok(client.get("/ledger"))
    budget = ok(client.get("/ledger", account="budget", project=project))
    held = ok(client.get("/ledger", account="held", project=project))

    told = [[(row["kind"], row["amount_minor"], row["balance_minor"]) for row in each["data"]] for each in
            (prepaid, budget, held)]  # fmt: skip
    assert told == [
        [("allocate", -5_000_00, 5_000_00), ("funding", 10_000_00, 10_000_00)],
        [("hold", -500_00, 4_500_00), ("allocate", 5_000_00, 5_000_00)],
        [("hold", 500_00, 500_00)],
    ]
    assert held["data"][0]["about"] == {"subject": hold.subject}
    assert held["next_cursor"] is None


def test_pages_join_and_a_line_keeps_its_balance_whatever_comes_on_top(lab: Lab, client: ApiClient) -> None:
    for _ in range(4):
        a_project(lab, 100_00)
    whole = ok(client.get("/ledger"))["data"]

    first = ok(client.get("/ledger", limit="2"))
    a_project(lab, 700_00)
    second = ok(client.get("/ledger", limit="2", cursor=first["next_cursor"]))
    third = ok(client.get("/ledger", limit="2", cursor=second["next_cursor"]))

    assert first["data"] + second["data"] + third["data"] == whole
    assert third["next_cursor"] is None


def test_another_labs_account_is_as_empty_as_one_that_never_was(lab: Lab, client: ApiClient) -> None:
    other = a_funded_lab(1_000_00, "Eve's")
    theirs = a_project(other, 100_00)
    cursor = ok(make_client(other).get("/ledger", limit="1"))["next_cursor"]

    answers = [client.get("/ledger", account="budget", project=each) for each in (theirs, "prj_none")]

    assert [ok(answer) for answer in answers] == [{"data": [], "next_cursor": None}] * 2
    assert client.get("/ledger", cursor=cursor).status_code == 422
    assert ok(make_client(lab, mode="test").get("/ledger"))["data"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"account": "platform_fee"},
        {"account": "budget"},
        {"project": "prj_none"},
        {"cursor": "nothing"},
        {"cursor": "a\x00b"},
        {"cursor": "x" * 5_000},
        {"limit": "0"},
        {"currency": "DOGE"},
        {"sort": "at"},
        {"account": "held", "project": "prj_none", "cursor": "x"},
    ],
)
def test_what_means_nothing_is_refused(client: ApiClient, query: dict[str, str]) -> None:
    assert client.get("/ledger", **query).status_code == 422


def test_the_journal_costs_the_same_for_one_line_and_for_three(lab: Lab, client: ApiClient) -> None:
    counts = []
    for times in (0, 2):
        for _ in range(times):
            a_project(lab, 100_00)
        ok(client.get("/me"))  # Notes the key's use, once a minute.
        with CaptureQueriesContext(connection) as statements:
            ok(client.get("/ledger"))
        counts.append(len(statements))

    assert counts[0] == counts[1]
