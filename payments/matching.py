"""Explain each movement at Stripe by the entry of ours that says the same: one movement, one entry, both used once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Q, QuerySet

from kernel.db import require_transaction
from payments import ledger
from payments.gateways.types import BalanceTransaction
from payments.models import Movement

UNEXPLAINED = "unexplained"  # The kind of the entry by which a movement lies in suspense.

# Entries name the objects of Stripe that they book, in their key or their memo.
NAMED = re.compile(r"(?<![A-Za-z0-9])(?:pi|ch|py|tr|trr|tu|re|pyr|dp|du|po|txn)_[A-Za-z0-9]+")


@dataclass(frozen=True)
class Booked:
    """An entry that moved our accounts at Stripe, and that explains no movement yet."""

    entry: int
    key: str
    memo: str
    currency: str
    minor: int

    @property
    def refs(self) -> frozenset[str]:
        """Return the objects of Stripe that it names."""
        return frozenset(NAMED.findall(f"{self.key} {self.memo}"))


def match(moved: Iterable[BalanceTransaction], now: datetime) -> list[Movement]:
    """Explain what is unexplained or in suspense, and return what has no entry at all still, oldest first.

    ``moved`` says of which objects each movement is about.
    """
    require_transaction()
    about = {each.stripe_id: each.refs for each in moved}
    by_ref: dict[str, list[Booked]] = defaultdict(list)
    for booked in unmatched_entries():
        for ref in booked.refs:
            by_ref[ref].append(booked)
    used: set[int] = set()
    left = []
    for movement in open_movements().select_for_update(of=("self",)).order_by("created_at", "id"):
        refs = about.get(movement.stripe_id, (movement.source,))
        free = [each for ref in refs for each in by_ref[ref] if each.entry not in used]
        explained = _explain(movement, [each for each in free if each.currency == movement.currency])
        used.update(explained)
        if explained:
            _tie(movement, explained, now)
        elif movement.entry is None:
            left.append(movement)
    return left


def open_movements() -> QuerySet[Movement]:
    """Return the movements that nothing explains: those without an entry, and those that lie in suspense undecided."""
    in_suspense = Q(entry__kind=UNEXPLAINED) & ~Q(differences__resolved_at__isnull=False)
    return Movement.objects.filter(Q(entry__isnull=True) | in_suspense).select_related("entry")


def _tie(movement: Movement, explained: list[int], now: datetime) -> None:
    """Say which entries explain a movement, and take it out of suspense if it lay there."""
    if movement.entry is not None:
        ledger.reverse(movement.entry, key=f"{movement.stripe_id}-explained", at=now)
    movement.entry_id, movement.fee_entry_id = explained[0], explained[1] if len(explained) > 1 else None
    movement.save(update_fields=["entry", "fee_entry"])


def _explain(movement: Movement, free: Sequence[Booked]) -> list[int]:
    """Return the entry of the net, or those of the amount and of its fee; none if there is no such."""
    whole = next((each.entry for each in free if each.minor == movement.net_minor), None)
    if whole is not None:
        return [whole]
    amount = next((each.entry for each in free if each.minor == movement.amount_minor), None)
    fee = next((each.entry for each in free if each.minor == -movement.fee_minor and each.entry != amount), None)
    return [amount, fee] if movement.fee_minor and amount is not None and fee is not None else []


def unmatched_entries() -> list[Booked]:
    """Return the entries that moved our money at Stripe and that no movement there explains.

    Money that only settles moves between two accounts of ours, and an entry that was reversed moved nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(UNMATCHED)
        return [Booked(*row) for row in cursor.fetchall()]


UNMATCHED = """
SELECT e.id, e.key, e.memo::text, p.currency, sum(p.amount)::bigint
FROM payments_posting p JOIN payments_account a ON a.id = p.account_id JOIN payments_entry e ON e.id = p.entry_id
WHERE a.code IN ('stripe_available', 'stripe_pending')
  AND NOT EXISTS (SELECT 1 FROM payments_movement m WHERE m.entry_id = e.id)
  AND NOT EXISTS (SELECT 1 FROM payments_movement m WHERE m.fee_entry_id = e.id)
  AND e.reverses_id IS NULL AND NOT EXISTS (SELECT 1 FROM payments_entry r WHERE r.reverses_id = e.id)
GROUP BY e.id, p.currency HAVING sum(p.amount) <> 0 ORDER BY e.id
"""
