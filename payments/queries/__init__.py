"""What may be seen of money, and by whom: rows ready to render."""

from payments.queries.cards import CardRow, PublicCard, RateQuote, card_rows, public_card, rate_for, rates_by_tier
from payments.queries.documents import documents_of_expert, documents_of_lab, documents_seen_by
from payments.queries.earnings import Earnings, Week, earnings_of, pay_lines_of, statement_rows
from payments.queries.funds import (
    FundingRow,
    LabFunds,
    ProjectFunds,
    balance,
    budgets_of,
    fundings_of,
    fundings_seen_by,
    lab_funds,
    project_funds,
)
from payments.queries.journal import JournalLine, is_line_of, journal_of, place_of
from payments.queries.papers import Period, month_before, month_of, year_of
from payments.queries.runs import (
    RunPage,
    RunRow,
    items_of,
    payee_of,
    run_page,
    run_rows,
    runs_seen_by,
    waiting_runs,
)
from payments.queries.years import Year, earnings_in

__all__ = [
    "CardRow",
    "Earnings",
    "FundingRow",
    "JournalLine",
    "LabFunds",
    "Period",
    "ProjectFunds",
    "PublicCard",
    "RateQuote",
    "RunPage",
    "RunRow",
    "Week",
    "Year",
    "balance",
    "budgets_of",
    "card_rows",
    "documents_of_expert",
    "documents_of_lab",
    "documents_seen_by",
    "earnings_in",
    "earnings_of",
    "fundings_of",
    "fundings_seen_by",
    "is_line_of",
    "items_of",
    "journal_of",
    "lab_funds",
    "month_before",
    "month_of",
    "pay_lines_of",
    "payee_of",
    "place_of",
    "project_funds",
    "public_card",
    "rate_for",
    "rates_by_tier",
    "run_page",
    "run_rows",
    "runs_seen_by",
    "statement_rows",
    "waiting_runs",
    "year_of",
]
