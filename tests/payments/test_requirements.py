"""What an expert must still give, and where payouts reach, as people say it."""

import pytest
from django.test import Client
from django.urls import reverse

from payments.models import Payee
from payments.requirements import coverage, in_words
from payments.rules import CONNECT_COUNTRIES, has_payout_rail
from tests.accounts.factories import log_in
from tests.experts.factories import an_expert
from tests.payments.factories import a_payable_expert


@pytest.mark.parametrize(
    ("need", "said"),
    [
        ("individual.id_number", "Your tax or identity number, which we never see"),
        ("identity.individual.id_numbers.us_ssn", "Your tax or identity number, which we never see"),
        ("external_account", "A bank account in your own name"),
        ("individual.verification.document", "A picture of your identity document"),
        ("individual.dob.day", "Your date of birth"),
        ("identity.individual.address.line1", "Your home address"),
        ("individual.first_name", "Your name, as on your identity document"),
        ("tos_acceptance.date", "Your agreement to Stripe's terms"),
        ("something.of.next.year", "More about you, as Stripe's page explains"),
    ],
)
def test_a_requirement_is_said_in_words(need: str, said: str) -> None:
    assert in_words([need]) == [said]


def test_the_parts_of_one_thing_are_asked_for_once() -> None:
    parts = ["individual.dob.day", "individual.dob.month", "external_account", "individual.dob.year"]

    assert in_words(parts) == ["Your date of birth", "A bank account in your own name"]


def test_the_table_of_countries_is_the_rules() -> None:
    rows = coverage()

    assert {row.code for row in rows} == CONNECT_COUNTRIES
    assert all(has_payout_rail(row.code) for row in rows)
    assert [row.name for row in rows] == sorted(row.name for row in rows)
    assert (rows[0].name, rows[-1].name) == ("Austria", "United States")


@pytest.mark.django_db
def test_the_page_says_what_is_missing_in_words() -> None:
    expert = a_payable_expert()
    Payee.objects.update(state="RESTRICTED", needs=["individual.dob.day", "external_account"])

    shown = log_in(Client(), expert.user).get(reverse("payments:payee")).content.decode()

    assert ("Your date of birth" in shown, "A bank account in your own name" in shown, "dob" in shown) == (
        True,
        True,
        False,
    )


@pytest.mark.django_db
def test_whoever_cannot_be_paid_sees_where_payouts_reach() -> None:
    expert = an_expert("Kim Abroad", country="KE")

    shown = log_in(Client(), expert.user).get(reverse("payments:payee")).content.decode()

    assert ("We cannot pay to Kenya yet" in shown, "Where payouts reach" in shown, "Liechtenstein" in shown) == (
        True,
        True,
        True,
    )
