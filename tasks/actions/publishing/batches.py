"""Batches as their lab drives them: opened, launched, paused, drained, cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from django.db.models import F, Q

from accounts.audit import Actor, audit
from accounts.outbox import due
from kernel.db import action, require_transaction
from kernel.errors import LostRace, Refused
from kernel.guards import clean_name, clean_text
from kernel.states import move
from labs import rules as lab_rules
from labs.events import record_event
from labs.models import Mode
from tasks.actions.simulating import add_simulation
from tasks.models import Batch, Offer, Project, Slot, Task, WorkKind
from tasks.quoting import Quote, quote_of
from tasks.states import BATCH_MOVES, BatchState, OfferState, ProjectState, SlotState


class NoTasks(Refused):
    """The batch is empty."""

    code = "batch_is_empty"


class ProjectNotLive(Refused):
    """The batch's project does not hand out work now."""

    code = "project_not_live"


@action
def create_batch(
    project: Project,
    *,
    name: str,
    by: Actor,
    now: datetime,
    priority: int = 0,
    due_at: datetime | None = None,
    cap_minor: int | None = None,
    simulation: Mapping[str, int] | None = None,
) -> Batch:
    """Open an empty batch in a project that is not closed; ``simulation`` is for test batches."""
    terms = {"priority": priority, "due_at": due_at, "cap_minor": cap_minor}
    return add_batch(project, name=name, by=by, now=now, terms=terms, simulation=simulation)


def add_batch(
    project: Project,
    *,
    name: str,
    by: Actor,
    now: datetime,
    terms: Mapping[str, Any],
    simulation: Mapping[str, int] | None,
) -> Batch:
    """Open an empty batch, as a step of the caller's action; ``terms`` are its priority, due time and cap."""
    require_transaction()
    if project.state == ProjectState.CLOSED:
        raise Refused("This project is closed. Open a new one to post more work.")
    batch = Batch.objects.create(
        project=project,
        lab_id=project.lab_id,
        name=clean_name(name, name="name"),
        **terms,
        created_by=by.public_id,
        created_at=now,
        state=BatchState.DRAFT,
        state_changed_at=now,
    )
    add_simulation(batch, project.mode, simulation)
    audit(by, "batch.created", batch, at=now, project=project.public_id)
    return batch


@action
def update_batch(batch: Batch, changes: dict[str, object], *, by: Actor, now: datetime) -> Batch:
    """Change a batch's name, priority, due time or cap; open slots take the new priority.

    A cap is given before the launch, and may be changed after it, never below what is held and spent.
    """
    if batch.state in (BatchState.COMPLETED, BatchState.CANCELLED):
        raise Refused("This batch is over and cannot be changed.")
    before, cap = batch.priority, changes.get("cap_minor")
    priority = changes.get("priority", before)
    assert isinstance(priority, int)  # Checked at the door.
    if priority != before:
        # A slot's priority is its batch's plus its task's own. Slots come before their batch, as in a claim.
        Slot.objects.filter(batch=batch, state=SlotState.OPEN).update(priority=F("priority") + (priority - before))
    rows = Batch.objects.filter(pk=batch.pk, priority=before)
    if cap is not None:
        counted = Q(launched_at__isnull=True) | Q(cap_minor__isnull=False)
        rows = rows.filter(counted, committed_minor__lte=cap)
    if changes and not rows.update(**changes):
        _explain_refusal(batch, before)
    batch.refresh_from_db(fields=[*changes, "committed_minor"])
    audit(by, "batch.changed", batch, at=now, fields=" ".join(sorted(changes)))
    return batch


def _explain_refusal(batch: Batch, priority: int) -> NoReturn:
    """Say why a batch did not take its changes."""
    now = Batch.objects.get(pk=batch.pk)
    if now.priority != priority:
        raise LostRace("Somebody else changed this batch a moment ago. Load it again to see how it stands.")
    if now.launched_at is not None and now.cap_minor is None:
        raise Refused("This batch was launched without a cap: what it costs has not been counted against one.")
    raise Refused(f"{now.committed_minor} minor units are held or spent already: the cap cannot be less.")


@action
def quote_batch(batch: Batch, *, by: Actor, now: datetime) -> tuple[Batch, Quote]:
    """Quote what the batch still wants, and note who asked."""
    quote = quote_of(batch, now)
    audit(by, "batch.quoted", batch, at=now, answers=quote.answers, total_minor=quote.total_minor)
    return batch, quote


