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
from kernel.errors import Refused
from kernel.money import Money, format_money
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
    project = Project.objects.select_for_update(of=("self",), no_key=True).select_related("lab").get(pk=project_id)
    if project.state not in (ProjectState.LIVE, ProjectState.PAUSED):
        return
    funds = project_funds(project.public_id, project.currency)
    missing = _missing_minor(project, funds)
    _alert(project, reached(funds, is_short=missing > 0), funds.allocated.minor, now)
    if project.state == ProjectState.LIVE and missing:
        _pause(project, now)
    elif project.pause_reason == PAUSED_FOR_BUDGET and not missing:
        _go_on(project, by=None, now=now)


def grew(project: Project, *, by: Actor, now: datetime) -> None:
    """Tell shares anew of a budget that has just grown, and let a project that waited for it go on; a step."""
    funds = project_funds(project.public_id, project.currency)
    missing = _missing_minor(project, funds)
    project.budget_alerted_bps = reached(funds, is_short=missing > 0)
    project.save(update_fields=["budget_alerted_bps"])
    if project.state == ProjectState.PAUSED and project.pause_reason == PAUSED_FOR_BUDGET:
        if not missing:
            _go_on(project, by=by, now=now)
    elif project.state == ProjectState.LIVE:
        due("tasks.project_changed", project=project.pk)


def require_cover(project: Project) -> None:
    """Refuse unless the budget covers the cheapest claim on the work that is left."""
    missing = _missing_minor(project, project_funds(project.public_id, project.currency))
    if missing:
        short = format_money(Money(missing, project.currency))
        raise Refused(f"The budget covers no task of this project: allocate {short} more, and it goes on by itself.")


def _go_on(project: Project, *, by: Actor | None, now: datetime) -> None:
    was = move(project, ProjectState.LIVE, moves=PROJECT_MOVES, now=now, pause_reason="")
    audit(by, "project.resumed", project, at=now, was=was)
    _tell(project, "project.resumed", now)


def reached(funds: ProjectFunds, *, is_short: bool) -> int:
    """Return the highest share, in hundredths of a percent, whose alert is due; 0 below the lowest.

    A budget that covers no further task is used up, whatever small rest it has.
    """
    if is_short:
        return ALERTS_BPS[-1]
    if not funds.allocated.minor:
        return 0
    used = (funds.held.minor + funds.spent.minor) * 10_000 // funds.allocated.minor
    return max((share for share in ALERTS_BPS if used >= share), default=0)


def _missing_minor(project: Project, funds: ProjectFunds) -> int:
    """Return what the budget lacks to cover the cheapest claim on open work; 0 where it does, or none is left."""
    eligible = Eligibility.objects.filter(project=project, is_eligible=True)
    least: int | None = eligible.aggregate(least=Min("hold_minor"))["least"]
    if least is None or funds.available.minor >= least:
        return 0
    handed_out = Slot.objects.filter(project=project, batch__state__in=HANDING_OUT)
    is_left = handed_out.filter(kind=WorkKind.WORK, state=SlotState.OPEN).exists()
    return least - funds.available.minor if is_left else 0


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
