"""Build the weekly payout run, change it while it is a draft, and hand it to those who approve."""

from __future__ import annotations

from datetime import date, datetime

from django.db import connection
from django.db.models import Max, Sum
from django.urls import reverse

from accounts.audit import audit
from accounts.models import Role, User
from accounts.notices import notify
from kernel.db import action, require_transaction
from kernel.errors import Refused
from kernel.guards import clean_text
from kernel.states import move
from payments.models import PayLine, PayoutItem, PayoutRun, RunEdit
from payments.planning import CURRENCY, RunPlan, content_sha256, payable_lines, plan_run
from payments.rates import week_bounds
from payments.states import ITEM_MOVES, RUN_MOVES, ItemState, PayLineState, RunState

AT_ONCE = 1_000  # A statement takes 65,535 values.
GATE = 7_365_200  # The advisory lock under which runs are numbered.


@action
def build_run(week_start: date, *, by: User, now: datetime, currency: str = CURRENCY) -> PayoutRun:
    """Collect what was decided before the end of a week into a draft, one item an expert."""
    if week_start.weekday() != 0:
        raise Refused("A pay week starts on a Monday.")
    if now < week_bounds(week_start)[1]:
        raise Refused("This week is not over yet. A run is built from Monday 00:00 UTC on.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [GATE])
    others = PayoutRun.objects.filter(week_start=week_start, currency=currency).exclude(state=RunState.CANCELLED)
    if known := others.first():
        raise Refused(f"Run {known.number} is this week's run already. Cancel it to build another.")
    lines = list(payable_lines(week_start, currency).select_for_update())
    plan = plan_run(lines, week_start, now=now, currency=currency)
    run = _write_run(plan, by=by, now=now)
    audit(by, "payout_run.built", run, at=now, items=len(plan.items), total_minor=plan.total_minor)
    return run


@action
def leave_out(item: PayoutItem, *, by: User, reason: str, now: datetime) -> None:
    """Take an item out of a draft; its lines wait for the next run."""
    reason = clean_text(reason, name="reason", max_length=400, min_length=3)
    run = PayoutRun.objects.select_for_update().get(pk=item.run_id)
    if run.state != RunState.DRAFT:
        raise Refused("Only a draft can be changed. Reject the run to change it.")
    was = move(item, ItemState.CANCELLED, moves=ITEM_MOVES, now=now, problem=reason)
    _free_lines(run, now)
    expert = item.expert
    left_out = {
        "expert": expert.public_id,
        "name": expert.user.get_full_name(),
        "amount_minor": item.amount_minor,
        "reason": reason,
    }
    run.left_out = [*run.left_out, left_out]
    _sum_up(run)
    RunEdit.objects.create(run=run, by=by, what=f"Left out {expert.public_id}", at=now)
    audit(by, "payout_item.left_out", item, at=now, was=was, reason=reason)


@action
def submit_run(run: PayoutRun, *, by: User, now: datetime) -> PayoutRun:
    """Freeze a draft and ask others to approve exactly this content."""
    run = PayoutRun.objects.select_for_update().get(pk=run.pk)
    if not run.items.exclude(state=ItemState.CANCELLED).exists():
        raise Refused("This run pays nobody, so there is nothing to approve. Cancel it.")
    _sum_up(run)
    was = move(
        run,
        RunState.PENDING_APPROVAL,
        moves=RUN_MOVES,
        now=now,
        content_sha256=content_sha256(run),
        submitted_at=now,
        reason="",
    )
    audit(by, "payout_run.submitted", run, at=now, was=was, total_minor=run.total_minor, sha256=run.content_sha256)
    sentence = f"Payout run {run.number} waits for approval."
    for person in User.objects.filter(operator_roles__contains=[Role.FINANCE], is_active=True).exclude(pk=by.pk):
        notify(person, sentence, reverse("payments:run", args=[run.pk]), now)
    return run


@action
def cancel_run(run: PayoutRun, *, by: User, reason: str, now: datetime) -> PayoutRun:
    """Drop a run of which nothing was sent; its lines wait for the next one."""
    reason = clean_text(reason, name="reason", max_length=400, min_length=3)
    run = PayoutRun.objects.select_for_update().get(pk=run.pk)
    was = move(run, RunState.CANCELLED, moves=RUN_MOVES, now=now, reason=reason)
    run.items.filter(state=ItemState.QUEUED).update(state=ItemState.CANCELLED, state_changed_at=now)
    _free_lines(run, now)
    audit(by, "payout_run.cancelled", run, at=now, was=was, reason=reason)
    return run


def _write_run(plan: RunPlan, *, by: User, now: datetime) -> PayoutRun:
    run = PayoutRun.objects.create(
        number=(PayoutRun.objects.aggregate(last=Max("number"))["last"] or 0) + 1,
        week_start=plan.week_start,
        currency=plan.currency,
        total_minor=plan.total_minor,
        item_count=len(plan.items),
        left_out=[each.as_json() for each in plan.left_out],
        built_by=by,
        built_at=now,
        state=RunState.DRAFT,
        state_changed_at=now,
    )
    RunEdit.objects.create(run=run, by=by, what="Built", at=now)
    items = (
        PayoutItem(
            run=run,
            expert=planned.expert,
            payee=planned.payee,
            destination=planned.payee.stripe_id,
            currency=plan.currency,
            amount_minor=planned.amount_minor,
            line_count=len(planned.lines),
            seconds=planned.seconds,
            usual_minor=planned.usual_minor,
            anomalies=planned.anomalies,
            state=ItemState.QUEUED,
            state_changed_at=now,
        )
        for planned in plan.items
    )
    PayoutItem.objects.bulk_create(items, batch_size=AT_ONCE)
    _lock_lines(run, plan, now)
    return run


def _lock_lines(run: PayoutRun, plan: RunPlan, now: datetime) -> None:
    """Put the plan's lines into their items, all in one statement."""
    require_transaction()
    wanted = [line.pk for planned in plan.items for line in planned.lines]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE payments_payline l SET item_id = i.id, state = 'LOCKED', state_changed_at = %s"
            " FROM payments_payoutitem i WHERE i.run_id = %s AND l.expert_id = i.expert_id AND l.id = ANY(%s)"
            " AND l.state = 'AVAILABLE'",
            [now, run.pk, wanted],
        )
        assert cursor.rowcount == len(wanted), "Lines moved under their lock."


def _free_lines(run: PayoutRun, now: datetime) -> None:
    lines = PayLine.objects.filter(item__run=run, item__state=ItemState.CANCELLED, state=PayLineState.LOCKED)
    lines.update(state=PayLineState.AVAILABLE, state_changed_at=now, item=None)


def _sum_up(run: PayoutRun) -> None:
    items = run.items.exclude(state=ItemState.CANCELLED)
    run.total_minor = items.aggregate(total=Sum("amount_minor"))["total"] or 0
    run.item_count = items.count()
    run.save(update_fields=["total_minor", "item_count", "left_out"])
