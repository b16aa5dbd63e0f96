"""The exact figures of papers: of a payment, of a lab's month, of an expert's month and year, out of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Case, CharField, F, Func, OuterRef, QuerySet, Subquery, Sum, Value, When
from django.db.models.functions import TruncMonth

from experts.models import Expert
from labs.models import Lab
from payments import ledger
from payments.models import Account, Funding, PayLine, PayoutItem, PayReason, Posting
from payments.models.pay import PayLineQuerySet
from payments.queries.funds import projects_with_money
from payments.states import ItemState

Figures = dict[str, Any]

DUE_AFTER = timedelta(days=30)  # As the invoice at Stripe says.
SENT = (ItemState.PAID, ItemState.PART_REVERSED, ItemState.REVERSED)
WAYS = {"card": "Card", "charge": "Card", "invoice": "Invoice, bank transfer or card"}
PAY, FEES = "Pay for work and reviews", "Fees"
# What a change of a lab's money is, by the account at the other end; what is not named is said by the entry's kind.
LAB_CHANGES = {
    "stripe_pending": "Paid in",
    "stripe_available": "Paid in",
    "bank_operating": "Paid in",
    "opening_equity": "Paid in",
    "expert_available": PAY,
    "expert_receivable": "Taken back by corrections",
    "platform_fee": FEES,
    "refund_in_flight": "Refunds",
    "lab_receivable": "Charged back",
    "goodwill_expense": "Refunded by a case",
}
# Of what is on an expert's account beside the pay lines that stand; a line that does not stand was withheld.
EXPERT_CHANGES = {
    "settle": "Withheld by a case",
    "withhold": "Withheld by a case",
    "bonus": "Bonuses",
    "payout_sent": "Sent to you",
    "payout_sent.reversed": "Came back",
    "transfer_reversed": "Reversed by Stripe",
}


class FiguresDiffer(RuntimeError):
    """Two ways to the same figure disagree: nothing is issued, and somebody has to look."""


@dataclass(frozen=True)
class Period:
    """Days from ``start`` to before ``end``, in UTC."""

    start: date
    end: date

    @property
    def last(self) -> date:
        """Return the last day."""
        return self.end - timedelta(days=1)

    @property
    def since(self) -> datetime:
        """Return the first moment."""
        return datetime.combine(self.start, time(), UTC)

    @property
    def until(self) -> datetime:
        """Return the first moment after it."""
        return datetime.combine(self.end, time(), UTC)


def month_of(day: date) -> Period:
    """Return the calendar month that holds a day."""
    first = day.replace(day=1)
    return Period(first, (first + timedelta(days=32)).replace(day=1))


def month_before(day: date) -> Period:
    """Return the calendar month before the one that holds a day."""
    return month_of(day.replace(day=1) - timedelta(days=1))


def year_of(year: int) -> Period:
    """Return a calendar year."""
    return Period(date(year, 1, 1), date(year + 1, 1, 1))


def funding_figures(funding: Funding) -> Figures:
    """Return what an invoice or a receipt says of a payment."""
    return {
        "lab": _lab(funding.lab),
        "funding": funding.public_id,
        "currency": funding.currency,
        "amount_minor": funding.amount_minor,
        "po_number": funding.po_number,
        "way": WAYS.get(funding.way) or _in_words(funding.way),
        "stripe_number": funding.invoice_number,
        "created_at": funding.created_at.isoformat(),
        "due_on": (funding.created_at.date() + DUE_AFTER).isoformat(),
        "paid_at": funding.succeeded_at.isoformat() if funding.succeeded_at else "",
    }


def lab_figures(lab: Lab, period: Period, currency: str) -> Figures:
    """Return a lab's period: each change by what stands at the other end of its entries, so that it adds up."""
    accounts = _accounts_of(lab, currency)
    inside = Posting.objects.filter(account__in=accounts)
    opening = -_sum(inside.filter(entry__at__lt=period.since))
    closing = -_sum(inside.filter(entry__at__lt=period.until))
    within = inside.filter(entry__at__gte=period.since, entry__at__lt=period.until)
    outside = Posting.objects.filter(entry__in=within.values("entry")).exclude(account__in=accounts)
    changes = _by_other_end(outside)
    if opening + sum(changes.values()) != closing:
        raise FiguresDiffer(f"The changes of {lab.public_id} in {period.start:%Y-%m} do not lead to its balance.")
    return {
        "lab": _lab(lab),
        **_days(period),
        "currency": currency,
        "opening_minor": opening,
        "changes": _listed(changes),
        "closing_minor": closing,
        "projects": _projects(lab, period, currency, outside, accounts),
    }


