"""Payout runs as the desk sees them: totals, what is unusual, who approved and who may."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import AuditEvent, Role, User
from experts.models import CaseDecision, Expert, TierGrant
from kernel.money import Money
from payments import ledger
from payments.models import Payee, PayLine, PayoutItem, PayoutRun, PayReason, RateCard, RunApproval
from payments.queries.standstill import why_standing_still
from payments.rules import COOLING_OFF, RunFacts, can_see_runs, needed_approvals, why_not_approve
from payments.states import ItemState, RunState

RUNS_SHOWN = 52
DONE_STATES = (ItemState.PAID, ItemState.PART_REVERSED, ItemState.REVERSED)


@dataclass(frozen=True)
class RunRow:
    """A run in the list of runs."""

    run: PayoutRun
    total: Money
    week_end: date
    approvals: int
    needed: int
    paid: int


@dataclass(frozen=True)
class Change:
    """How this run compares with the one before."""

    number: int
    total_percent: str
    people: int


@dataclass(frozen=True)
class Happening:
    """One line of a run's history."""

    at: datetime
    text: str


@dataclass(frozen=True)
class RunPage:
    """All that the page of one run shows."""

    run: PayoutRun
    total: Money
    left_out: Money
    items: list[PayoutItem]
    unusual: list[PayoutItem]
    line_count: int
    seconds: int
    ledger_says: Money
    at_stripe: Money
    change: Change | None
    approvals: list[RunApproval]
    needed: int
    why_not: list[str]
    happenings: list[Happening]
    hides_own: bool
    by_state: dict[str, int] = field(default_factory=dict)

    @property
    def adds_up(self) -> bool:
        """Tell whether the ledger's lines are what will be sent."""
        return self.ledger_says == self.total

    @property
    def is_covered(self) -> bool:
        """Tell whether Stripe holds enough for what is still to be sent."""
        return self.at_stripe >= self.to_send

    @property
    def to_send(self) -> Money:
        """Return what was not sent yet."""
        unsent = (ItemState.QUEUED, ItemState.BLOCKED, ItemState.FAILED)
        return Money(sum(each.amount_minor for each in self.items if each.state in unsent), self.run.currency)

    @property
    def paid_count(self) -> int:
        """Return how many items are paid."""
        return sum(self.by_state.get(state, 0) for state in DONE_STATES)

    @property
    def week_end(self) -> date:
        """Return the week's last day."""
        return self.run.week_start + timedelta(days=6)

    @property
    def payday(self) -> date:
        """Return the Friday on which the run goes out."""
        return self.run.week_start + timedelta(days=11)


def runs_seen_by(user: User | AnonymousUser) -> QuerySet[PayoutRun]:
    """Return the runs this person may see: all for finance, none for others."""
    return PayoutRun.objects.select_related("built_by") if can_see_runs(user) else PayoutRun.objects.none()


def run_rows(user: User | AnonymousUser) -> list[RunRow]:
    """Return the runs, newest first."""
    runs = runs_seen_by(user).annotate(
        given=Count("approvals", filter=Q(approvals__voided_at__isnull=True), distinct=True),
        paid=Count("items", filter=Q(items__state__in=DONE_STATES), distinct=True),
    )
    return [
        RunRow(
            run=run,
            total=Money(run.total_minor, run.currency),
            week_end=run.week_start + timedelta(days=6),
            approvals=run.given,
            needed=needed_approvals(run.total_minor),
            paid=run.paid,
        )
        for run in runs.order_by("-number")[:RUNS_SHOWN]
    ]


def waiting_runs(user: User | AnonymousUser) -> int:
    """Return how many runs wait for somebody's approval."""
    return runs_seen_by(user).filter(state=RunState.PENDING_APPROVAL).count()


def run_facts(run: PayoutRun, now: datetime) -> RunFacts:
    """Load what decides who may approve a run."""
    since = now - COOLING_OFF
    experts = list(run.items.exclude(state=ItemState.CANCELLED).values_list("expert_id", "expert__user_id"))
    versions = PayLine.objects.filter(item__run=run).values_list("card_version", flat=True).distinct()
    changers = set(
        RateCard.objects.filter(version__in=versions, installed_at__gt=since).values_list("installed_by", flat=True)
    )
    grants = TierGrant.objects.filter(expert__in=[pk for pk, _ in experts])
    changers.update(grants.filter(granted_at__gt=since).values_list("granted_by", flat=True))
    changers.update(grants.filter(second_at__gt=since).values_list("second_by", flat=True))
    corrections = PayLine.objects.filter(item__run=run, reason=PayReason.CASE).values_list("subject", flat=True)
    decisions = CaseDecision.objects.filter(
        case__subject__in={subject.partition("-")[0] for subject in corrections}, decided_at__gt=since
    )
    changers.update(decisions.values_list("by", flat=True))
    return RunFacts(
        built_by=run.built_by_id,
        editors=set(run.edits.filter(at__gt=since).values_list("by", flat=True)),
        payees={user for _, user in experts},
        changers=changers - {None},
        approvers=set(run.approvals.filter(voided_at__isnull=True).values_list("user", flat=True)),
        standstill=why_standing_still(),
    )


