"""Count money in whole minor units of one currency; floats never touch it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import total_ordering

from babel.numbers import format_currency, get_currency_precision


@total_ordering
@dataclass(frozen=True)
class Money:
    """An amount that adds only to money of its own currency."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.minor) is not int:
            raise TypeError("Money counts whole minor units.")
        if len(self.currency) != 3 or not self.currency.isupper():
            raise ValueError("A currency is three capital letters.")

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Return nothing, in ``currency``."""
        return cls(0, currency)

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return format_money(self)

    def split(self, weights: Sequence[int]) -> list["Money"]:
        """Return one part for each weight, as near to its share as can be; the parts sum to the whole."""
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("Weights are not negative and not all nothing.")
        parts = [self.minor * weight // total for weight in weights]
        by_rest = sorted(range(len(weights)), key=lambda at: (-(self.minor * weights[at] % total), at))
        for at in by_rest[: self.minor - sum(parts)]:
            parts[at] += 1
        return [Money(part, self.currency) for part in parts]

    def _same(self, other: "Money") -> int:
        if not isinstance(other, Money):
            raise TypeError("Money adds to money only.")
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix.")
        return other.minor


def usd(minor: int) -> Money:
    """Return ``minor`` cents."""
    return Money(minor, "USD")


def format_money(money: Money) -> str:
    """Write an amount with its currency, as in $1,234.50."""
    amount = Decimal(money.minor).scaleb(-get_currency_precision(money.currency))
    written = format_currency(amount, money.currency, locale="en_US")
    return written.replace(money.currency, f"{money.currency}\xa0").replace("\xa0\xa0", "\xa0")
