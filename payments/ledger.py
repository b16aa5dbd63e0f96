"""The double-entry ledger: balanced, append-only, each entry written once per natural key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import IntegrityError, connection
from django.db.models import Sum

from kernel.db import require_transaction
from kernel.money import Money
from kernel.rows import call
from payments.chart import (
    Place,
    bad_debt,
    bank_operating,
    bonus_expense,
    expert_available,
    expert_receivable,
    goodwill_expense,
    lab_prepaid,
    lab_receivable,
    opening_equity,
    payout_in_flight,
    platform_fee,
    project_budget,
    project_hold,
    refund_in_flight,
    stripe_available,
    stripe_fees,
    stripe_pending,
    suspense,
    tax_withheld,
)
from payments.models import Account, AccountKind, Entry, Posting

__all__ = [
    "FLOOR",
    "Draft",
    "Place",
    "bad_debt",
    "balance",
    "bank_operating",
    "bonus_expense",
    "expert_available",
    "expert_receivable",
    "goodwill_expense",
    "is_posted",
    "lab_prepaid",
    "lab_receivable",
    "open_account",
    "opening_equity",
    "payout_in_flight",
    "platform_fee",
    "post",
    "post_all",
    "post_surely",
    "project_budget",
    "project_hold",
    "refund_in_flight",
    "reverse",
    "stripe_available",
    "stripe_fees",
    "stripe_pending",
    "suspense",
    "tax_withheld",
    "try_post",
]

Memo = Mapping[str, str | int | None]
Legs = Sequence[tuple[Place, int]]

FLOOR = "account_not_below_floor"  # The constraint by which an account refuses to sink.
DEBIT_KINDS = frozenset({AccountKind.ASSET, AccountKind.EXPENSE})
DIGEST, CURRENCY = 4, 6  # Where they are among the values of an entry; codes, kinds, floors and amounts follow.
REUSED = "{} was posted before with other postings."
CALL = "{}(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


def post(kind: str, postings: Legs, *, key: str, at: datetime, memo: Memo | None = None) -> int:
    """Write a balanced entry (debit positive) once per ``key`` and return its id; a posting of zero is left out.

    The same key with the same postings is a no-op, with others an IntegrityError (``entry_key_means_one_thing``), and
    so is an account below its floor (``account_not_below_floor``).
    """
    entry = _write("payments_post", kind, postings, key=key, at=at, memo=memo)
    assert entry is not None
    return entry


def try_post(kind: str, postings: Legs, *, key: str, at: datetime, memo: Memo | None = None) -> int | None:
    """Do what ``post`` does, but return None, with nothing written, when an account would sink below its floor."""
    return _write("payments_try_post", kind, postings, key=key, at=at, memo=memo)


def post_surely(kind: str, postings: Legs, *, key: str, at: datetime, memo: Memo | None = None) -> None:
    """Do what ``post`` does for a ``key`` that nothing else can have, without waiting for the answer."""
    call(CALL.format("payments_post"), _values(kind, postings, key=key, at=at, memo=memo))


# What payments_post does, for many entries at once.
OPEN_ACCOUNTS = """
INSERT INTO payments_account (code, kind, currency, floor, balance, version)
SELECT DISTINCT ON (u.code, u.currency) u.code, u.kind, u.currency, u.floor, 0, 0
FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[]) AS u (code, kind, currency, floor)
WHERE NOT EXISTS (SELECT 1 FROM payments_account a WHERE a.code = u.code AND a.currency = u.currency)
ORDER BY u.code, u.currency ON CONFLICT DO NOTHING
"""
POST_ALL = """
WITH fresh AS (
    INSERT INTO payments_entry (key, kind, at, memo, payload_sha256)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::jsonb[], %s::text[])
    ON CONFLICT (key) DO NOTHING RETURNING id, key
)
INSERT INTO payments_posting (entry_id, account_id, currency, amount)
SELECT fresh.id, a.id, a.currency, leg.amount
FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[])
    WITH ORDINALITY AS leg (key, code, currency, amount, place)
