"""An expert's year and months: the same figures on the page, in the CSV and in the PDF, down to each line."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from experts.models import Expert
from kernel.db import app_now
from kernel.money import usd
from payments import actions
from payments.queries import earnings_in, earnings_of, month_of, pay_lines_of
from tests.accounts.factories import log_in
from tests.payments.factories import NOW, a_funded_lab, a_payable_expert, a_project, earn

pytestmark = pytest.mark.django_db

OCTOBER = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
DECEMBER = datetime(2026, 12, 2, tzinfo=UTC)
LATER = datetime(2026, 12, 31, tzinfo=UTC)


@pytest.fixture
def cyd() -> Expert:
    """Return an expert with lines in three months, one of them in the last second of October."""
    lab, cyd = a_funded_lab(50_000_00), a_payable_expert()
    project = a_project(lab, 40_000_00)
    for at, seconds in ((OCTOBER, 3_599), (NOW, 7_800), (NOW, 1), (DECEMBER, 1_800)):
        earn(lab, project, cyd, seconds, at=at)
    return cyd


def browser_of(expert: Expert) -> Client:
    """Return the expert's own browser."""
    return log_in(Client(), expert.user)


def amounts(answer: object) -> list[str]:
    """Return a CSV's column of amounts."""
    return [row[7] for row in csv.reader(StringIO(answer.content.decode()))][1:]  # type: ignore[attr-defined]  # An answer.


def test_a_year_is_its_months_and_each_month_its_lines(cyd: Expert) -> None:
    year = earnings_in(cyd, 2026, LATER)

    of_lines = {row.key: sum(line.amount_minor for line in pay_lines_of(cyd, row.key)) for row in year.months}
    assert {key: minor for key, minor in of_lines.items() if minor} == {
        "2026-10": 259_93,
        "2026-11": 563_40,
        "2026-12": 130_00,
    }
    assert of_lines == {row.key: row.earned.minor for row in year.months}
    assert (year.earned, year.seconds) == (usd(953_33), 3_599 + 7_801 + 1_800)


def test_all_that_the_earnings_page_sums_is_what_its_rows_are(cyd: Expert) -> None:
    earned = earnings_of(cyd, LATER)

    rows = sum(row.amount.minor for row in earned.rows)
    opened = sum(line.amount_minor for row in earned.rows for line in pay_lines_of(cyd, row.key))
    assert rows == opened == earned.available.amount.minor == sum(week.total_minor for week in earned.weeks) == 953_33


def test_a_month_is_the_same_in_csv_and_pdf(cyd: Expert) -> None:
    with_total = amounts(browser_of(cyd).get(reverse("payments:month_statement", args=[2026, 11])))
    paper = actions.documents.figures_of.expert_figures(cyd, month_of(NOW.date()), "USD")

    assert with_total == ["563.33", "0.07", "563.40"]
    assert [row["amount_minor"] for row in paper["lines"]] == [563_33, 7]
    assert (paper["opening_minor"], paper["closing_minor"]) == (259_93, 259_93 + 563_40)


def test_the_page_of_a_year_opens_a_month(cyd: Expert) -> None:
    line = pay_lines_of(cyd, "2026-11")[0]

    page = browser_of(cyd).get(reverse("payments:year", args=[2026]), {"open": "2026-11"}).content.decode()

    assert [each in page for each in ("$563.40", line.subject, "$259.93")] == [True, True, True]
    assert reverse("tasks:pay_line", args=[line.pk]) in page


@pytest.mark.parametrize("path", ["2019/", "2999/", "statement-2026-13.csv", "statement-2026-0.csv"])
def test_there_is_no_other_year_or_month(cyd: Expert, path: str) -> None:
    assert browser_of(cyd).get(f"/earnings/{path}").status_code == 404


@pytest.mark.parametrize("key", ["2026-13", "2026-1", "२०२६-११", "2026-11-1", "0000-01", "9999-12", "\x00"])
def test_an_unknown_month_opens_nothing(cyd: Expert, key: str) -> None:
    assert browser_of(cyd).get(reverse("payments:year", args=[2026]), {"open": key}).status_code == 200


def test_the_page_asks_as_much_for_one_line_as_for_three() -> None:
    lab, dov = a_funded_lab(50_000_00), a_payable_expert("Dov")
    project, browser, now = a_project(lab, 40_000_00), browser_of(dov), app_now()

    def asked() -> int:
        with CaptureQueriesContext(connection) as questions:
            browser.get(reverse("payments:year", args=[now.year]), {"open": f"{now:%Y-%m}"})
        return len(questions)

    earn(lab, project, dov, 60, at=now)
    browser.get(reverse("payments:earnings"))
    one = asked()
    for _ in range(2):
        earn(lab, project, dov, 60, at=now - timedelta(seconds=1))

    assert asked() == one
