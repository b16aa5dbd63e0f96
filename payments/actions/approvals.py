"""Two people and exactly one content: approve, reject, or open a run again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts.audit import audit
from accounts.models import User
from accounts.outbox import due
from kernel.db import action
from kernel.errors import Refused
from kernel.guards import clean_text
from kernel.states import move
from payments.models import PayoutRun, RunApproval
from payments.planning import content_sha256
from payments.queries.runs import counting_approvals, run_facts
from payments.rules import needed_approvals, why_not_approve
from payments.states import RUN_MOVES, RunState


class MayNotApprove(Refused):
    """This person may not approve this run."""

    code = "may_not_approve"
    status = 403


@action
def approve_run(run: PayoutRun, *, by: User, now: datetime) -> PayoutRun:
    """Add one person's yes to the submitted content; with enough of them the run goes out."""
    run = _lock(run.pk)
    if reasons := why_not_approve(by, run, run_facts(run, now)):
        raise MayNotApprove(" ".join(reasons))
    if content_sha256(run) != run.content_sha256:
        raise Refused("The run is not what was submitted. Reject it and look at what changed.")
    RunApproval.objects.create(run=run, user=by, content_sha256=run.content_sha256, approved_at=now)
    audit(by, "payout_run.approval", run, at=now, sha256=run.content_sha256, total_minor=run.total_minor)
    if counting_approvals(run) >= needed_approvals(run.total_minor):
        was = move(run, RunState.APPROVED, moves=RUN_MOVES, now=now, approved_at=now)
        audit(by, "payout_run.approved", run, at=now, was=was)
        due("payments.send_run", run=run.pk)
    return run


@action
def reject_run(run: PayoutRun, *, by: User, reason: str, now: datetime) -> PayoutRun:
    """Send a run back with a reason; what approvals it had are void."""
    reason = clean_text(reason, name="reason", max_length=400, min_length=3)
    run = _lock(run.pk)
    was = move(run, RunState.REJECTED, moves=RUN_MOVES, now=now, reason=reason)
    _void(run, now)
    audit(by, "payout_run.rejected", run, at=now, was=was, reason=reason)
    return run


@action
def reopen_run(run: PayoutRun, *, by: User, now: datetime) -> PayoutRun:
    """Make a run a draft again, so that it can be changed; what approvals it had are void."""
    run = _lock(run.pk)
    _void(run, now)
    was = move(run, RunState.DRAFT, moves=RUN_MOVES, now=now)
    audit(by, "payout_run.reopened", run, at=now, was=was)
    return run


def _lock(run_id: UUID) -> PayoutRun:
    return PayoutRun.objects.select_for_update().get(pk=run_id)


def _void(run: PayoutRun, now: datetime) -> None:
    run.approvals.filter(voided_at__isnull=True).update(voided_at=now)
