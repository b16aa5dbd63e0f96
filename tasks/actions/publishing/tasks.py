"""Single tasks as their lab steers them: sooner or later, or not at all."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F

from accounts.audit import Actor, audit
from accounts.outbox import due
from kernel.db import action, require_transaction
from kernel.errors import Refused
from tasks import rules
from tasks.models import Slot, Task, WorkKind
from tasks.states import SlotState

UNDECIDED = (SlotState.OPEN, SlotState.CLAIMED, SlotState.SUBMITTED)


@action
def update_task(task: Task, *, priority: int, by: Actor, now: datetime) -> Task:
    """Hand a task out sooner or later than the others of its batch; what comes back of it takes the new priority."""
    _lock_open(task)
    # A slot's priority is its batch's plus its task's own.
    Slot.objects.filter(task=task, state__in=UNDECIDED).update(priority=F("priority") + (priority - task.priority))
    Task.objects.filter(pk=task.pk).update(priority=priority)
    task.priority = priority
    audit(by, "task.changed", task, at=now, fields="priority")
    return task


@action
def cancel_task(task: Task, *, by: Actor, now: datetime) -> Task:
    """Want no more of a task: open work is void, work under way closed out and paid, submitted work still decided."""
    _lock_open(task)
    wanted = Slot.objects.filter(task=task, kind=WorkKind.WORK, state__in=UNDECIDED)
    if not wanted.exists():
        raise Refused("Every answer of this task is decided: there is nothing left to cancel.")
    Task.objects.filter(pk=task.pk).update(cancelled_at=now)
    task.cancelled_at = now
    voided = wanted.filter(state=SlotState.OPEN).update(state=SlotState.VOID, state_changed_at=now)
    audit(by, "task.cancelled", task, at=now, voided=voided)
    due("tasks.close_out_task", task=task.pk)
    return task


def _lock_open(task: Task) -> None:
    """Wait for whoever changes the task or gives work on it back, and see how it stands now."""
    require_transaction()
    locked = Task.objects.select_for_update(no_key=True).only("priority", "cancelled_at").get(pk=task.pk)
    if rules.is_over(task.batch):
        raise Refused("This batch is over: its tasks cannot be changed.")
    if locked.cancelled_at is not None:
        raise Refused("This task is cancelled.")
    task.priority = locked.priority
