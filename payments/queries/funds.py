"""A lab's money: five numbers that add up, and where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, QuerySet, Sum
from django.db.models.expressions import Combinable

from kernel.money import Money
from labs.models import ApiKey, Lab, Mode
from payments import ledger
from payments.models import PLAY_MONEY, Account, Funding, Hold, PayLine, Posting
from payments.states import HoldState

BUDGETS = "project_budget:"


@dataclass(frozen=True)
class LabFunds:
    """Paid in = available + allocated + held + spent; ``prepaid`` is what was paid in, refunds taken off."""

    prepaid: Money
    allocated: Money  # In budgets of projects, held by no claim.
    held: Money  # Set aside for work under way.
    spent: Money  # Pay and fees of what was decided.
    available: Money  # Given to no project.


@dataclass(frozen=True)
class ProjectFunds:
    """Allocated = available + held + spent."""

    allocated: Money
    held: Money
    spent: Money
    available: Money

    @property
    def spent_share(self) -> int:
        """Return how much of the budget is spent or held, in whole percent."""
        gone = self.held.minor + self.spent.minor
        return gone * 100 // self.allocated.minor if self.allocated.minor else 0


@dataclass(frozen=True)
class FundingRow:
    """A payment of a lab as its funds page shows it."""

    funding: Funding
    amount: Money
    at: datetime
    problem: str


def balance(place: ledger.Place) -> Money:
    """Return what an account holds, on its own side of the books."""
    return ledger.balance(place)


def lab_funds(lab: Lab, currency: str) -> LabFunds:
    """Return a lab's five numbers, in four statements whatever the number of projects."""
    available = ledger.balance(ledger.lab_prepaid(lab, currency))
    held = _sum(Hold.objects.filter(lab=lab, currency=currency, state=HoldState.OPEN), F("amount_minor"))
    spent = _sum(PayLine.objects.charged().filter(lab=lab, currency=currency), F("amount_minor") + F("fee_minor"))
    given = _sum_of_budgets(projects_with_money(lab, currency), currency)
    total = available + Money(held, currency) + Money(spent, currency) + given
    return LabFunds(total, given, Money(held, currency), Money(spent, currency), available)


def project_funds(project: str, currency: str) -> ProjectFunds:
    """Return a project's four numbers."""
    available = ledger.balance(ledger.project_budget(project, currency))
    held = ledger.balance(ledger.project_hold(project, currency))
    lines = PayLine.objects.charged().filter(project=project, currency=currency)
    paid = _sum(lines, F("amount_minor") + F("fee_minor"))
    spent = Money(paid, currency)
    return ProjectFunds(available + held + spent, held, spent, available)


def projects_with_money(lab: Lab, currency: str) -> list[str]:
    """Return the ids of the projects that this lab ever gave a budget: the other ends of its prepaid account."""
    given = Posting.objects.filter(
        entry__postings__account__code=ledger.lab_prepaid(lab, currency).code,
        account__code__startswith=BUDGETS,
        currency=currency,
    )
    codes = given.values_list("account__code", flat=True).distinct()
    return sorted(code.removeprefix(BUDGETS) for code in codes)


def budgets_of(lab: Lab, currency: str) -> dict[str, ProjectFunds]:
    """Return the numbers of each project of a lab, in three statements."""
    projects = projects_with_money(lab, currency)
    free = _normal_balances([ledger.project_budget(each, currency).code for each in projects], currency)
    held = _normal_balances([ledger.project_hold(each, currency).code for each in projects], currency)
    lines = PayLine.objects.charged().filter(project__in=projects, currency=currency)
    by_project = lines.values("project").order_by("project")
    spent = dict(by_project.annotate(total=Sum(F("amount_minor") + F("fee_minor"))).values_list("project", "total"))
    funds = {}
    for each in projects:
        parts = [
            Money(held.get(f"project_hold:{each}", 0), currency),
            Money(spent.get(each, 0), currency),
            Money(free.get(f"project_budget:{each}", 0), currency),
        ]
        funds[each] = ProjectFunds(parts[0] + parts[1] + parts[2], *parts)
    return funds


def fundings_of(lab: Lab) -> list[FundingRow]:
    """Return a lab's payments of real money, newest first."""
    rows = Funding.objects.filter(lab=lab).exclude(currency=PLAY_MONEY).order_by("-created_at", "-id")[:100]
    return [FundingRow(row, Money(row.amount_minor, row.currency), row.created_at, row.failure_detail) for row in rows]


def fundings_seen_by(key: ApiKey) -> QuerySet[Funding]:
    """List the payments that a key may see: those of its own world."""
    rows = Funding.objects.filter(lab=key.lab_id)
    return rows.filter(currency=PLAY_MONEY) if key.mode == Mode.TEST else rows.exclude(currency=PLAY_MONEY)


def _sum_of_budgets(projects: Sequence[str], currency: str) -> Money:
    codes = [ledger.project_budget(each, currency).code for each in projects]
    return Money(sum(_normal_balances(codes, currency).values()), currency)


def _normal_balances(codes: Sequence[str], currency: str) -> dict[str, int]:
    rows = Account.objects.filter(code__in=codes, currency=currency).values_list("code", "balance")
    return {code: -balance for code, balance in rows}


def _sum(rows: QuerySet[Hold] | QuerySet[PayLine], amount: Combinable) -> int:
    return int(rows.aggregate(total=Sum(amount))["total"] or 0)
