"""Papers: numbered without gaps, equal to the ledger, the same bytes for ever, and never changed."""

from __future__ import annotations

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from django.db import DatabaseError, connection, transaction
from pypdf import PdfReader

from accounts.models import OutboxItem
from accounts.outbox import drain
from kernel.errors import Refused
from kernel.ids import uuid7
from kernel.money import Money, usd
from labs.models import Lab
from payments import actions, ledger
from payments.cases import refund_by_case, withhold
from payments.models import Document, DocumentKind, DocumentSeries, Funding
from payments.queries import lab_funds, month_of
from tests.payments.factories import (
    NOW,
    a_funded_lab,
    a_lab,
    a_payable_expert,
    a_payment,
    a_project,
    earn,
)

pytestmark = pytest.mark.django_db(transaction=True)

NOVEMBER = month_of(date(2026, 11, 11))
DECEMBER = month_of(date(2026, 12, 1))
OVER = datetime(2026, 12, 1, 2, tzinfo=UTC)
HOSTILE = 'Ann #sys.inputs $x$ [a](b) *b* _c_ @d \\u{41} "e" <f> // Søn, 株式会社 مختبر 🚀'


def a_paid_funding(lab: Lab, minor: int = 500_00) -> Funding:
    """Let a lab pay, confirmed at Stripe."""
    funding = actions.start_funding(lab, usd(minor), by=lab.members.get().user, now=NOW)
    return actions.confirm_funding(funding.pk, a_payment(funding), now=NOW)


def words_of(document: Document) -> list[str]:
    """Return the words that a reader of the PDF finds, in their order."""
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(document.pdf)).pages).split()


def issued(kind: str) -> list[str]:
    """Return the numbers of a series, in their order."""
    return [each.label for each in Document.objects.filter(kind=kind).order_by("number", "mode")]


def test_a_confirmed_payment_gets_one_receipt_by_the_outbox() -> None:
    funding = a_paid_funding(a_lab())
    drain()
    again = actions.issue_receipt(funding, now=OVER)

    (receipt,) = Document.objects.filter(kind=DocumentKind.RECEIPT)
    assert (receipt, receipt.label, receipt.amount_minor, receipt.lab) == (again, "REC-000001", 500_00, funding.lab)
    assert {"Receipt", "Hollis", "Labs", "$500.00", "REC-000001", funding.public_id} <= set(words_of(receipt))


def test_a_deposit_that_is_not_confirmed_has_no_receipt() -> None:
    lab = a_lab()
    funding = actions.start_funding(lab, usd(500_00), by=lab.members.get().user, now=NOW)

    with pytest.raises(Refused, match="confirmed"):
        actions.issue_receipt(funding, now=NOW)


def test_play_money_has_a_series_of_its_own_and_says_so() -> None:
    lab = a_lab()
    actions.fund_in_play(lab, Money(70_00, "XTS"), way="card", by=lab.members.get().user, now=NOW)
    a_paid_funding(lab)
    drain()

    assert issued(DocumentKind.RECEIPT) == ["REC-000001", "TEST-REC-000001"]
    assert ["Play" in words_of(each) for each in Document.objects.order_by("mode")] == [False, True]


def test_a_document_is_set_again_in_the_same_bytes() -> None:
    receipt = actions.issue_receipt(a_paid_funding(a_lab()), now=NOW)
    kept = Document.objects.get(pk=receipt.pk)
    read = PdfReader(io.BytesIO(kept.pdf))

    assert actions.render(kept) == bytes(kept.pdf)
    assert hashlib.sha256(kept.pdf).hexdigest() == kept.sha256
    assert read.metadata is not None
    assert (read.metadata.title, read.metadata.creation_date) == ("Receipt REC-000001", NOW)


def test_signs_of_a_name_are_read_as_signs() -> None:
    receipt = actions.issue_receipt(a_paid_funding(a_lab(HOSTILE)), now=NOW)

    words = words_of(Document.objects.get(pk=receipt.pk))
    assert [word for word in HOSTILE.split() if word.isascii() and word not in words] == []
    assert "株式会社" in "".join(words)


def test_a_very_long_name_stays_on_the_page() -> None:
    receipt = actions.issue_receipt(a_paid_funding(a_lab("Hollis" * 33)), now=NOW)

    read = PdfReader(io.BytesIO(Document.objects.get(pk=receipt.pk).pdf))
    assert (len(read.pages), read.pages[0].extract_text().replace("\n", "").count("Hollis")) == (1, 33)


def test_twenty_at_once_get_twenty_numbers_in_a_row() -> None:
    fundings = [a_paid_funding(lab) for lab in [a_lab()] for _ in range(20)]
    start = Barrier(20)

    def issue(funding: Funding) -> str:
        start.wait()
        try:
            return actions.issue_receipt(funding, now=NOW).label
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        labels = list(pool.map(issue, fundings))

    assert sorted(labels) == [f"REC-{number:06d}" for number in range(1, 21)]
    assert issued(DocumentKind.RECEIPT) == sorted(labels)


