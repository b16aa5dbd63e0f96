"""What an expert's papers say: the statement of a month, down to the seconds, and the year in months."""

from __future__ import annotations

from payments.papers.setting import Column, Figures, Paper, Table
from payments.papers.words import day, hours, money, month

PAID = ("earned_minor", "paid_minor")
TIME, RATE, AMOUNT = (Column(each, is_figure=True) for each in ("Time", "Rate an hour", "Amount"))


def expert_statement(figures: Figures) -> Paper:
    """Return an expert's month: the account, and each pay line with its seconds and its rate."""
    currency = figures["currency"]
    changes = [[each["what"], money(each["minor"], currency)] for each in figures["changes"]]
    return Paper(
        title=f"Statement, {month(figures['start'])}",
        whom="Account of",
        to=_expert(figures),
        country=figures["expert"]["country"],
        facts=[
            ("From", day(figures["start"])),
            ("To", day(figures["last"])),
            ("Earned", money(figures["earned_minor"], currency)),
        ],
        tables=[
            Table(
                [Column("The month", is_wide=True), AMOUNT],
                [["Owed to you at the start", money(figures["opening_minor"], currency)], *changes],
                ["Owed to you at the end", money(figures["closing_minor"], currency)],
            ),
            *_lines(figures),
        ],
        notes=[
            "A line is seconds times the rate an hour, divided by 3,600 and rounded once, half to even. It belongs to "
            "the month of its decision. Days are those of UTC.",
        ],
    )


def expert_year(figures: Figures) -> Paper:
    """Return an expert's year in months: what was earned, and what was sent, by the day of the transfer."""
    currency = figures["currency"]
    rows = [
        [month(row["start"]), hours(row["seconds"]), *(money(row[each], currency) for each in PAID)]
        for row in figures["months"]
    ]
    sums = [sum(row[name] for row in figures["months"]) for name in ("seconds", *PAID)]
    return Paper(
        title=f"Summary of {figures['start'][:4]}",
        whom="For",
        to=_expert(figures),
        country=figures["expert"]["country"],
        facts=[("Paid", money(sums[2], currency))],
        tables=[
            Table(
                [
                    Column("Month", is_wide=True),
                    Column("Paid time decided", is_figure=True),
                    Column("Earned", is_figure=True),
                    Column("Sent to you", is_figure=True),
                ],
                rows,
                ["The year", hours(sums[0]), money(sums[1], currency), money(sums[2], currency)],
            )
        ],
        notes=[
            "Earned counts by the day of the decision, sent by the day of the transfer: a tax year counts what was "
            "sent. Days are those of UTC. This is a summary, no tax form.",
        ],
    )


def _lines(figures: Figures) -> list[Table]:
    currency, rows = figures["currency"], figures["lines"]
    if not rows:
        return []
    total = [
        "All lines",
        "",
        "",
        hours(sum(row["seconds"] for row in rows)),
        "",
        money(figures["earned_minor"], currency),
    ]
    return [
        Table(
            [Column("Decided"), Column("Claim", is_wide=True), Column("For"), TIME, RATE, AMOUNT],
            [
                [
                    day(row["decided_at"]),
                    row["subject"],
                    f"{row['kind']}, {row['reason']}".replace("_", " "),
                    hours(row["seconds"]),
                    money(row["rate_minor"], currency),
                    money(row["amount_minor"], currency),
                ]
                for row in rows
            ],
            total,
            title="Pay lines",
        )
    ]


def _expert(figures: Figures) -> list[str]:
    expert = figures["expert"]
    return [expert["name"], expert["country"], expert["id"]]
