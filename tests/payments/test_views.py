"""The pages of money over HTTP: what they show, to whom, and what a press does."""

import csv
import re
from io import StringIO

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from kernel.csv_files import safe_cell
from kernel.money import usd
from labs.models import Lab
from payments import actions
from payments.models import Funding, PayoutRun
from tests.accounts.factories import log_in, make_user
from tests.experts.factories import an_expert, domain
from tests.payments.factories import (
    AFTER_WEEK,
    NOW,
    a_funded_lab,
    a_lab,
    a_payable_expert,
    a_payment,
    a_project,
    a_submitted_run,
    earn,
    finance,
    hold_for,
)
from tests.stripe_fixture import StripeAtHand

pytestmark = pytest.mark.django_db


def as_user(user: User) -> Client:
    """Return a browser signed in as somebody."""
    return log_in(Client(), user)


def owner_of(lab: Lab) -> User:
    """Return who opened the lab."""
    return lab.members.get().user


def words(html: str) -> str:
    """Return a page's text on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_everyone_sees_the_rate_card() -> None:
    domain("law")
    actions.install_rate_card(now=NOW)

    page = Client().get(reverse("payments:rates"))

    assert page.status_code == 200
    assert "Psychiatry and psychology 60 110 180 260 350" in words(page.content.decode())


def test_without_a_card_the_page_says_so() -> None:
    page = Client().get(reverse("payments:rates"))

    assert (page.status_code, "No card is in force yet" in page.content.decode()) == (200, True)


def test_earnings_show_what_waits_and_each_line_traces_to_its_claim() -> None:
    lab, cyd = a_funded_lab(), a_payable_expert()
    line = earn(lab, a_project(lab), cyd, 7_800)

    page = as_user(cyd.user).get(reverse("payments:earnings"), {"open": line.week_start.isoformat()})

    said = words(page.content.decode())
    assert page.status_code == 200
    assert "$563.33" in said
    assert "7800" in said
    assert "$260.00/h" in said
    assert line.subject in page.content.decode()


def test_earnings_of_another_expert_are_not_shown() -> None:
    lab, cyd, dov = a_funded_lab(), a_payable_expert("Cyd"), a_payable_expert("Dov")
    line = earn(lab, a_project(lab), cyd, 7_800)

    page = as_user(dov.user).get(reverse("payments:earnings"), {"open": line.week_start.isoformat()})

    assert (page.status_code, line.subject in page.content.decode(), "$563.33" in page.content.decode()) == (
        200,
        False,
        False,
    )


@pytest.mark.parametrize("key", ["", "x", "itm_00000000000000000000000000", "2026-99-99", "\x00", "9" * 500])
def test_an_unknown_payout_opens_nothing(key: str) -> None:
    cyd = a_payable_expert()

    assert as_user(cyd.user).get(reverse("payments:earnings"), {"open": key}).status_code == 200


def test_the_statement_adds_up_to_the_cent() -> None:
    lab, cyd = a_funded_lab(), a_payable_expert()
    project = a_project(lab)
    for seconds in (7_800, 1, 6_600):
        earn(lab, project, cyd, seconds)

    answer = as_user(cyd.user).get(reverse("payments:statement", args=[2026]))

    rows = list(csv.reader(StringIO(answer.content.decode())))
    assert [row[7] for row in rows[1:]] == ["563.33", "0.07", "476.67", "1040.07"]


def test_a_statement_of_a_year_to_come_is_not_there() -> None:
    assert as_user(a_payable_expert().user).get(reverse("payments:statement", args=[2999])).status_code == 404


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+49", "'+49"),
        ("@a", "'@a"),
        ("-5.00", "-5.00"),
        ("-1;cmd", "'-1;cmd"),
        ("\t=1", "'\t=1"),
        ("Ada", "Ada"),
        ("", ""),
    ],
)
def test_no_cell_runs_as_a_formula(cell: str, safe: str) -> None:
    assert safe_cell(cell) == safe


@pytest.mark.parametrize("name", ["payments:earnings", "payments:payee"])
def test_only_experts_have_earnings(name: str) -> None:
    assert as_user(make_user("Nil")).get(reverse(name)).status_code == 403
    assert Client().get(reverse(name)).status_code == 302


def test_a_payee_gets_an_ordinary_link_to_stripe_and_each_press_makes_a_new_one(stripe_at_hand: StripeAtHand) -> None:
    browser = as_user(an_expert().user)

    first, second = (browser.post(reverse("payments:payee")).content.decode() for _ in range(2))

    links = [re.findall(r'href="(http[^"]+)" rel="noreferrer"', page)[0] for page in (first, second)]
    assert links[0] != links[1]
    assert all(link.startswith(stripe_at_hand.url) for link in links)


def test_coming_back_from_stripe_reads_the_account_again(stripe_at_hand: StripeAtHand) -> None:
    cyd = an_expert()
    browser = as_user(cyd.user)
    browser.post(reverse("payments:payee"))
    unfinished = words(browser.get(reverse("payments:payee"), {"back": 1}).content.decode())
    stripe_at_hand.order(f"account/{cyd.payee.stripe_id}", transfers="active", payouts=True, due=[])

    finished = words(browser.get(reverse("payments:payee"), {"back": 1}).content.decode())

    assert ("Not finished yet" in unfinished, "You can be paid" in finished) == (True, True)


def test_an_expert_whom_no_rail_reaches_is_told_so() -> None:
    browser = as_user(an_expert(country="KE").user)

    page, pressed = browser.get(reverse("payments:payee")), browser.post(reverse("payments:payee"))

    assert ("We cannot pay to Kenya yet" in page.content.decode(), pressed.status_code) == (True, 409)


def test_funds_show_five_numbers_and_each_project() -> None:
    lab = a_funded_lab(1_000_00)
    project = a_project(lab, 700_00)
    hold_for(lab, project, work=100_00)

    page = as_user(owner_of(lab)).get(reverse("payments:funds"))

    said = words(page.content.decode())
    assert [amount in said for amount in ("$1,000.00", "$300.00", "$600.00", "$100.00", "$700.00")] == [True] * 5
    assert project in page.content.decode()


def top_up(browser: Client, **changes: str) -> object:
    """Press the button of the funds page."""
    values = {"amount": "500.00", "payment_method": "pm_card_bypassPending", "press": "a" * 32, **changes}
    return browser.post(reverse("payments:funds"), values, follow=True)


def test_a_lab_pays_in_without_script(stripe_at_hand: StripeAtHand) -> None:
    lab = a_lab()

    page = top_up(as_user(owner_of(lab)))

    said = words(page.content.decode())  # type: ignore[attr-defined]  # A response.
    assert ("The payment is confirmed" in said, "$500.00 free to allocate" in said) == (True, True)


def test_pressing_twice_pays_once(stripe_at_hand: StripeAtHand) -> None:
    lab = a_lab()
    browser = as_user(owner_of(lab))

    for _ in range(2):
        top_up(browser)

    assert Funding.objects.filter(lab=lab).count() == 1


def test_a_declined_card_is_said_plainly(stripe_at_hand: StripeAtHand) -> None:
    lab = a_lab()

    page = top_up(as_user(owner_of(lab)), payment_method="pm_card_chargeDeclined")

    assert "The card was declined, and nothing was charged" in words(page.content.decode())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "NaN"},
        {"amount": "1e9"},
        {"amount": "-5"},
        {"amount": "5.001"},
        {"amount": "x\x00"},
        {"amount": ""},
        {"payment_method": "pm_other"},
        {"press": "x"},
    ],
)
def test_a_bad_top_up_names_its_field_and_charges_nothing(changes: dict[str, str]) -> None:
    lab = a_lab()

    page = top_up(as_user(owner_of(lab)), **changes)

    assert (page.status_code, Funding.objects.count()) == (422, 0)  # type: ignore[attr-defined]  # A response.


def test_only_an_owner_of_the_lab_pays_in() -> None:
    lab = a_lab()
    lab.members.update(role="member")

    assert top_up(as_user(owner_of(lab))).status_code == 403  # type: ignore[attr-defined]  # A response.


def test_a_lab_takes_its_papers_home_and_nobody_elses() -> None:
    labs = [a_funded_lab(10_000_00, name) for name in ("Hollis Labs", "Eastgate Labs")]
    mine, theirs = (actions.issue_receipt(lab.fundings.get(), now=NOW) for lab in labs)
    browser = as_user(owner_of(labs[0]))

    page = words(browser.get(reverse("payments:funds")).content.decode())
    got = browser.get(reverse("payments:document", args=[mine.pk]))
    assert ("REC-000001 Receipt" in page, "REC-000002" in page) == (True, False)
    assert (got.content, got["Content-Type"]) == (bytes(mine.pdf), "application/pdf")
    assert got["Content-Disposition"] == 'attachment; filename="REC-000001.pdf"'
    assert browser.get(reverse("payments:document", args=[theirs.pk])).status_code == 404


def test_papers_are_listed_in_one_question_without_their_bytes() -> None:
    lab = a_funded_lab(10_000_00)
    browser = as_user(owner_of(lab))

    def asked() -> list[str]:
        with CaptureQueriesContext(connection) as questions:
            browser.get(reverse("payments:funds"))
        return [question["sql"] for question in questions if "payments_document" in question["sql"]]

    actions.issue_receipt(lab.fundings.get(), now=NOW)
    one = asked()
    for _ in range(2):
        funding = actions.start_funding(lab, usd(500_00), by=owner_of(lab), now=NOW)
        actions.issue_receipt(actions.confirm_funding(funding.pk, a_payment(funding), now=NOW), now=NOW)

    assert (one, len(one), ["pdf" in sql for sql in one]) == (asked(), 1, [False])


def test_funds_are_for_labs() -> None:
    assert as_user(make_user("Nil")).get(reverse("payments:funds")).status_code == 403


DESK = ("payments:runs", "payments:run", "payments:run_csv")


@pytest.mark.parametrize("name", DESK)
def test_the_payout_desk_is_for_finance(name: str) -> None:
    run = a_submitted_run(260_00)
    address = reverse(name, args=[] if name == "payments:runs" else [run.pk])

    answers = [as_user(user).get(address).status_code for user in (finance("Bo Finch"), make_user("Nil"))]

    assert answers == [200, 403]


def test_the_desk_shows_the_plan_before_anything_is_built() -> None:
    page = as_user(finance()).get(reverse("payments:runs"))

    assert ("before anything is built" in page.content.decode(), PayoutRun.objects.count()) == (True, 0)


def press(user: User, name: str, run: PayoutRun, *args: str, **values: str) -> object:
    """Press a button of the run's page."""
    return as_user(user).post(reverse(name, args=[run.pk, *args]), values)