def test_of_twenty_who_issue_the_same_one_does() -> None:
    funding = a_paid_funding(a_lab())
    start = Barrier(20)

    def issue(_: int) -> str:
        start.wait()
        try:
            return actions.issue_receipt(funding, now=NOW).label
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        labels = set(pool.map(issue, range(20)))

    assert (labels, issued(DocumentKind.RECEIPT)) == ({"REC-000001"}, ["REC-000001"])


def test_a_paper_that_cannot_be_set_leaves_no_gap() -> None:
    lab = a_lab()
    broken = a_paid_funding(lab)
    broken.lab.name = "\ud800"  # Half a sign: no text, so no paper.

    with pytest.raises(UnicodeEncodeError):
        actions.issue_receipt(broken, now=NOW)
    actions.issue_receipt(a_paid_funding(lab), now=NOW)

    assert issued(DocumentKind.RECEIPT) == ["REC-000001"]


def test_a_labs_month_leads_from_the_ledger_to_the_ledger() -> None:
    lab = a_funded_lab(10_000_00)
    project = a_project(lab, 5_000_00)
    earn(lab, project, a_payable_expert(), 3_600)
    earn(lab, project, a_payable_expert("Dov"), 1_801, at=OVER)  # Of December.
    november = actions.issue_lab_statement(lab, NOVEMBER, now=OVER)

    figures = november.figures
    assert (figures["opening_minor"], figures["closing_minor"]) == (0, 10_000_00 - 312_00)
    assert figures["changes"] == [
        {"what": "Pay for work and reviews", "minor": -260_00},
        {"what": "Fees", "minor": -52_00},
        {"what": "Paid in", "minor": 10_000_00},
    ]
    assert figures["projects"] == [{"project": project, "seconds": 3_600, "pay_minor": 260_00, "fee_minor": 52_00}]


def test_one_month_begins_where_the_last_one_ended_and_the_last_ends_at_the_balance() -> None:
    lab = a_funded_lab(10_000_00)
    project = a_project(lab, 5_000_00)
    for day in (NOW, OVER, OVER + timedelta(days=30)):
        earn(lab, project, a_payable_expert(f"Cyd{day.day}{day.month}"), 3_601, at=day)
    new_year = datetime(2027, 1, 1, 2, tzinfo=UTC)
    both = [actions.issue_lab_statement(lab, month, now=new_year) for month in (NOVEMBER, DECEMBER)]
    funds = lab_funds(lab, "USD")

    assert both[0].figures["closing_minor"] == both[1].figures["opening_minor"]
    assert both[1].amount_minor == (funds.available + funds.allocated + funds.held).minor


def test_a_closed_month_is_not_changed_by_what_comes_later() -> None:
    lab = a_funded_lab(10_000_00)
    first = actions.issue_lab_statement(lab, NOVEMBER, now=OVER)
    a_paid_funding(lab)  # Of November, and booked after its end.
    again = actions.issue_lab_statement(lab, NOVEMBER, now=OVER + timedelta(days=1))

    assert (again, again.figures, again.sha256) == (first, first.figures, first.sha256)


def test_a_month_that_is_not_over_has_no_statement() -> None:
    with pytest.raises(Refused, match="30 November 2026 is over"):
        actions.issue_lab_statement(a_lab(), NOVEMBER, now=NOVEMBER.until - timedelta(seconds=1))


def test_an_experts_month_lists_each_line_and_adds_up() -> None:
    lab, expert = a_funded_lab(10_000_00), a_payable_expert()
    project = a_project(lab, 5_000_00)
    lines = [earn(lab, project, expert, seconds) for seconds in (3_601, 1_800, 59)]
    statement = actions.issue_expert_statement(expert, NOVEMBER, now=OVER)

    figures, words = statement.figures, words_of(Document.objects.get(pk=statement.pk))
    total = sum(line.amount_minor for line in lines)
    assert [row["seconds"] for row in figures["lines"]] == [3_601, 1_800, 59]
    assert figures["earned_minor"] == figures["closing_minor"] == total == 394_33
    assert ledger.balance(ledger.expert_available(expert, "USD")) == usd(total)
    assert {"1:00:01", "0:30:00", "0:00:59", "$394.33"} <= set(words)


