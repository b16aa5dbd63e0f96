"""What should agree with what: each comparison says what it found, and where both sides stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from payments import ledger
from payments.checks import check_ledger
from payments.gateways.types import Balance, Transfer
from payments.matching import Booked
from payments.models import PLAY_MONEY, Account, DifferenceKind, Movement, PayoutItem, PayoutRun
from payments.queries.runs import DONE_STATES

# Stripe may move money before it tells us why; nobody but us makes transfers, so those are never waited for.
PATIENCE = timedelta(minutes=15)
OWED = (
    *("lab_prepaid:", "project_budget:", "project_hold:", "expert_available:"),
    *("payout_in_flight", "refund_in_flight:", "tax_withheld:", "sales_tax_payable"),
)


@dataclass(frozen=True)
class Found:
    """Something that does not agree."""

    kind: str
    key: str
    what: str
    currency: str = ""
    ours_minor: int = 0
    theirs_minor: int = 0
    movement: Movement | None = None
    run: PayoutRun | None = None


@dataclass(frozen=True)
class Line:
    """One comparison: what it is of, and both sides."""

    what: str
    ours_minor: int
    theirs_minor: int
    currency: str

    def as_json(self) -> dict[str, str | int]:
        """Return it as a reconciliation keeps it."""
        return {
            "what": self.what,
            "ours_minor": self.ours_minor,
            "theirs_minor": self.theirs_minor,
            "currency": self.currency,
        }


@dataclass
class Outcome:
    """All that was compared, and all that did not agree."""

    lines: list[Line] = field(default_factory=list)
    found: list[Found] = field(default_factory=list)


Comparison = Callable[[], Iterable[str]]
COMPARISONS: dict[str, Comparison] = {}


def compares(name: str) -> Callable[[Comparison], Comparison]:
    """Register a question of another app's, whose answers are what does not agree."""

    def register(question: Comparison) -> Comparison:
        COMPARISONS[name] = question
        return question

    return register


def compare_balance(theirs: Balance, waiting: Sequence[Movement], late: Sequence[Booked], outcome: Outcome) -> None:
    """Compare our accounts at Stripe with Stripe's balance.

    What moved and waits for its entry counts as ours, and what was booked after the balance was read does not.
    """
    for currency in sorted({*theirs.available, *theirs.pending, *_our_currencies()}):
        ours = sum(ledger.balance(place(currency)).minor for place in (ledger.stripe_available, ledger.stripe_pending))
        ours += sum(each.net_minor for each in waiting if each.currency == currency)
        ours -= sum(each.minor for each in late if each.currency == currency)
        at_stripe = theirs.total(currency).minor
        outcome.lines.append(Line("Balance at Stripe", ours, at_stripe, currency))
        if ours != at_stripe:
            what = "The ledger's accounts at Stripe do not hold what Stripe says."
            outcome.found.append(Found(DifferenceKind.BALANCE, f"balance-{currency}", what, currency, ours, at_stripe))
        _compare_cover(currency, at_stripe, outcome)


def _compare_cover(currency: str, at_stripe: int, outcome: Outcome) -> None:
    """Say so when Stripe holds less for us than we owe to labs, experts and others."""
    accounts = Account.objects.filter(currency=currency)
    owed = -sum(each.balance for each in accounts if each.code.startswith(OWED))
    outcome.lines.append(Line("Owed, and covered at Stripe", owed, at_stripe, currency))
    if owed > at_stripe:
        what = "Stripe holds less than is owed to labs, experts and others. Add money to the balance."
        outcome.found.append(Found(DifferenceKind.COVER, f"cover-{currency}", what, currency, owed, at_stripe))


def _our_currencies() -> set[str]:
    at_stripe = Account.objects.filter(code__in=["stripe_available", "stripe_pending"])
    return set(at_stripe.exclude(currency=PLAY_MONEY).values_list("currency", flat=True))


def may_wait(movement: Movement, now: datetime) -> bool:
    """Tell whether the entry of a movement may still come."""
    return movement.kind != "transfer" and now - movement.seen_at < PATIENCE


def compare_entries(left: Sequence[Booked], outcome: Outcome) -> None:
    """Say so of each entry that booked money at Stripe which never moved there."""
    for booked in left:
        what = f"The entry {booked.key} books money at Stripe that did not move there."
        outcome.found.append(
            Found(DifferenceKind.ENTRY, f"entry-{booked.entry}", what, booked.currency, booked.minor, 0)
        )


def paid_items(run: PayoutRun) -> dict[str, PayoutItem]:
    """Return the items that a run has paid, by their ids."""
    return {item.public_id: item for item in run.items.filter(state__in=DONE_STATES)}


def compare_run(
    run: PayoutRun, transfers: Sequence[Transfer], before: Mapping[str, PayoutItem], outcome: Outcome
) -> None:
    """Compare the items that a run paid, one by one, with its group of transfers, listed after ``before`` was read."""
    paid = paid_items(run)
    times = Counter(each.item for each in transfers)
    outcome.lines.append(
        Line(
            f"Run {run.number}: {len(paid)} paid item{'' if len(paid) == 1 else 's'}",
            sum(item.amount_minor for item in paid.values()),
            sum(each.amount.minor for each in transfers),
            run.currency,
        )
    )
    for each in transfers:
        if (wrong := _wrong_with(each, paid.get(each.item), times[each.item])) is not None:
            what, ours = wrong
            outcome.found.append(_of_run(run, each.stripe_id, what, ours, each.amount.minor))
    for name, item in before.items():
        if item.stripe_id not in {each.stripe_id for each in transfers}:
            what = f"{name} is written as paid by {item.stripe_id}, which Stripe does not have in this run."
            outcome.found.append(_of_run(run, item.stripe_id, what, item.amount_minor, 0))


def _wrong_with(transfer: Transfer, item: PayoutItem | None, times: int) -> tuple[str, int] | None:
    if item is None:
        return f"Stripe made {transfer.stripe_id} in this run for no item that was paid.", 0
    if transfer.stripe_id != item.stripe_id:
        return f"Stripe made {times} transfers for {item.public_id}; {transfer.stripe_id} is not the one we know.", 0
    if transfer.amount.minor != item.amount_minor or transfer.destination != item.destination:
        return f"{transfer.stripe_id} is not what {item.public_id} ordered.", item.amount_minor
    return None


def _of_run(run: PayoutRun, transfer: str, what: str, ours: int, theirs: int) -> Found:
    key = f"run-{run.pk}-{transfer}"
    return Found(DifferenceKind.TRANSFER, key, f"Run {run.number}: {what}", run.currency, ours, theirs, run=run)


def compare_ledger(outcome: Outcome) -> None:
    """Ask the ledger's own questions, holds and what is in flight among them, and those that other apps registered."""
    answers = [(each.name, each.breaches) for each in check_ledger()]
    answers += [(name, list(question())) for name, question in COMPARISONS.items()]
    for name, breaches in answers:
        if breaches and "suspense" not in name:  # What lies there has a difference of its own.
            what = f"It does not hold that {name}: {'; '.join(map(str, breaches))}"
            outcome.found.append(Found(DifferenceKind.LEDGER, f"ledger-{name}"[:200], what[:500]))
