"""Watch what projects may still spend: say when half, four fifths and all of it is used, stop where it covers no claim.

A recurring job looks, not the claim: a claim that finds too little is refused by the ledger's floor whatever happens
here, so the busiest request need not ask how much is left.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Min

from accounts.audit import Actor, audit
from accounts.outbox import due
from kernel.db import action
from kernel.states import move
from labs.events import record_event
from labs.models import Mode
from payments.queries import ProjectFunds, project_funds
from tasks.models import Eligibility, Project, Slot, WorkKind
from tasks.rules import HANDING_OUT, PAUSED_FOR_BUDGET
from tasks.states import PROJECT_MOVES, ProjectState, SlotState

ALERTS_BPS = (5_000, 8_000, 10_000)  # Of the money allocated, spent or held.


@action
def watch_budget(project_id: UUID, *, now: datetime) -> None:
    """Look at one project: tell its lab of a share that was newly reached, pause it, or let it go on."""
    project = Project.objects.select_for_update(of=("self",)).select_related("lab").get(pk=project_id)
    if project.state not in (ProjectState.LIVE, ProjectState.PAUSED):
        return
    funds = project_funds(project.public_id, project.currency)
    is_short = _is_short(project, funds)
    _alert(project, ALERTS_BPS[-1] if is_short else reached(funds), funds.allocated.minor, now)
    if project.state == ProjectState.LIVE and is_short:
        _pause(project, now)
    elif project.pause_reason == PAUSED_FOR_BUDGET and not is_short:
        go_on(project, by=None, now=now)


def go_on(project: Project, *, by: Actor | None, now: datetime) -> None:
    """Hand work out again in a project that waited for its budget; a step of an action."""
    was = move(project, ProjectState.LIVE, moves=PROJECT_MOVES, now=now, pause_reason="")
    audit(by, "project.resumed", project, at=now, was=was)
    _tell(project, "project.resumed", now)


def grew(project: Project) -> None:
    """Let the shares of a budget that has just grown be told anew; a step of an action."""
    project.budget_alerted_bps = reached(project_funds(project.public_id, project.currency))
    project.save(update_fields=["budget_alerted_bps"])


def reached(funds: ProjectFunds) -> int:
    """Return the highest share, in hundredths of a percent, whose alert is due; 0 below the lowest."""
    if not funds.allocated.minor:
        return 0
    used = (funds.held.minor + funds.spent.minor) * 10_000 // funds.allocated.minor
    return max((share for share in ALERTS_BPS if used >= share), default=0)


def _is_short(project: Project, funds: ProjectFunds) -> bool:
    """Tell whether open work is left and the budget does not cover the cheapest claim on it."""
    least: int | None = Eligibility.objects.filter(project=project, is_eligible=True).aggregate(Min("hold_minor"))[
        "hold_minor__min"
    ]
    if least is None or funds.available.minor >= least:
        return False
    handed_out = Slot.objects.filter(project=project, batch__state__in=HANDING_OUT)
    return handed_out.filter(kind=WorkKind.WORK, state=SlotState.OPEN).exists()


def _alert(project: Project, share: int, allocated_minor: int, now: datetime) -> None:
    """Tell of a share once; it is told again after the budget grew."""
    if share <= project.budget_alerted_bps:
        return
    Project.objects.filter(pk=project.pk).update(budget_alerted_bps=share)
    percent = share // 100
    record_event(project.lab_id, project.mode, "funds.low", at=now, project=project.public_id, percent=percent)
    if project.mode == Mode.LIVE:
        due("tasks.tell_of_budget", project=project.pk, percent=percent, allocated_minor=allocated_minor)


def _pause(project: Project, now: datetime) -> None:
    was = move(project, ProjectState.PAUSED, moves=PROJECT_MOVES, now=now, pause_reason=PAUSED_FOR_BUDGET)
    audit(None, "project.paused_for_budget", project, at=now, was=was)
    _tell(project, "project.paused_for_budget", now)


def _tell(project: Project, kind: str, now: datetime) -> None:
    record_event(project.lab_id, project.mode, kind, at=now, project=project.public_id, state=project.state)
    due("tasks.project_changed", project=project.pk)
