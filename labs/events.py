"""Lines in a lab's feed, written in the transaction that made them true."""

from __future__ import annotations

from datetime import datetime

from kernel.db import require_transaction
from labs.models import Event, Lab


def record_event(lab: Lab, mode: str, kind: str, *, at: datetime, **ids: str | int | None) -> Event:
    """Add ``kind`` with its ids and states to the lab's feed."""
    require_transaction()
    return Event.objects.create(lab=lab, mode=mode, kind=kind, data=ids, created_at=at)