def confirmed(run: PayoutRun) -> dict[str, str]:
    """Return what the approval form sends."""
    return {"saw_unusual": "on", "means_total": "on", "content_sha256": run.content_sha256}


def test_another_person_approves_on_the_page() -> None:
    run = a_submitted_run(260_00)
    bo = finance("Bo Finch")
    page = words(as_user(bo).get(reverse("payments:run", args=[run.pk])).content.decode())

    press(bo, "payments:approve_run", run, **confirmed(run))

    run.refresh_from_db()
    assert ("Approve $260.00" in page, "You may approve" in page, run.state) == (True, True, "APPROVED")


def test_the_builder_is_told_why_not_and_cannot_press() -> None:
    ada = finance("Ada Byron")
    run = a_submitted_run(260_00, by=ada)
    page = words(as_user(ada).get(reverse("payments:run", args=[run.pk])).content.decode())

    answer = press(ada, "payments:approve_run", run, **confirmed(run))

    run.refresh_from_db()
    assert ("You built this run. Someone else approves it." in page, "Approve $260.00" in page) == (True, False)
    assert (answer.status_code, run.state) == (403, "PENDING_APPROVAL")  # type: ignore[attr-defined]  # A response.


@pytest.mark.parametrize("missing", ["saw_unusual", "means_total", "content_sha256"])
def test_an_approval_without_its_confirmations_is_none(missing: str) -> None:
    run = a_submitted_run(260_00)
    values = {name: value for name, value in confirmed(run).items() if name != missing}

    press(finance("Bo Finch"), "payments:approve_run", run, **values)

    run.refresh_from_db()
    assert run.state == "PENDING_APPROVAL"