def counting_approvals(run: PayoutRun) -> int:
    """Count the approvals of people who may still approve: one whose role was taken no longer counts."""
    given = run.approvals.filter(voided_at__isnull=True, content_sha256=run.content_sha256)
    return given.filter(user__is_active=True, user__operator_roles__contains=[Role.FINANCE]).count()


def items_of(run: PayoutRun, user: User) -> QuerySet[PayoutItem]:
    """Return a run's items, never the viewer's own."""
    items = run.items.select_related("expert__user", "payee").exclude(expert__user_id=user.pk)
    return items.order_by("expert__user__name", "pk")


def run_page(run: PayoutRun, user: User, now: datetime) -> RunPage:
    """Return all that a run's page shows."""
    items = list(items_of(run, user))
    live = PayLine.objects.filter(item__run=run).aggregate(
        total=Sum("amount_minor", default=0), seconds=Sum("seconds", default=0), count=Count("id")
    )
    counted = run.items.values("state").annotate(count=Count("id")).order_by()
    by_state = {row["state"]: row["count"] for row in counted}
    return RunPage(
        run=run,
        total=Money(run.total_minor, run.currency),
        left_out=Money(sum(each["amount_minor"] for each in run.left_out), run.currency),
        items=items,
        unusual=[item for item in items if item.anomalies],
        line_count=live["count"],
        seconds=live["seconds"],
        ledger_says=Money(live["total"], run.currency),
        at_stripe=ledger.balance(ledger.stripe_available(run.currency)),
        change=_change(run),
        approvals=list(run.approvals.filter(voided_at__isnull=True).select_related("user").order_by("approved_at")),
        needed=needed_approvals(run.total_minor),
        why_not=why_not_approve(user, run, run_facts(run, now)),
        happenings=_happenings(run),
        hides_own=len(items) != sum(by_state.values()),
        by_state=by_state,
    )


def run_csv_rows(run: PayoutRun, user: User) -> Iterator[Sequence[str]]:
    """Yield a run item by item, heading first."""
    yield (
        "item",
        "expert",
        "name",
        "state",
        "lines",
        "seconds",
        "amount",
        "currency",
        "transfer",
        "problem",
        "unusual",
    )
    for item in items_of(run, user).iterator(chunk_size=500):
        yield (
            item.public_id,
            item.expert.public_id,
            item.expert.user.get_full_name(),
            item.state,
            str(item.line_count),
            str(item.seconds),
            f"{item.amount_minor // 100}.{item.amount_minor % 100:02d}",
            item.currency,
            item.stripe_id,
            item.problem,
            "; ".join(item.anomalies),
        )


def payee_of(expert: Expert) -> Payee | None:
    """Return the expert as the one who is paid, if that was begun."""
    return Payee.objects.filter(expert=expert).select_related("expert__user").first()


def _change(run: PayoutRun) -> Change | None:
    earlier = PayoutRun.objects.filter(currency=run.currency, number__lt=run.number).exclude(state=RunState.CANCELLED)
    last = earlier.order_by("-number").first()
    if last is None or not last.total_minor:
        return None
    tenths = (run.total_minor - last.total_minor) * 1000 // last.total_minor
    return Change(last.number, f"{tenths / 10:+.1f} %", run.item_count - last.item_count)


def _happenings(run: PayoutRun) -> list[Happening]:
    events = AuditEvent.objects.filter(object_id=run.public_id).order_by("id")[:60]
    people = {user.public_id: user.get_full_name() for user in User.objects.filter(pk__in=_actors(events))}
    return [Happening(event.at, _told(event, people.get(event.actor, ""))) for event in events]


def _actors(events: Sequence[AuditEvent] | QuerySet[AuditEvent]) -> list[UUID]:
    return [User.parse_id(event.actor) for event in events if event.actor.startswith(f"{User.PREFIX}_")]


TOLD = {
    "payout_run.built": "Built",
    "payout_run.submitted": "Submitted for approval",
    "payout_run.approval": "Approved",
    "payout_run.approved": "Enough people have approved",
    "payout_run.rejected": "Rejected",
    "payout_run.reopened": "Opened again: approvals are void",
    "payout_run.cancelled": "Cancelled",
    "payout_run.sending": "Sending",
    "payout_run.paused": "Paused",
    "payout_run.finished": "Finished",
    "payout_run.reconciled": "Reconciled with Stripe",
}


def _told(event: AuditEvent, person: str) -> str:
    said = TOLD.get(event.verb, event.verb)
    return f"{said} by {person}" if person and event.verb != "payout_run.approved" else said