def expert_figures(expert: Expert, period: Period, currency: str) -> Figures:
    """Return an expert's period: the account, and each pay line, whose sum is what the ledger calls earned."""
    place = ledger.expert_available(expert, currency)
    own = Posting.objects.filter(account__code=place.code, account__currency=currency)
    opening = -_sum(own.filter(entry__at__lt=period.since))
    within = own.filter(entry__at__gte=period.since, entry__at__lt=period.until)
    lines = lines_decided_in(expert, period, currency)
    of_lines = within.filter(entry__in=lines.order_by().values("entry"))
    shown = [_line(line) for line in lines]
    earned = sum(line["amount_minor"] for line in shown)
    if earned != -_sum(of_lines):
        raise FiguresDiffer(f"The pay lines of {expert.public_id} in {period.start:%Y-%m} are not what it earned.")
    changes = {"Earned": earned} | _by_kind(within.exclude(pk__in=of_lines.values("pk")))
    return {
        "expert": _expert(expert),
        **_days(period),
        "currency": currency,
        "opening_minor": opening,
        "changes": _listed(changes),
        "closing_minor": opening + sum(changes.values()),
        "earned_minor": earned,
        "lines": shown,
    }


def expert_year_figures(expert: Expert, year: int, currency: str) -> Figures:
    """Return an expert's year in months: paid time and pay by the decision, transfers by their day."""
    period = year_of(year)
    starts = [date(year, number, 1).isoformat() for number in range(1, 13)]
    months: list[Figures] = [{"start": day, "seconds": 0, "earned_minor": 0, "paid_minor": 0} for day in starts]
    earned = lines_decided_in(expert, period, currency).annotate(month=TruncMonth("decided_at", tzinfo=UTC))
    for row in earned.order_by().values("month").annotate(time=Sum("seconds"), pay=Sum("amount_minor")):
        months[row["month"].month - 1] |= {"seconds": row["time"], "earned_minor": row["pay"]}
    sent = _sent_to(expert, period, currency).annotate(month=TruncMonth("paid_at", tzinfo=UTC))
    net = Sum(F("amount_minor") - F("reversed_minor"))
    for at, paid in sent.order_by().values("month").annotate(paid=net).values_list("month", "paid"):
        months[at.month - 1]["paid_minor"] = paid
    return {
        "expert": _expert(expert),
        **_days(period),
        "currency": currency,
        "months": months,
        "earned_minor": sum(month["earned_minor"] for month in months),
        "paid_minor": sum(month["paid_minor"] for month in months),
        "seconds": sum(month["seconds"] for month in months),
    }


def lines_decided_in(expert: Expert, period: Period, currency: str) -> PayLineQuerySet:
    """List the pay lines of a period that stand, by the day of the decision."""
    lines = PayLine.objects.standing().filter(expert=expert, currency=currency)
    within = lines.filter(decided_at__gte=period.since, decided_at__lt=period.until)
    return within.order_by("decided_at", "id")


def labs_with_money(period: Period, currency: str) -> list[Lab]:
    """Return the labs that had paid something in by the end of a period."""
    moved = Account.objects.filter(
        code__startswith="lab_prepaid:", currency=currency, postings__entry__at__lt=period.until
    )
    ids = {Lab.parse_id(code.partition(":")[2]) for code in moved.values_list("code", flat=True).distinct()}
    return list(Lab.objects.filter(pk__in=ids).order_by("id"))


def experts_with_money(period: Period, currency: str) -> list[Expert]:
    """Return the experts whose account changed in a period."""
    moved = Account.objects.filter(
        code__startswith="expert_available:",
        currency=currency,
        postings__entry__at__gte=period.since,
        postings__entry__at__lt=period.until,
    )
    ids = {Expert.parse_id(code.partition(":")[2]) for code in moved.values_list("code", flat=True).distinct()}
    return list(Expert.objects.filter(pk__in=ids).order_by("id"))


def _sent_to(expert: Expert, period: Period, currency: str) -> QuerySet[PayoutItem]:
    items = PayoutItem.objects.filter(expert=expert, currency=currency, state__in=SENT)
    return items.filter(paid_at__gte=period.since, paid_at__lt=period.until)