def test_what_a_case_withholds_is_not_earned_in_its_month_and_taken_off_in_a_later_one() -> None:
    lab, expert = a_funded_lab(10_000_00), a_payable_expert()
    project = a_project(lab, 5_000_00)
    first, second, kept = (earn(lab, project, expert, seconds) for seconds in (3_600, 1_800, 36))
    with transaction.atomic():
        withhold(first, at=NOW)
    november = actions.issue_expert_statement(expert, NOVEMBER, now=OVER).figures
    with transaction.atomic():
        withhold(second, at=OVER)
    december = actions.issue_expert_statement(expert, DECEMBER, now=datetime(2027, 1, 1, 2, tzinfo=UTC)).figures

    assert november["changes"] == [{"what": "Earned", "minor": 132_60}]
    assert december["changes"] == [{"what": "Withheld by a case", "minor": -130_00}]
    assert december["closing_minor"] == kept.amount_minor == 2_60


def test_a_lab_sees_what_cases_gave_back() -> None:
    lab, expert = a_funded_lab(10_000_00), a_payable_expert()
    project = a_project(lab, 5_000_00)
    withheld, refunded = (earn(lab, project, expert, seconds) for seconds in (3_600, 36))
    with transaction.atomic():
        withhold(withheld, at=NOW)
        refund_by_case(refunded, at=NOW)
    figures = actions.issue_lab_statement(lab, NOVEMBER, now=OVER).figures

    assert {row["what"]: row["minor"] for row in figures["changes"]} == {
        "Paid in": 10_000_00,
        "Pay for work and reviews": -2_60,
        "Fees": -52,
        "Refunded by a case": 3_12,
    }
    assert figures["closing_minor"] == 10_000_00


def test_a_statement_of_many_lines_goes_on_over_pages() -> None:
    lab, expert = a_funded_lab(100_000_00), a_payable_expert()
    project = a_project(lab, 90_000_00)
    for seconds in range(1, 301):
        earn(lab, project, expert, seconds)
    statement = actions.issue_expert_statement(expert, NOVEMBER, now=OVER)

    read = PdfReader(io.BytesIO(Document.objects.get(pk=statement.pk).pdf))
    assert len(read.pages) > 5
    assert all("Rate an hour" in page.extract_text() for page in read.pages)


def test_december_brings_the_summary_of_the_year_by_the_day_of_the_transfer() -> None:
    lab, expert = a_funded_lab(10_000_00), a_payable_expert()
    earn(lab, a_project(lab, 5_000_00), expert, 3_600)
    year = actions.issue_expert_year(expert, 2026, now=datetime(2027, 1, 1, 2, tzinfo=UTC))

    earned = {row["start"]: row["earned_minor"] for row in year.figures["months"] if row["earned_minor"]}
    assert (earned, year.figures["paid_minor"], year.amount_minor) == ({"2026-11-01": 260_00}, 0, 0)


def test_the_end_of_a_month_makes_every_statement_due_once() -> None:
    lab = a_funded_lab(10_000_00)
    earn(lab, a_project(lab, 5_000_00), a_payable_expert(), 3_600)
    for _ in range(2):
        actions.close_month(NOVEMBER)
        actions.make_statements_due(NOVEMBER)

    rows = OutboxItem.objects.filter(kind__contains="_statement").order_by("kind")
    assert [(row.kind, row.payload.get("start")) for row in rows] == [
        ("payments.issue_expert_statement", "2026-11-01"),
        ("payments.issue_lab_statement", "2026-11-01"),
        ("payments.make_statements_due", "2026-11-01"),
    ]


def test_the_database_keeps_what_was_issued() -> None:
    receipt = actions.issue_receipt(a_paid_funding(a_lab()), now=NOW)

    for change in (
        lambda: Document.objects.filter(pk=receipt.pk).update(amount_minor=1),
        lambda: Document.objects.filter(pk=receipt.pk).delete(),
        lambda: DocumentSeries.objects.update(last_number=7),
        lambda: DocumentSeries.objects.update(last_number=0),
        lambda: DocumentSeries.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    assert DocumentSeries.objects.get(kind=DocumentKind.RECEIPT).last_number == 1


def test_the_database_refuses_a_number_without_a_document() -> None:
    actions.issue_receipt(a_paid_funding(a_lab()), now=NOW)

    with pytest.raises(DatabaseError, match="on no document"), transaction.atomic():
        DocumentSeries.objects.filter(kind=DocumentKind.RECEIPT).update(last_number=2)


@pytest.mark.parametrize(
    ("changes", "refusal"), [({"number": 5}, "gave last"), ({"sha256": "0" * 64}, "hash"), ({"pdf": b""}, "hash")]
)
def test_the_database_refuses_a_wrong_document(changes: dict[str, object], refusal: str) -> None:
    lab = a_lab()
    receipt = actions.issue_receipt(a_paid_funding(lab), now=NOW)
    values = Document.objects.filter(pk=receipt.pk).values().get() | {"funding_id": a_paid_funding(lab).pk}

    def write() -> None:
        DocumentSeries.objects.filter(kind=DocumentKind.RECEIPT).update(last_number=2)
        Document.objects.create(**values | {"id": uuid7(), "number": 2} | changes)

    with pytest.raises(DatabaseError, match=refusal), transaction.atomic():
        write()
