"""What a lab's papers say: the deposit invoice, the receipt of a payment, the statement of a month."""

from __future__ import annotations

from payments.papers.setting import Column, Figures, Paper, Table
from payments.papers.words import day, hours, money, month

AMOUNT = Column("Amount", is_figure=True)


def deposit_invoice(figures: Figures) -> Paper:
    """Return the invoice for money that a lab means to pay in."""
    return Paper(
        title="Deposit invoice",
        whom="Billed to",
        to=_lab(figures),
        country=figures["lab"]["country"],
        facts=[*_payment(figures), ("Due", day(figures["due_on"]))],
        tables=[_deposit(figures, "Total due")],
        notes=[
            "Pay on the page that the funds page links to, by card or by the bank transfer shown there. The balance "
            "grows when the payment is confirmed.",
            "A deposit is prepaid balance: no work is billed by this invoice. Monthly statements show what was spent.",
        ],
    )


def receipt(figures: Figures) -> Paper:
    """Return the receipt of a confirmed payment."""
    return Paper(
        title="Receipt",
        whom="Received from",
        to=_lab(figures),
        country=figures["lab"]["country"],
        facts=[*_payment(figures), ("Confirmed", day(figures["paid_at"]))],
        tables=[_deposit(figures, "Received")],
        notes=["The whole amount is in the prepaid balance; the fee of the payment is ours."],
    )


def lab_statement(figures: Figures) -> Paper:
    """Return a lab's month: what it had, what came and went, what it has."""
    currency = figures["currency"]
    changes = [[each["what"], money(each["minor"], currency)] for each in figures["changes"]]
    return Paper(
        title=f"Statement, {month(figures['start'])}",
        whom="Account of",
        to=_lab(figures),
        country=figures["lab"]["country"],
        facts=[
            ("From", day(figures["start"])),
            ("To", day(figures["last"])),
            ("Closing balance", money(figures["closing_minor"], currency)),
        ],
        tables=[
            Table(
                [Column("The month", is_wide=True), AMOUNT],
                [["Balance at the start", money(figures["opening_minor"], currency)], *changes],
                ["Balance at the end", money(figures["closing_minor"], currency)],
            ),
            *_projects(figures),
        ],
        notes=[
            "The balance is all that is paid in and not spent: free, in projects' budgets, and held for work under "
            "way. Days are those of UTC.",
        ],
    )


def _projects(figures: Figures) -> list[Table]:
    currency, rows = figures["currency"], figures["projects"]
    if not rows:
        return []
    sums = [sum(row[name] for row in rows) for name in ("seconds", "pay_minor", "fee_minor")]
    figured = [Column(each, is_figure=True) for each in ("Time", "Pay", "Fee", "Total")]
    return [
        Table(
            [Column("Project", is_wide=True), *figured],
            [_spent(row["project"], row["seconds"], row["pay_minor"], row["fee_minor"], currency) for row in rows],
            _spent("All projects", sums[0], sums[1], sums[2], currency),
            title="Spent by project",
        )
    ]


def _spent(name: str, seconds: int, pay: int, fee: int, currency: str) -> list[str]:
    return [name, hours(seconds), money(pay, currency), money(fee, currency), money(pay + fee, currency)]


def _lab(figures: Figures) -> list[str]:
    lab = figures["lab"]
    return [lab["name"], lab["email"], lab["country"], lab["id"]]


def _payment(figures: Figures) -> list[tuple[str, str]]:
    facts = [
        ("Purchase order", figures["po_number"]),
        ("Paid by", figures["way"]),
        ("Invoice at Stripe", figures["stripe_number"]),
    ]
    return [(name, value) for name, value in facts if value]


def _deposit(figures: Figures, total: str) -> Table:
    amount = money(figures["amount_minor"], figures["currency"])
    columns = [Column("What", is_wide=True), Column("Payment"), AMOUNT]
    return Table(columns, [["Prepaid balance", figures["funding"], amount]], [total, "", amount])
