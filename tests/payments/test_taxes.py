"""Tax forms: asked for once, given at Stripe, and no number anywhere with us."""

from __future__ import annotations

import csv
import urllib.parse
import urllib.request
from datetime import UTC, date, datetime
from io import StringIO

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from experts.models import Expert
from kernel.errors import Invalid
from payments import actions
from payments.actions.payees import note_account, open_payee
from payments.gateways.types import Recipient
from payments.models import TaxProfile
from payments.states import TaxState
from tests.accounts.factories import log_in
from tests.experts.factories import an_expert
from tests.payments.factories import NOW, a_payable_expert, finance
from tests.stripe_fixture import StripeAtHand

pytestmark = pytest.mark.django_db(transaction=True)


def profile_of(expert: Expert) -> TaxProfile:
    """Return an expert's profile as it is now."""
    return TaxProfile.objects.get(expert=expert)


def at_stripe(expert: Expert, *needs: str, numbers: tuple[str, ...] = ()) -> TaxProfile:
    """Write what Stripe says of an expert."""
    payee = open_payee(expert, now=NOW)
    recipient = Recipient("acct_sbxtax", "active", needs=needs, number_kinds=numbers)
    note_account(payee.pk, recipient, now=NOW)
    actions.record_readiness(payee.pk, recipient, now=NOW)
    return profile_of(expert)


@pytest.mark.parametrize(("country", "form", "until"), [("US", "W-9", None), ("DE", "W-8BEN", date(2029, 12, 31))])
def test_what_stripe_has_is_given_and_a_w8ben_holds_to_the_third_year(
    country: str, form: str, until: date | None
) -> None:
    profile = at_stripe(an_expert(country=country), numbers=("us_ssn",))

    assert (profile.form, profile.state, profile.given_at, profile.valid_until, profile.has_number) == (
        form, TaxState.GIVEN, NOW, until, True,
    )  # fmt: skip


def test_what_stripe_still_wants_is_not_given() -> None:
    profile = at_stripe(an_expert(), "individual.id_number")

    assert (profile.state, profile.given_at, profile.has_number) == (TaxState.ASKED, None, False)


def test_the_first_pay_asks_for_the_form_once() -> None:
    cyd = an_expert(country="US")
    for _ in range(2):
        actions.ask_for_payee(cyd.pk, now=NOW)

    assert (profile_of(cyd).form, profile_of(cyd).asked_at) == ("W-9", NOW)


def test_another_form_than_before_is_asked_for_anew() -> None:
    cyd = an_expert(country="DE")
    at_stripe(cyd)
    later = datetime(2026, 11, 20, tzinfo=UTC)
    profile = actions.declare_tax_form(cyd, is_us_person=True, now=later)

    assert (profile.form, profile.state, profile.asked_at, profile.given_at) == ("W-9", TaxState.ASKED, later, None)


def test_the_same_form_again_changes_nothing() -> None:
    cyd = an_expert(country="DE")
    given = at_stripe(cyd)
    actions.declare_tax_form(cyd, is_us_person=False, now=datetime(2026, 11, 20, tzinfo=UTC))

    assert (profile_of(cyd).state, profile_of(cyd).given_at) == (TaxState.GIVEN, given.given_at)


def test_who_lives_in_the_united_states_gives_a_w9() -> None:
    with pytest.raises(Invalid) as refused:
        actions.declare_tax_form(an_expert(country="US"), is_us_person=False, now=NOW)

    assert refused.value.errors[0].code == "resident"


def test_a_form_that_holds_no_longer_is_asked_for_again() -> None:
    cyd = an_expert(country="DE")
    at_stripe(cyd)
    last, after = (datetime(2029, 12, 31, 23, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))

    assert [actions.expire_tax_forms(now) for now in (last, after, after)] == [0, 1, 0]
    assert (profile_of(cyd).state, profile_of(cyd).asked_at) == (TaxState.ASKED, after)


def test_giving_everything_on_stripes_page_gives_the_form(stripe_at_hand: StripeAtHand) -> None:
    cyd = an_expert(country="US")
    payee = actions.start_payee(cyd, now=NOW)
    url = actions.onboarding_link(payee, now=NOW)
    before = actions.read_payee(payee.pk) and profile_of(cyd)
    form = urllib.parse.urlencode({"outcome": "complete"}).encode()
    opener = urllib.request.build_opener(StayHere)
    opener.open(urllib.request.Request(url, form))  # noqa: S310  # Loopback, by the sandbox.
    actions.read_payee(payee.pk)

    assert (before.state, profile_of(cyd).state, profile_of(cyd).has_number) == (TaxState.ASKED, TaxState.GIVEN, True)


class StayHere(urllib.request.HTTPErrorProcessor):
    """Do not follow Stripe back to us: nobody listens there."""

    def http_response(self, request, response):  # type: ignore[no-untyped-def]  # As the library's.
        return response


def test_an_expert_says_which_form_and_sees_how_it_stands() -> None:
    cyd = an_expert(country="DE")
    browser = log_in(Client(), cyd.user)
    said = browser.post(reverse("payments:tax"), {"person": "foreign"})
    page = browser.get(reverse("payments:tax")).content.decode()

    assert (said.status_code, "We ask you for form W-8BEN" in page, "none at Stripe" in page) == (302, True, True)
    assert browser.post(reverse("payments:tax"), {"person": "x"}).status_code == 422


def test_finance_lists_forms_and_the_years_money_in_as_many_questions_for_one_as_for_three() -> None:
    browser = log_in(Client(), finance())

    def asked() -> int:
        with CaptureQueriesContext(connection) as questions:
            page = browser.get(reverse("payments:tax_desk"))
        assert "W-8BEN" in page.content.decode() or "W-9" in page.content.decode()
        return len(questions)

    a_payable_expert("Cyd")
    asked()  # The first one of a session also writes the session.
    one = asked()
    for name in ("Dov", "Eli"):
        a_payable_expert(name)

    assert asked() == one


def test_the_advisers_list_runs_no_formula_and_holds_no_number() -> None:
    a_payable_expert('=HYPERLINK("x")')
    answer = log_in(Client(), finance()).get(reverse("payments:tax_csv", args=[2026]))

    head, row = list(csv.reader(StringIO(answer.content.decode())))
    assert "number" not in ",".join(head)
    assert (row[1].startswith("'=HYPERLINK"), row[3], row[8]) == (True, "W-9", "0.00")


def test_no_table_of_ours_has_room_for_a_tax_number() -> None:
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'payments_taxprofile'")
        columns = sorted(name for (name,) in cursor.fetchall())

    assert columns == [
        "asked_at", "expert_id", "form", "given_at", "has_number", "id", "state", "state_changed_at", "valid_until",
    ]  # fmt: skip
