"""Lines in a lab's feed, written in the transaction that made them true."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from kernel.db import require_transaction
from labs.models import Event


def record_event(lab_id: UUID, mode: str, kind: str, *, at: datetime, **ids: str | int | None) -> Event:
    """Add ``kind`` with its ids and states to the feed of the lab with this id."""
    require_transaction()
    return Event.objects.create(lab_id=lab_id, mode=mode, kind=kind, data=ids, created_at=at)
