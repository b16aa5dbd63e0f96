"""The only writers of cards, fundings, payees, runs and papers."""

from payments.actions.approvals import MayNotApprove, approve_run, reject_run, reopen_run
from payments.actions.cards import RATES, install_rate_card
from payments.actions.checks import note_ledger_check
from payments.actions.corrections import MayNotCorrect, post_correction, refuse_correction, request_correction
from payments.actions.differences import ask_to_reconcile, resolve_difference
from payments.actions.documents import (
    close_month,
    issue_expert_statement,
    issue_expert_year,
    issue_invoice,
    issue_lab_statement,
    issue_receipt,
    make_statements_due,
    render,
)
from payments.actions.funding import (
    carry_funding,
    confirm_funding,
    post_float,
    read_funding,
    start_funding,
)
from payments.actions.invoices import look_up_funding, open_invoice, start_hosted_funding, take_invoice
from payments.actions.items import cancel_item, retry_item
from payments.actions.journals import lock_journal_batch
from payments.actions.payees import (
    NoPayoutRail,
    ask_for_payee,
    note_bank_change,
    onboarding_link,
    read_payee,
    record_readiness,
    start_payee,
)
from payments.actions.play import add_play_money, fund_in_play, grant_play_money
from payments.actions.runs import build_run, cancel_run, leave_out, submit_run
from payments.actions.stops import MayNotStop, lift_stop, stop_payouts
from payments.actions.taxes import declare_tax_form, expire_tax_forms

__all__ = [
    "RATES",
    "MayNotApprove",
    "MayNotCorrect",
    "MayNotStop",
    "NoPayoutRail",
    "add_play_money",
    "approve_run",
    "ask_for_payee",
    "ask_to_reconcile",
    "build_run",
    "cancel_item",
    "cancel_run",
    "carry_funding",
    "close_month",
    "confirm_funding",
    "declare_tax_form",
    "expire_tax_forms",
    "fund_in_play",
    "grant_play_money",
    "install_rate_card",
    "issue_expert_statement",
    "issue_expert_year",
    "issue_invoice",
    "issue_lab_statement",
    "issue_receipt",
    "leave_out",
    "lift_stop",
    "lock_journal_batch",
    "look_up_funding",
    "make_statements_due",
    "note_bank_change",
    "note_ledger_check",
    "onboarding_link",
    "open_invoice",
    "post_correction",
    "post_float",
    "read_funding",
    "read_payee",
    "record_readiness",
    "refuse_correction",
    "reject_run",
    "render",
    "reopen_run",
    "request_correction",
    "resolve_difference",
    "retry_item",
    "start_funding",
    "start_hosted_funding",
    "start_payee",
    "stop_payouts",
    "submit_run",
    "take_invoice",
]
