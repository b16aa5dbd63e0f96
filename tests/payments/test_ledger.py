"""The ledger: balanced, once per key, floored, and cached balances that are sums."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, transaction

from kernel.money import Money, usd
from payments import ledger
from payments.chart import Place
from payments.models import Account, Entry, Posting

NOW = datetime(2026, 11, 11, 10, 0, tzinfo=UTC)
CASH, EQUITY = ledger.stripe_available("USD"), ledger.opening_equity("USD")
BUDGET, OTHER = ledger.project_budget("prj_a", "USD"), ledger.project_budget("prj_b", "USD")

pytestmark = pytest.mark.django_db


def give(place: Place, minor: int, key: str = "give") -> int:
    """Bring money into a liability from outside."""
    with transaction.atomic():
        return ledger.post("float", [(CASH, minor), (place, -minor)], key=key, at=NOW)


def test_money_moves_and_each_side_shows_its_normal_balance() -> None:
    give(BUDGET, 500)

    ledger.post("move", [(BUDGET, 200), (OTHER, -200)], key="move-1", at=NOW)

    assert [ledger.balance(each) for each in (CASH, BUDGET, OTHER)] == [usd(500), usd(300), usd(200)]


def test_the_same_key_with_the_same_postings_is_one_entry() -> None:
    first = give(BUDGET, 500)

    second = give(BUDGET, 500)

    assert (first, Entry.objects.count(), ledger.balance(BUDGET)) == (second, 1, usd(500))


@pytest.mark.parametrize("post", [ledger.post, ledger.try_post, ledger.post_surely])
def test_the_same_key_with_other_postings_is_an_error(post: Callable[..., object]) -> None:
    give(BUDGET, 500)

    with pytest.raises(IntegrityError, match="was posted before with other postings"), transaction.atomic():
        post("float", [(CASH, 501), (BUDGET, -501)], key="give", at=NOW)


def test_many_entries_are_posted_at_once_each_once_per_key() -> None:
    give(BUDGET, 500)
    drafts = [ledger.Draft("move", [(BUDGET, 1), (OTHER, -1)], f"move-{number % 3}", NOW) for number in range(4)]

    ledger.post_all(drafts)

    assert (Entry.objects.filter(kind="move").count(), ledger.balance(OTHER)) == (3, usd(3))


def test_of_many_entries_one_whose_key_meant_other_money_leaves_none() -> None:
    give(BUDGET, 500)
    drafts = [ledger.Draft("move", [(BUDGET, 4), (OTHER, -4)], key, NOW) for key in ("new", "give")]

    with pytest.raises(IntegrityError, match="give was posted before"), transaction.atomic():
        ledger.post_all(drafts)

    assert Entry.objects.count() == 1


def test_of_many_entries_one_that_a_floor_refuses_leaves_none() -> None:
    give(BUDGET, 5)
    drafts = [ledger.Draft("move", [(BUDGET, 3), (OTHER, -3)], f"move-{number}", NOW) for number in range(2)]

    with pytest.raises(IntegrityError, match="account_not_below_floor"), transaction.atomic():
        ledger.post_all(drafts)

    assert (Entry.objects.count(), ledger.balance(OTHER)) == (1, usd(0))


def test_the_order_of_postings_does_not_make_another_payload() -> None:
    ledger.post("float", [(CASH, 5), (EQUITY, -5)], key="k", at=NOW)

    ledger.post("float", [(EQUITY, -5), (CASH, 5)], key="k", at=NOW)

    assert Entry.objects.count() == 1


def test_a_floor_refuses_and_writes_nothing() -> None:
    give(BUDGET, 500)

    entry = ledger.try_post("move", [(BUDGET, 501), (OTHER, -501)], key="move-1", at=NOW)

    assert (entry, Entry.objects.count(), ledger.balance(BUDGET)) == (None, 1, usd(500))


def test_a_floor_raises_where_an_answer_was_not_asked_for() -> None:
    give(BUDGET, 500)

    with pytest.raises(IntegrityError, match="account_not_below_floor"), transaction.atomic():
        ledger.post("move", [(BUDGET, 501), (OTHER, -501)], key="move-1", at=NOW)


def test_a_refused_key_can_be_used_once_the_money_is_there() -> None:
    give(BUDGET, 100)
    ledger.try_post("move", [(BUDGET, 200), (OTHER, -200)], key="move-1", at=NOW)
    give(BUDGET, 100, key="more")

    entry = ledger.try_post("move", [(BUDGET, 200), (OTHER, -200)], key="move-1", at=NOW)

    assert (entry is not None, ledger.balance(BUDGET), ledger.balance(OTHER)) == (True, usd(0), usd(200))


def test_a_posting_of_zero_is_left_out() -> None:
    ledger.post("float", [(CASH, 5), (EQUITY, -5), (BUDGET, 0)], key="k", at=NOW)

    assert Posting.objects.count() == 2


@pytest.mark.parametrize("legs", [[], [(CASH, 5)], [(CASH, 5), (EQUITY, -4)], [(CASH, 0), (EQUITY, 0)]])
def test_what_does_not_balance_is_refused_before_the_database(legs: list[tuple[Place, int]]) -> None:
    with pytest.raises(ValueError, match="balance"):
        ledger.post("float", legs, key="k", at=NOW)


def test_floats_never_reach_the_ledger() -> None:
    with pytest.raises(TypeError):
        ledger.post("float", [(CASH, 5.0), (EQUITY, -5.0)], key="k", at=NOW)  # type: ignore[list-item]  # The mistake.


def test_currencies_do_not_meet_in_an_entry() -> None:
    with pytest.raises(ValueError, match="do not meet"):
        ledger.post("float", [(CASH, 5), (ledger.opening_equity("EUR"), -5)], key="k", at=NOW)


def test_the_same_account_in_two_currencies_is_two_accounts() -> None:
    real, play = (Place("lab_prepaid:lab_a", "liability", currency, floor=0) for currency in ("USD", "XTS"))
    give(real, 500)
    ledger.post("play", [(ledger.opening_equity("XTS"), 70), (play, -70)], key="play", at=NOW)

    assert (ledger.balance(real), ledger.balance(play)) == (usd(500), Money(70, "XTS"))


def test_a_project_has_money_of_one_currency() -> None:
    give(BUDGET, 500)
    play = ledger.project_budget("prj_a", "XTS")

    with pytest.raises(IntegrityError), transaction.atomic():
        ledger.post("play", [(ledger.opening_equity("XTS"), 70), (play, -70)], key="play", at=NOW)

    assert Account.objects.filter(code=play.code).count() == 1


@pytest.mark.parametrize("place", [ledger.stripe_available, ledger.payout_in_flight, ledger.bank_operating])
def test_play_money_is_never_at_stripe_or_at_a_bank(place: Callable[[str], Place]) -> None:
    with pytest.raises(IntegrityError, match="account_play_money_stays_in_play"), transaction.atomic():
        ledger.post("play", [(ledger.opening_equity("XTS"), -70), (place("XTS"), 70)], key="play", at=NOW)


def test_amounts_beyond_32_bits_are_exact() -> None:
    give(BUDGET, 2**40 + 1)

    assert ledger.balance(BUDGET) == usd(2**40 + 1)


def test_an_entry_is_reversed_once() -> None:
    give(BUDGET, 500)
    entry = Entry.objects.get()
    ledger.reverse(entry, key="back", at=NOW)

    with pytest.raises(IntegrityError), transaction.atomic():
        ledger.reverse(entry, key="back-again", at=NOW)

    assert (ledger.balance(BUDGET), ledger.balance(CASH)) == (usd(0), usd(0))


def test_a_reversal_replayed_with_its_key_is_one() -> None:
    give(BUDGET, 500)
    entry = Entry.objects.get()

    keys = {ledger.reverse(entry, key="back", at=NOW) for _ in range(2)}

    assert (len(keys), Entry.objects.count()) == (1, 2)


def test_accounts_with_a_floor_cache_their_balance_and_others_are_summed() -> None:
    give(BUDGET, 500)

    rows = dict(Account.objects.values_list("code", "balance"))

    assert (rows, ledger.balance(CASH)) == ({"stripe_available": 0, "project_budget:prj_a": -500}, usd(500))


def test_an_account_that_was_never_used_holds_nothing() -> None:
    assert ledger.balance(ledger.project_budget("prj_none", "USD")) == usd(0)


def test_a_post_costs_one_statement(django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]  # A fixture.
    with django_assert_num_queries(1):
        give_in_place()


def give_in_place() -> None:
    ledger.post("float", [(CASH, 5), (EQUITY, -5)], key="k", at=NOW)


@pytest.mark.django_db(transaction=True)
def test_a_post_outside_a_transaction_is_a_mistake() -> None:
    with pytest.raises(RuntimeError):
        give_in_place()
