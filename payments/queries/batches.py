"""What of the journal a batch holds, line by line, and what waits for the next one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
from django.db import connection
from django.db.models import QuerySet

from payments.models import PLAY_MONEY, Entry, JournalBatch, Posting

MOST_ENTRIES = 50_000  # In one batch: about 15 MB.
HEADING = ("journal", "date", "kind", "account", "name", "class", "debit", "credit", "currency", "key", "memo")


@dataclass(frozen=True)
class Span:
    """Transactions from one to before another; all of them are over."""

    from_xid: int
    to_xid: int


def batches() -> QuerySet[JournalBatch]:
    """List the batches, newest first, without their content."""
    return JournalBatch.objects.select_related("locked_by").defer("content").order_by("-number")


def next_span(limit: int = MOST_ENTRIES) -> Span:
    """Return where the next batch begins and ends: before the oldest transaction that may still write.

    A transaction that writes late has a number that is not over yet, so its entries are never passed over.
    """
    last = JournalBatch.objects.order_by("-number").values_list("to_xid", flat=True).first()
    since = last or 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT txid_snapshot_xmin(txid_current_snapshot())")
        until = int(cursor.fetchone()[0])
    beyond = _entries(Span(since, until)).order_by("xid").values_list("xid", flat=True)[limit : limit + 1]
    for xid in beyond:  # A transaction is in one batch as a whole, however much it wrote.
        return Span(since, max(xid, since + 1))
    return Span(since, until)


def entries_waiting() -> int:
    """Return how many entries the next batch would hold."""
    return _entries(next_span()).count()


def lines_of(span: Span) -> Iterator[tuple[Posting, Sequence[str]]]:
    """Yield each posting of a span with its line of the file, in the order of the entries."""
    rows = Posting.objects.filter(entry__in=_entries(span)).exclude(currency=PLAY_MONEY)
    for row in rows.select_related("entry", "account").order_by("entry_id", "id").iterator(chunk_size=2_000):
        yield row, _line(row)


def _entries(span: Span) -> QuerySet[Entry]:
    entries = Entry.objects.filter(xid__gte=span.from_xid, xid__lt=span.to_xid)
    return entries.exclude(postings__currency=PLAY_MONEY)


def _line(row: Posting) -> Sequence[str]:
    entry, (account, _, name) = row.entry, row.account.code.partition(":")
    return (
        str(entry.pk),
        entry.at.isoformat(),
        entry.kind,
        account,
        name,
        row.account.kind,
        _decimal(row.amount) if row.amount > 0 else "",
        _decimal(-row.amount) if row.amount < 0 else "",
        row.currency,
        entry.key,
        orjson.dumps(entry.memo, option=orjson.OPT_SORT_KEYS).decode(),
    )


def _decimal(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d}"