def test_an_approval_of_an_old_page_is_refused() -> None:
    run = a_submitted_run(260_00)

    answer = press(finance("Bo Finch"), "payments:approve_run", run, **{**confirmed(run), "content_sha256": "0" * 64})

    assert answer.status_code == 409  # type: ignore[attr-defined]  # A response.


def test_a_run_is_rejected_reopened_and_cancelled_on_the_page() -> None:
    run = a_submitted_run(260_00)
    bo = finance("Bo Finch")
    states = []

    for verb, values in (("reject", {"reason": "Too much"}), ("reopen", {}), ("cancel", {"reason": "Not now"})):
        press(bo, "payments:move_run", run, verb, **values)
        run.refresh_from_db()
        states.append(run.state)

    assert states == ["REJECTED", "DRAFT", "CANCELLED"]


@pytest.mark.parametrize("reason", ["", "x", "y" * 401, "a\x00bc"])
def test_a_rejection_without_a_reason_is_refused(reason: str) -> None:
    run = a_submitted_run(260_00)

    answer = press(finance("Bo Finch"), "payments:move_run", run, "reject", reason=reason)

    run.refresh_from_db()
    assert (answer.status_code, run.state) == (409, "PENDING_APPROVAL")  # type: ignore[attr-defined]  # A response.