@action
def stage_batch(batch: Batch, *, by: Actor, now: datetime) -> Batch:
    """Say that all lines are in and valid."""
    return mark_staged(batch, by=by, now=now)


def mark_staged(batch: Batch, *, by: Actor, now: datetime) -> Batch:
    """Move a batch that has tasks to STAGED, as a step of the caller's action."""
    if not Task.objects.filter(batch=batch).exists():
        raise NoTasks("This batch has no tasks yet. Post some first.")
    was = move(batch, BatchState.STAGED, moves=BATCH_MOVES, now=now, staged_at=now)
    audit(by, "batch.staged", batch, at=now, was=was)
    _tell(batch, "batch.staged", now)
    return batch


@action
def launch_batch(batch: Batch, *, by: Actor, now: datetime) -> Batch:
    """Hand the batch's tasks out; one that was never staged is staged on the way."""
    project = batch.project
    if project.mode == Mode.LIVE and not lab_rules.is_open_for_business(project.lab):
        raise Refused("This lab is not approved for work yet, or is frozen.")
    if project.state != ProjectState.LIVE:
        raise ProjectNotLive("Launch the project first: experts see its rules and sign its agreement.")
    if batch.state == BatchState.DRAFT:
        mark_staged(batch, by=by, now=now)
    was = move(batch, BatchState.RUNNING, moves=BATCH_MOVES, now=now, launched_at=batch.launched_at or now)
    audit(by, "batch.launched", batch, at=now, was=was)
    _tell(batch, "batch.running", now)
    due("tasks.batch_opened", batch=batch.pk)
    return batch


@action
def pause_batch(batch: Batch, *, by: Actor, now: datetime) -> Batch:
    """Hand nothing more out; work that is under way goes on."""
    was = move(batch, BatchState.PAUSED, moves=BATCH_MOVES, now=now)
    audit(by, "batch.paused", batch, at=now, was=was)
    _tell(batch, "batch.paused", now)
    return batch


@action
def resume_batch(batch: Batch, *, by: Actor, now: datetime) -> Batch:
    """Hand work out again."""
    was = _move_from(batch, BatchState.PAUSED, BatchState.RUNNING, now)
    audit(by, "batch.resumed", batch, at=now, was=was)
    _tell(batch, "batch.running", now)
    due("tasks.batch_opened", batch=batch.pk)
    return batch


@action
def drain_batch(batch: Batch, *, by: Actor, now: datetime) -> Batch:
    """Take no more tasks; the batch completes when the last answer is decided. One that is paused goes on."""
    was = move(batch, BatchState.DRAINING, moves=BATCH_MOVES, now=now)
    audit(by, "batch.draining", batch, at=now, was=was)
    _tell(batch, "batch.draining", now)
    if was == BatchState.PAUSED:
        due("tasks.batch_opened", batch=batch.pk)
    due("tasks.batch_drained", batch=batch.pk)
    return batch


@action
def cancel_batch(batch: Batch, *, by: Actor, now: datetime, reason: str = "") -> Batch:
    """Stop the batch: open work is void, work under way is closed out and paid, submitted work is still decided."""
    reason = clean_text(reason, name="reason", max_length=500)
    voided = Slot.objects.filter(batch=batch, kind=WorkKind.WORK, state=SlotState.OPEN).update(
        state=SlotState.VOID, state_changed_at=now
    )
    was = move(batch, BatchState.CANCELLED, moves=BATCH_MOVES, now=now, cancelled_at=now, cancel_reason=reason)
    Offer.objects.filter(batch=batch, state=OfferState.OFFERED).update(state=OfferState.EXPIRED, state_changed_at=now)
    audit(by, "batch.cancelled", batch, at=now, was=was, voided=voided)
    _tell(batch, "batch.cancelled", now)
    due("tasks.close_out_batch", batch=batch.pk)
    return batch


def _move_from(batch: Batch, before: str, after: str, now: datetime) -> str:
    if batch.state != before:
        raise Refused(f"This batch is {batch.state.lower()}, not {before.lower()}.")
    return move(batch, after, moves=BATCH_MOVES, now=now)


def _tell(batch: Batch, kind: str, now: datetime) -> None:
    record_event(batch.lab_id, batch.project.mode, kind, at=now, batch=batch.public_id, state=batch.state)
