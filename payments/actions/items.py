"""What the desk may do with an item that was not paid."""

from __future__ import annotations

from datetime import datetime

from accounts.audit import audit
from accounts.models import User
from accounts.outbox import due
from kernel.db import action
from kernel.states import move
from payments.models import PayLine, PayoutItem
from payments.sending import lock_item
from payments.states import ITEM_MOVES, ItemState, PayLineState, RunState


@action
def retry_item(item: PayoutItem, *, by: User, now: datetime) -> None:
    """Queue a failed or blocked item again; it goes with the run, resumed if it had ended."""
    item = lock_item(item.pk)
    was = move(item, ItemState.QUEUED, moves=ITEM_MOVES, now=now, problem_code="", problem="")
    audit(by, "payout_item.retried", item, at=now, was=was)
    if item.run.state == RunState.PARTIAL:
        due("payments.send_run", run=item.run_id)
    else:
        due("payments.send_payout_item", item=item.pk)


@action
def cancel_item(item: PayoutItem, *, by: User, reason: str, now: datetime) -> None:
    """Take an unpaid item out of its run; its pay lines wait for the next one."""
    item = lock_item(item.pk)
    was = move(item, ItemState.CANCELLED, moves=ITEM_MOVES, now=now, problem=reason[:500])
    lines = PayLine.objects.filter(item=item, state=PayLineState.LOCKED)
    lines.update(state=PayLineState.AVAILABLE, state_changed_at=now, item=None)
    audit(by, "payout_item.cancelled", item, at=now, was=was, reason=reason)
    due("payments.finish_payout_run", run=item.run_id)
