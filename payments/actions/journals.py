"""Lock a batch of the journal for the bookkeeper: what was exported once is never exported again, nor otherwise."""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from accounts.audit import audit
from accounts.models import User
from kernel.csv_files import csv_lines
from kernel.db import action
from kernel.errors import Refused
from payments.models import JournalBatch
from payments.queries.batches import HEADING, MOST_ENTRIES, lines_of, next_span

TURNS = 7_365_301  # The advisory lock under which batches are made, one after another.


class JournalUnbalanced(RuntimeError):
    """An entry of the batch does not balance: it is not exported, and somebody has to look."""


@action
def lock_journal_batch(*, by: User, now: datetime, limit: int = MOST_ENTRIES) -> JournalBatch:
    """Put all entries that are in no batch, up to ``limit``, into the next one, and keep its file."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TURNS])
    span = next_span(limit)
    debits, balances = Counter[str](), Counter[tuple[int, str]]()
    rows: list[Sequence[str]] = [HEADING]
    for posting, line in lines_of(span):
        rows.append(line)
        balances[posting.entry_id, posting.currency] += posting.amount
        debits[posting.currency] += max(posting.amount, 0)
    if len(rows) == 1:
        raise Refused("Every entry is in a batch already.")
    if off := [entry for (entry, _), left in balances.items() if left]:
        raise JournalUnbalanced(f"Entry {off[0]} does not balance.")
    content = "".join(csv_lines(rows)).encode()
    batch = JournalBatch.objects.create(
        number=JournalBatch.objects.count() + 1,
        from_xid=span.from_xid,
        to_xid=span.to_xid,
        entry_count=len({entry for entry, _ in balances}),
        line_count=len(rows) - 1,
        totals=dict(debits),
        content=zlib.compress(content),
        sha256=hashlib.sha256(content).hexdigest(),
        locked_by=by,
        locked_at=now,
    )
    audit(by, "journal.locked", batch, at=now, number=batch.number, sha256=batch.sha256)
    return batch