def test_an_unknown_verb_is_not_there() -> None:
    run = a_submitted_run(260_00)

    assert press(finance("Bo Finch"), "payments:move_run", run, "explode").status_code == 404  # type: ignore[attr-defined]


def test_money_moves_only_for_someone_who_proved_themselves_lately() -> None:
    run = a_submitted_run(260_00)
    browser = as_user(finance("Bo Finch"))
    session = browser.session
    session["account_authentication_methods"] = [{"method": "mfa", "at": 1, "reauthenticated": True}]
    session.save()

    answer = browser.post(reverse("payments:approve_run", args=[run.pk]), confirmed(run))

    run.refresh_from_db()
    assert (answer.status_code, "reauthenticate" in answer.headers.get("Location", ""), run.state) == (
        302,
        True,
        "PENDING_APPROVAL",
    )


def test_lists_cost_the_same_for_one_row_and_for_three() -> None:
    one = a_submitted_run(260_00)
    bo = as_user(finance("Bo Finch"))
    address = reverse("payments:run", args=[one.pk])
    counts = [count_of(bo, address)]
    actions.reject_run(one, by=one.built_by, reason="Again", now=AFTER_WEEK)
    actions.cancel_run(one, by=one.built_by, reason="Again", now=AFTER_WEEK)
    three = a_submitted_run(260_00, 130_00, 65_00)

    counts.append(count_of(bo, reverse("payments:run", args=[three.pk])))

    assert counts[0] >= counts[1] - 2  # A run before it costs one look at that run and one at its history.


def count_of(browser: Client, address: str) -> int:
    """Return how many statements a page costs."""
    with CaptureQueriesContext(connection) as asked:
        assert browser.get(address).status_code == 200
    return len(asked)
