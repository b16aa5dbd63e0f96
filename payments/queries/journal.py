"""The lines of a lab's own accounts, each with the balance after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import OuterRef, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from kernel.money import Money
from labs.models import Lab
from payments import ledger
from payments.chart import Place
from payments.models import Posting
from payments.queries.funds import projects_with_money


@dataclass(frozen=True)
class JournalLine:
    """One change of an account: what came in (or, negative, went out) and what it held then."""

    entry: str
    at: datetime
    kind: str
    amount: Money
    balance: Money
    memo: dict[str, str | int | None]


def place_of(lab: Lab, account: str, project: str | None, currency: str) -> Place | None:
    """Return a lab's account by the name that the lab knows it by; None for a project it never gave a budget."""
    if account == "prepaid":
        return ledger.lab_prepaid(lab, currency)
    if project is None or project not in projects_with_money(lab, currency):
        return None
    make = ledger.project_budget if account == "budget" else ledger.project_hold
    return make(project, currency)


def journal_of(place: Place, *, before: str | None, limit: int) -> list[JournalLine]:
    """Return up to ``limit`` lines of a liability account, newest first, in one statement.

    The page goes on after the entry of key ``before``. A line's balance is the account's own, less all newer lines.
    """
    rows = Posting.objects.filter(account__code=place.code, currency=place.currency)
    newer: Value | Coalesce = Value(0)
    if before is not None:
        seen = Posting.objects.filter(entry__key=before, account__code=place.code, currency=place.currency)
        start = Subquery(seen.order_by("id").values("id")[:1])
        later = Posting.objects.filter(account=OuterRef("account"), id__gte=start).order_by().values("account")
        newer = Coalesce(Subquery(later.annotate(total=Sum("amount")).values("total")), 0)
        rows = rows.filter(id__lt=start)
    page = rows.annotate(newer=newer).select_related("account", "entry").order_by("-id")[:limit]
    lines: list[JournalLine] = []
    balance = None
    for row in page:
        balance = row.account.balance - row.newer if balance is None else balance
        lines.append(_line(row, balance))
        balance -= row.amount
    return lines


def is_line_of(place: Place, entry: str) -> bool:
    """Tell whether the entry of this key changed the account."""
    is_text = entry.isprintable() and len(entry) <= 200  # Neither is a surrogate, which no database takes.
    rows = Posting.objects.filter(entry__key=entry, account__code=place.code, currency=place.currency)
    return is_text and rows.exists()


def _line(row: Posting, balance: int) -> JournalLine:
    entry = row.entry
    # These accounts are liabilities: what the lab has stands on the credit side, which is negative.
    return JournalLine(
        entry.key, entry.at, entry.kind, Money(-row.amount, row.currency), Money(-balance, row.currency), entry.memo
    )
