"""Documents of money as PDF: what they say, from exact figures, and how it is set."""

from payments.papers.experts import expert_statement, expert_year
from payments.papers.labs import deposit_invoice, lab_statement, receipt
from payments.papers.setting import Figures, Head, Paper, set_paper

__all__ = [
    "Figures",
    "Head",
    "Paper",
    "deposit_invoice",
    "expert_statement",
    "expert_year",
    "lab_statement",
    "receipt",
    "set_paper",
]
