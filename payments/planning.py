"""What a week's run would pay, whom it leaves out and why, and what is unusual: known before anything is written."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median_low
from uuid import UUID

import orjson
from django.db.models import QuerySet

from experts.models import Expert
from kernel.money import Money, format_money
from payments.models import Payee, PayLine, PayoutItem, PayoutRun, PayReason
from payments.rates import week_bounds
from payments.rules import why_not_payable
from payments.states import ItemState, PayLineState

CURRENCY = "USD"
LEAST_PAYOUT_MINOR = 1_00
UNUSUAL_TIMES = 3
LONG_WEEK_SECONDS = 40 * 3_600
LARGE_CORRECTION_SECONDS, LARGE_CORRECTION_PART = 3_600, 4
FRESH_BANK = timedelta(days=7)
PAID_STATES = (ItemState.PAID, ItemState.PART_REVERSED)


@dataclass
class PlannedItem:
    """What one expert would be paid."""

    expert: Expert
    payee: Payee
    lines: list[PayLine]
    usual_minor: int | None
    anomalies: list[str] = field(default_factory=list)

    @property
    def amount_minor(self) -> int:
        """Return the sum of the lines."""
        return sum(line.amount_minor for line in self.lines)

    @property
    def seconds(self) -> int:
        """Return the time in the lines."""
        return sum(line.seconds for line in self.lines)


@dataclass(frozen=True)
class LeftOut:
    """Somebody whose money waits for a later run, and why."""

    expert: Expert
    amount_minor: int
    reason: str

    def as_json(self) -> dict[str, str | int]:
        """Return it as a run keeps it."""
        return {
            "expert": self.expert.public_id,
            "name": self.expert.user.get_full_name(),
            "amount_minor": self.amount_minor,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class RunPlan:
    """A run before it is built."""

    week_start: date
    currency: str
    items: list[PlannedItem]
    left_out: list[LeftOut]

    @property
    def total_minor(self) -> int:
        """Return what would be sent."""
        return sum(item.amount_minor for item in self.items)

    @property
    def left_out_minor(self) -> int:
        """Return what would wait."""
        return sum(each.amount_minor for each in self.left_out)


def payable_lines(week_start: date, currency: str = CURRENCY) -> QuerySet[PayLine]:
    """Return the lines that wait: decided before the week's end, so that what rolled over comes along."""
    return PayLine.objects.filter(
        state=PayLineState.AVAILABLE, currency=currency, decided_at__lt=week_bounds(week_start)[1]
    ).order_by("expert", "decided_at", "id")


def plan_run(lines: Sequence[PayLine], week_start: date, *, now: datetime, currency: str = CURRENCY) -> RunPlan:
    """Sort the waiting lines into items and those left out."""
    by_expert: dict[UUID, list[PayLine]] = defaultdict(list)
    for line in lines:
        by_expert[line.expert_id].append(line)
    experts = Expert.objects.filter(pk__in=by_expert).select_related("user").order_by("user__name", "pk")
    payees = {payee.expert_id: payee for payee in Payee.objects.filter(expert__in=by_expert)}
    history = _history(list(by_expert), currency)
    items, left_out = [], []
    for expert in experts:
        theirs, payee = by_expert[expert.pk], payees.get(expert.pk)
        earned = sum(line.amount_minor for line in theirs)
        reason = why_not_payable(payee, expert.country, now) or _too_little(earned, currency)
        if reason or payee is None:
            left_out.append(LeftOut(expert, earned, reason))
            continue
        past = history[expert.pk]
        usual = median_low([item.amount_minor for item in past]) if past else None
        item = PlannedItem(expert, payee, theirs, usual)
        item.anomalies = anomalies_of(item, past, now)
        items.append(item)
    return RunPlan(week_start, currency, items, left_out)


def anomalies_of(item: PlannedItem, past: Sequence[PayoutItem], now: datetime) -> list[str]:
    """Return what is unusual about an item, each as a sentence; ``past`` is what was paid before, newest first."""
    said = []
    if not past:
        said.append("First payout")
    elif past[0].destination != item.payee.stripe_id:
        said.append("The payout account is not the one paid last time")
    if item.payee.bank_changed_at is not None and now - item.payee.bank_changed_at < FRESH_BANK:
        said.append("The bank account changed in the last 7 days")
    if item.usual_minor and item.amount_minor > UNUSUAL_TIMES * item.usual_minor:
        said.append(f"{item.amount_minor / item.usual_minor:.1f} times what is usual")
    if item.seconds > LONG_WEEK_SECONDS:
        said.append(f"{item.seconds // 3600} h of paid time in one run")
    if added := _large_correction(item):
        said.append(f"{added // 60} min of it were added by cases")
    if item.expert.user.operator_roles:
        said.append("The expert is an operator too")
    return said


def content_sha256(run: PayoutRun) -> str:
    """Return the digest that approvals are given to: payees, destinations, amounts and lines."""
    lines: dict[UUID, list[str]] = defaultdict(list)
    for item, line in PayLine.objects.filter(item__run=run).order_by("id").values_list("item_id", "id"):
        lines[item].append(str(line))
    items = run.items.exclude(state=ItemState.CANCELLED).order_by("id")
    content = [
        run.public_id,
        run.week_start.isoformat(),
        run.currency,
        [[str(i.pk), str(i.expert_id), i.destination, i.amount_minor, lines[i.pk]] for i in items],
    ]
    return hashlib.sha256(orjson.dumps(content)).hexdigest()


def _large_correction(item: PlannedItem) -> int:
    """Return the seconds that cases added, if they are an hour or a quarter of the whole."""
    added = sum(line.seconds for line in item.lines if line.reason == PayReason.CASE)
    is_large = added >= LARGE_CORRECTION_SECONDS or added * LARGE_CORRECTION_PART > item.seconds
    return added if is_large else 0


def _too_little(earned: int, currency: str) -> str:
    if earned >= LEAST_PAYOUT_MINOR:
        return ""
    return f"Less than {format_money(Money(LEAST_PAYOUT_MINOR, currency))}: rolls over to the next run."


def _history(experts: Sequence[UUID], currency: str) -> dict[UUID, list[PayoutItem]]:
    history: dict[UUID, list[PayoutItem]] = defaultdict(list)
    paid = PayoutItem.objects.filter(expert__in=experts, currency=currency, state__in=PAID_STATES)
    for item in paid.order_by("-paid_at"):
        history[item.expert_id].append(item)
    return history