JOIN fresh ON fresh.key = leg.key JOIN payments_account a ON a.code = leg.code AND a.currency = leg.currency
ORDER BY leg.place
"""
FIND_REUSED = """
SELECT e.key FROM unnest(%s::text[], %s::text[]) AS wanted (key, digest) JOIN payments_entry e ON e.key = wanted.key
WHERE e.payload_sha256 <> wanted.digest LIMIT 1
"""


@dataclass(frozen=True)
class Draft:
    """An entry that is to be posted among many others."""

    kind: str
    postings: Legs
    key: str
    at: datetime
    memo: Memo | None = None


def post_all(drafts: Iterable[Draft]) -> None:
    """Do what ``post`` does for each of many entries, in three statements: all of them or none.

    An account's floor is asked once, of what all of them leave.
    """
    entries: dict[str, tuple[Any, ...]] = {}
    for each in drafts:
        values = _values(each.kind, each.postings, key=each.key, at=each.at, memo=each.memo)
        if entries.setdefault(each.key, values)[DIGEST] != values[DIGEST]:
            raise IntegrityError(REUSED.format(each.key))
    rows = list(entries.values())
    legs = [(row[0], row[CURRENCY], *leg) for row in rows for leg in zip(*row[CURRENCY + 1 :], strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(OPEN_ACCOUNTS, _columns(legs, 2, 3, 1, 4))
        cursor.execute(POST_ALL, [*_columns(rows, 0, 1, 2, 3, DIGEST), *_columns(legs, 0, 2, 1, 5)])
        cursor.execute(FIND_REUSED, _columns(rows, 0, DIGEST))
        if (reused := cursor.fetchone()) is not None:
            raise IntegrityError(REUSED.format(reused[0]))


def _columns(rows: Sequence[tuple[Any, ...]], *places: int) -> list[list[Any]]:
    return [[row[place] for row in rows] for place in places]


def reverse(entry: Entry, *, key: str, at: datetime, memo: Memo | None = None) -> int:
    """Write the opposite of an entry, at most once, and return the new entry's id."""
    legs = [
        (Place(leg.account.code, leg.account.kind, leg.currency, leg.account.floor), -leg.amount)
        for leg in entry.postings.select_related("account").order_by("id")
    ]
    written = _write("payments_post", f"{entry.kind}.reversed", legs, key=key, at=at, memo=memo, reverses=entry.pk)
    assert written is not None
    return written


def is_posted(key: str) -> bool:
    """Tell whether an entry of this key is written."""
    return Entry.objects.filter(key=key).exists()


def open_account(place: Place) -> Account:
    """Return an account's row, opened if it is not there yet; its ``balance`` column is signed, debit positive."""
    account, _ = Account.objects.get_or_create(
        code=place.code, currency=place.currency, defaults={"kind": place.kind, "floor": place.floor}
    )
    return account


def balance(place: Place) -> Money:
    """Return an account's normal balance: what it holds, on its own side of the books."""
    account = Account.objects.filter(code=place.code, currency=place.currency).first()
    return Money(normal(account) if account else 0, place.currency)


def normal(account: Account) -> int:
    """Return the balance on the account's own side: cached where there is a floor, summed where there is none."""
    signed = account.balance
    if account.floor is None:
        signed = Posting.objects.filter(account=account).aggregate(total=Sum("amount"))["total"] or 0
    return signed if account.kind in DEBIT_KINDS else -signed


def _write(
    function: str,
    kind: str,
    postings: Legs,
    *,
    key: str,
    at: datetime,
    memo: Memo | None,
    reverses: int | None = None,
) -> int | None:
    values = _values(kind, postings, key=key, at=at, memo=memo, reverses=reverses)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT entry FROM {CALL.format(function)}", values)  # noqa: S608 -- ours
        return cursor.fetchone()[0]  # type: ignore[no-any-return]  # the driver's rows are not typed


def _values(
    kind: str,
    postings: Legs,
    *,
    key: str,
    at: datetime,
    memo: Memo | None,
    reverses: int | None = None,
) -> tuple[Any, ...]:
    """Return what the function that writes an entry is called with."""
    require_transaction()
    legs = [(place, amount) for place, amount in postings if _whole(amount) != 0]
    currency = _one_currency(legs)
    if len(legs) < 2 or sum(amount for _, amount in legs) != 0:
        raise ValueError(f"The postings of {key} do not balance.")
    digest = _digest(kind, legs, reverses)
    return (
        key,
        kind,
        at,
        orjson.dumps(dict(memo or {})).decode(),
        digest,
        reverses,
        currency,
        [place.code for place, _ in legs],
        [place.kind for place, _ in legs],
        [place.floor for place, _ in legs],
        [amount for _, amount in legs],
    )


def _whole(amount: int) -> int:
    if type(amount) is not int:
        raise TypeError("A posting counts whole minor units.")
    return amount


def _one_currency(legs: Legs) -> str:
    currencies = {place.currency for place, _ in legs}
    if len(currencies) > 1:
        raise ValueError(f"{' and '.join(sorted(currencies))} do not meet in one entry.")
    return next(iter(currencies), "")


def _digest(kind: str, legs: Legs, reverses: int | None) -> str:
    payload = [kind, reverses, sorted([place.code, place.currency, amount] for place, amount in legs)]
    return hashlib.sha256(orjson.dumps(payload)).hexdigest()
