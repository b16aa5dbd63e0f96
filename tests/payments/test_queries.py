"""Rates looked up, cards shown, and the identities that hold after any history."""

from datetime import date, timedelta
from itertools import count

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experts.models import Expert
from kernel.errors import LostRace, Refused
from kernel.money import usd
from labs.models import Lab
from payments import actions, credits, ledger
from payments.checks import breaches
from payments.credits import BudgetReached
from payments.models import Hold, PayLine, Rate, RateCard
from payments.queries import CardRow, RateQuote, card_rows, lab_funds, public_card, rate_for, rates_by_tier
from payments.queries.earnings import earnings_of
from payments.states import HoldState
from tests.experts.factories import an_expert, domain
from tests.payments.factories import MONDAY, NOW, a_claim, a_funded_lab, a_project, earn, finance, hold_for, settle

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


@pytest.fixture
def card() -> RateCard:
    """Publish the first card."""
    domain("law")
    return actions.install_rate_card(now=NOW)


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize(
    ("slug", "tier", "dollars"),
    [
        ("psychiatry", 5, 350),
        ("cardiology", 5, 250),
        ("medicine", 1, 60),
        ("litigation", 3, 120),
        ("generalist", 2, 28),
    ],
)
def test_a_domain_without_its_own_rate_has_its_parents(slug: str, tier: int, dollars: int) -> None:
    quote = rate_for(domain(slug), tier, "factuality", "USD", TODAY)

    assert quote == RateQuote(dollars * 100, 1, 2_000)


def test_an_exact_kind_goes_before_any_kind_even_of_a_nearer_domain(card: RateCard) -> None:
    general = card.rates.get(domain__slug="medicine", tier=5)
    Rate.objects.create(
        card=card, domain=general.domain, tier=5, kind="factuality", currency="USD", during=general.during,
        minor_per_hour=400_00,
    )  # fmt: skip

    quotes = [
        rates_by_tier(domain("psychiatry"), kind, "USD", TODAY)[5].rate_minor for kind in ("factuality", "creative")
    ]

    assert quotes == [400_00, 350_00]


def test_play_money_is_priced_by_the_public_card(card: RateCard) -> None:
    assert rate_for(domain("law"), 1, "", "XTS", TODAY) == RateQuote(50_00, card.version, 2_000)


@pytest.mark.usefixtures("card")
def test_there_is_no_rate_before_the_card_nor_in_another_currency() -> None:
    before = rate_for(domain("law"), 1, "", "USD", TODAY - timedelta(days=1))

    assert (before, rate_for(domain("law"), 1, "", "EUR", TODAY)) == (None, None)


def test_the_same_card_installed_again_is_one_version(card: RateCard) -> None:
    again = actions.install_rate_card(now=NOW + timedelta(days=30))

    assert (again, RateCard.objects.count()) == (card, 1)


def test_a_new_card_ends_the_old_rates_without_a_gap(card: RateCard) -> None:
    starts = TODAY + timedelta(days=10)
    raised = {**actions.RATES, "law": (55, 85, 125, 165, 205)}

    actions.install_rate_card(by=finance(), now=NOW, rates=raised, valid_from=starts)

    quotes = [rate_for(domain("law"), 1, "", "USD", day) for day in (starts - timedelta(days=1), starts)]
    assert quotes == [RateQuote(50_00, card.version, 2_000), RateQuote(55_00, card.version + 1, 2_000)]


def test_a_second_card_for_the_same_day_is_refused(card: RateCard) -> None:
    with pytest.raises(Refused, match="takes effect"):
        actions.install_rate_card(now=NOW, fee_bps=1_500)


@pytest.mark.usefixtures("card")
def test_the_public_card_groups_equal_siblings_and_names_what_is_below() -> None:
    rows = {row.name: row for row in card_rows(TODAY)}

    assert rows["Psychiatry and psychology"] == CardRow(
        "Psychiatry and psychology", "", "", (60_00, 110_00, 180_00, 260_00, 350_00)
    )
    assert rows["Medicine"].below == "primary care, cardiology, oncology, nursing"
    assert len(rows) == 8


def test_there_is_no_public_card_before_the_first() -> None:
    assert public_card(date(2026, 1, 1)) is None


def test_earnings_add_up_over_weeks_rows_and_figures() -> None:
    lab, cyd = a_funded_lab(), an_expert()
    project = a_project(lab)
    for days, seconds in ((0, 7_800), (1, 1), (7, 6_600)):
        earn(lab, project, cyd, seconds, at=NOW + timedelta(days=days))

    earned = earnings_of(cyd, NOW + timedelta(days=7))

    assert earned.available.amount == usd(1_040_07)
    assert sum(week.total_minor for week in earned.weeks) == 1_040_07
    assert [(row.week_start, row.amount) for row in earned.rows] == [
        (MONDAY + timedelta(days=7), usd(476_67)),
        (MONDAY, usd(563_40)),
    ]


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["allocate", "back", "hold", "raise", "part", "settle", "reject", "release"]),
        st.integers(0, 4),
        st.integers(1, 400_00),
    ),
    max_size=25,
)
_numbers = count(1)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=EVENTS)
def test_any_legal_history_keeps_every_identity(events: list[tuple[str, int, int]]) -> None:
    lab, cyd = a_funded_lab(3_000_00), an_expert()
    project = a_project(lab, 1_500_00)

    for event, pick, minor in events:
        act(lab, project, cyd, event, pick, minor)

    funds = lab_funds(lab, "USD")
    owed = sum(PayLine.objects.filter(expert=cyd).values_list("amount_minor", flat=True))
    assert breaches() == []
    assert funds.prepaid == usd(3_000_00) == funds.allocated + funds.held + funds.spent + funds.available
    assert ledger.balance(ledger.expert_available(cyd, "USD")) == usd(owed)


def act(lab: Lab, project: str, cyd: Expert, event: str, pick: int, minor: int) -> None:
    """Do one thing that may be refused; a refusal leaves no trace."""
    held = list(Hold.objects.filter(lab=lab, state=HoldState.OPEN).order_by("pk"))
    hold = held[pick % len(held)] if held else None
    key = f"event-{next(_numbers)}-{project}"
    try:
        with transaction.atomic():
            if event == "allocate":
                credits.allocate(lab=lab, project=project, amount=usd(minor), key=key, at=NOW)
            elif event == "back":
                credits.deallocate(lab=lab, project=project, amount=usd(minor), key=key, at=NOW)
            elif event == "hold":
                hold_for(lab, project, work=minor, review=minor // 3, parts=pick)
            elif hold and event == "raise":
                credits.raise_hold(hold, by_minor=minor, key=key, at=NOW)
            elif hold and event == "part":
                credits.take_review_part(hold, subject=a_claim(), at=NOW)
            elif hold and event in ("settle", "reject"):
                accepted = event == "settle"
                reason = "accepted" if accepted else "rejected"
                settle(hold, cyd, minor % 3_600, rate=minor, reason=reason, with_fee=accepted)
            elif hold:
                credits.release(hold, reason="released", at=NOW)
    except (BudgetReached, LostRace, Refused, ValueError):
        return