def _accounts_of(lab: Lab, currency: str) -> list[int]:
    places = [ledger.lab_prepaid(lab, currency)]
    for project in projects_with_money(lab, currency):
        places += [ledger.project_budget(project, currency), ledger.project_hold(project, currency)]
    codes = [place.code for place in places]
    return list(Account.objects.filter(code__in=codes, currency=currency).values_list("pk", flat=True))


def _by_other_end(outside: QuerySet[Posting]) -> dict[str, int]:
    """Sum the legs that are not the lab's: what they gained it lost, and their sign is its own."""
    changes: dict[str, int] = {}
    rows = outside.annotate(place=_place()).values("place", "entry__kind").annotate(total=Sum("amount"))
    for row in rows.order_by("place", "entry__kind"):
        what = LAB_CHANGES.get(row["place"]) or _in_words(row["entry__kind"])
        changes[what] = changes.get(what, 0) + row["total"]
    return changes


def _by_kind(own: QuerySet[Posting]) -> dict[str, int]:
    """Sum the legs on an expert's account that are of no pay line."""
    changes: dict[str, int] = {}
    for row in own.values("entry__kind").annotate(total=Sum("amount")).order_by("entry__kind"):
        what = EXPERT_CHANGES.get(row["entry__kind"]) or _in_words(row["entry__kind"])
        changes[what] = changes.get(what, 0) - row["total"]
    return changes


def _projects(
    lab: Lab, period: Period, currency: str, outside: QuerySet[Posting], accounts: Sequence[int]
) -> list[Figures]:
    """Return what each project spent, from the ledger, with the seconds of its pay lines."""
    of_project = Posting.objects.filter(
        entry=OuterRef("entry"), account__in=accounts, account__code__startswith="project_"
    ).values("account__code")[:1]
    spent = outside.annotate(place=_place(), home=Subquery(of_project)).filter(
        place__in=["expert_available", "platform_fee"]
    )
    pay = Sum(Case(When(place="expert_available", then=F("amount")), default=Value(0)))
    fee = Sum(Case(When(place="platform_fee", then=F("amount")), default=Value(0)))
    sums: dict[str, list[int]] = {}
    for row in spent.values("home").annotate(pay=pay, fee=fee):
        both = sums.setdefault((row["home"] or "").partition(":")[2], [0, 0])
        both[0] -= row["pay"]
        both[1] -= row["fee"]
    lines = PayLine.objects.standing().filter(lab=lab, currency=currency)
    lines = lines.filter(decided_at__gte=period.since, decided_at__lt=period.until)
    lines = lines.exclude(reason=PayReason.CASE, is_on_house=True)  # The house paid for these.
    time_of = dict(lines.order_by().values("project").annotate(time=Sum("seconds")).values_list("project", "time"))
    return [
        {"project": project, "seconds": time_of.get(project, 0), "pay_minor": pay_minor, "fee_minor": fee_minor}
        for project, (pay_minor, fee_minor) in sorted(sums.items())
    ]


def _place() -> Func:
    return Func(F("account__code"), Value(":"), Value(1), function="split_part", output_field=CharField())


def _listed(changes: dict[str, int]) -> list[Figures]:
    return [{"what": what, "minor": minor} for what, minor in changes.items() if minor]


def _line(line: PayLine) -> Figures:
    return {
        "id": line.public_id,
        "decided_at": line.decided_at.isoformat(),
        "subject": line.subject,
        "kind": line.kind,
        "reason": line.reason,
        "seconds": line.seconds,
        "rate_minor": line.rate_minor,
        "amount_minor": line.amount_minor,
    }


def _lab(lab: Lab) -> Figures:
    return {"id": lab.public_id, "name": lab.name, "email": lab.contact_email, "country": lab.country}


def _expert(expert: Expert) -> Figures:
    return {"id": expert.public_id, "name": expert.user.name, "country": expert.country}


def _days(period: Period) -> Figures:
    return {"start": period.start.isoformat(), "last": period.last.isoformat()}


def _in_words(kind: str) -> str:
    return kind.replace("_", " ").replace(".", ", ").capitalize()


def _sum(postings: QuerySet[Posting]) -> int:
    return int(postings.aggregate(total=Sum("amount"))["total"] or 0)
