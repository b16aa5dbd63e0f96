"""Any account of the ledger at any time: what it held, each entry between two instants, and what it held then."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from kernel.money import Money
from payments.ledger import DEBIT_KINDS
from payments.models import Account, Posting

ROWS = 50


@dataclass(frozen=True)
class AccountRow:
    """An account and what it holds now, on its own side of the books."""

    account: Account
    balance: Money


@dataclass(frozen=True)
class AccountLine:
    """One posting to an account: what it added, negative where it took, and what the account held after it."""

    posting: int
    key: str
    kind: str
    at: datetime
    amount: Money
    balance: Money
    about: str


@dataclass(frozen=True)
class AccountStatement:
    """An account from one instant, inclusive, to another, exclusive: opening + all lines = closing."""

    account: Account
    opening: Money
    closing: Money
    lines: list[AccountLine]
    after: int | None  # The cursor of the next page.


def account_rows(code: str, currency: str, *, after: str = "") -> list[AccountRow]:
    """Return accounts whose code begins with ``code``, one more than a page, in two statements."""
    found = Account.objects.filter(code__startswith=code, currency=currency, code__gt=after).order_by("code")
    accounts = list(found[: ROWS + 1])
    summed = Posting.objects.filter(account__in=[each.pk for each in accounts if each.floor is None])
    totals = dict(summed.order_by().values("account").annotate(total=Sum("amount")).values_list("account", "total"))
    return [
        AccountRow(each, _on_its_side(each, totals.get(each.pk, 0) if each.floor is None else each.balance))
        for each in accounts
    ]


def statement_of(
    account: Account, since: datetime | None, until: datetime | None, *, after: int | None = None, rows: int = ROWS
) -> AccountStatement:
    """Return a page of an account's statement, oldest first, in at most three statements whatever its length.

    Without ``since`` it begins with the account, without ``until`` it ends now; ``after`` is a page's cursor.
    """
    cursor = Posting.objects.filter(account=account, pk=after).select_related("entry").first() if after else None
    seen = _up_to(cursor) if cursor else _before(since)
    opening, brought, closing = _sums(account, _before(since), seen, Q() if until is None else _before(until))
    page = list(_between(account, since, until).exclude(_up_to(cursor) if cursor else Q(pk=None))[: rows + 1])
    lines = list(_lines(account, page[:rows], brought))
    return AccountStatement(
        account,
        _on_its_side(account, opening),
        _on_its_side(account, closing),
        lines,
        lines[-1].posting if len(page) > rows else None,
    )


def statement_csv_rows(account: Account, since: datetime | None, until: datetime | None) -> Iterator[Sequence[str]]:
    """Yield an account's statement, heading first: the opening balance, each entry, the closing balance."""
    opening, closing = _sums(account, _before(since), Q() if until is None else _before(until))
    yield ("at", "entry", "kind", "amount", "balance", "currency", "about")
    yield (
        _text(since),
        "",
        "opening balance",
        "",
        _decimal(_on_its_side(account, opening)),
        account.currency,
        account.code,
    )
    for line in _lines(account, _between(account, since, until).iterator(chunk_size=1_000), opening):
        amount, balance = _decimal(line.amount), _decimal(line.balance)
        yield (_text(line.at), line.key, line.kind, amount, balance, account.currency, line.about)
    yield (
        _text(until),
        "",
        "closing balance",
        "",
        _decimal(_on_its_side(account, closing)),
        account.currency,
        account.code,
    )


def _sums(account: Account, *conditions: Q) -> list[int]:
    """Return what the account's postings add up to under each condition, in one statement."""
    sums = {f"sum_{number}": Coalesce(Sum("amount", filter=each), 0) for number, each in enumerate(conditions)}
    return list(Posting.objects.filter(account=account).aggregate(**sums).values())


def _between(account: Account, since: datetime | None, until: datetime | None) -> QuerySet[Posting]:
    rows = Posting.objects.filter(account=account).select_related("entry").order_by("entry__at", "id")
    if since is not None:
        rows = rows.filter(entry__at__gte=since)
    return rows if until is None else rows.filter(entry__at__lt=until)


def _before(instant: datetime | None) -> Q:
    return Q(pk=None) if instant is None else Q(entry__at__lt=instant)


def _up_to(posting: Posting) -> Q:
    at = posting.entry.at
    return Q(entry__at__lt=at) | Q(entry__at=at, id__lte=posting.pk)


def _lines(account: Account, page: Sequence[Posting] | Iterator[Posting], brought: int) -> Iterator[AccountLine]:
    balance = brought
    for row in page:
        balance += row.amount
        about = ", ".join(f"{name} {value}" for name, value in row.entry.memo.items() if value is not None)
        amount, then = _on_its_side(account, row.amount), _on_its_side(account, balance)
        yield AccountLine(row.pk, row.entry.key, row.entry.kind, row.entry.at, amount, then, about)


def _on_its_side(account: Account, signed: int) -> Money:
    return Money(signed if account.kind in DEBIT_KINDS else -signed, account.currency)


def _decimal(money: Money) -> str:
    sign = "-" if money.minor < 0 else ""
    return f"{sign}{abs(money.minor) // 100}.{abs(money.minor) % 100:02}"


def _text(at: datetime | None) -> str:
    return "" if at is None else at.isoformat()
