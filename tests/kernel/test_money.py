"""Money is whole, of one currency, and never lost in a split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.money import Money, format_money, usd


def test_money_adds_to_its_own_currency():
    assert usd(1_00) + usd(50) - usd(25) == usd(1_25)
    assert -usd(5) < Money.zero("USD") < usd(1)


@pytest.mark.parametrize("other", [Money(1, "EUR"), Money(1, "XTS")])
def test_currencies_do_not_mix(other):
    with pytest.raises(ValueError, match="do not mix"):
        usd(1) + other
    with pytest.raises(ValueError, match="do not mix"):
        usd(1) < other  # noqa: B015  # the comparison is what refuses


@pytest.mark.parametrize("other", [1, 1.0, "1", None])
def test_money_does_not_add_to_a_number(other):
    with pytest.raises(TypeError):
        usd(1) + other


@pytest.mark.parametrize("minor", [1.0, True, "1"])
def test_money_counts_whole_units(minor):
    with pytest.raises(TypeError):
        Money(minor, "USD")


@given(st.integers(-(10**12), 10**12), st.lists(st.integers(0, 10**6), min_size=1, max_size=9).filter(any))
def test_a_split_sums_to_the_whole_and_is_fair(minor, weights):
    parts = [part.minor for part in usd(minor).split(weights)]

    assert sum(parts) == minor
    assert all(abs(part - minor * weight / sum(weights)) <= 1 for part, weight in zip(parts, weights, strict=True))


@pytest.mark.parametrize("weights", [[0, 0], [-1, 2]])
def test_a_split_needs_weights(weights):
    with pytest.raises(ValueError, match="Weights"):
        usd(1).split(weights)


@pytest.mark.parametrize(
    ("money", "shown"),
    [
        (usd(123_450), "$1,234.50"),
        (usd(-5), "-$0.05"),
        (Money(1_000, "JPY"), "¥1,000"),
        (Money(150, "XTS"), "XTS\xa01.50"),
    ],
)
def test_money_is_shown_with_its_currency(money, shown):
    assert format_money(money) == shown
