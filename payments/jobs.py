"""Work that payments leave to be done after commit; every job is safe to run twice, even at once."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from accounts.outbox import job
from experts.models import Expert
from kernel.db import app_now
from labs.models import Lab
from payments import actions, checks, reconciliation, sending, stripe_events
from payments.models import Funding, PayoutRun
from payments.queries import month_before, month_of
from payments.queries.standstill import is_standing_still
from payments.states import RunState

# Sending


@job("payments.send_run", queue="payments", timeout=120)
def send_run(run: str) -> None:
    """Begin an approved run, or take a partial one up again; a paused one is a person's to resume.

    While payouts stand still it waits: whatever lets them go on makes it due again.
    """
    row = PayoutRun.objects.get(pk=UUID(run))
    if row.state in (RunState.APPROVED, RunState.PARTIAL) and not is_standing_still():
        sending.start_sending(row, now=app_now())


@job("payments.send_payout_item", queue="payments", timeout=120)
def send_payout_item(item: str) -> None:
    """Carry one item to Stripe."""
    sending.carry_item(UUID(item))


@job("payments.finish_payout_run", queue="payments")
def finish_payout_run(run: str) -> None:
    """Close a run of which no item is open."""
    sending.finish_run(UUID(run), now=app_now())


@job("payments.sweep_payouts", queue="payments")
def sweep_payouts() -> None:
    """Take up items of running runs that nothing has touched for a while."""
    sending.make_stalled_items_due(now=app_now())


# Reconciling


@job("payments.reconcile", queue="payments", timeout=600)
def reconcile(by: str = "") -> None:
    """Compare all our money with Stripe's: each night, and when somebody asks."""
    reconciliation.reconcile(UUID(by) if by else None)


# The ledger


@job("payments.check_ledger", queue="payments", timeout=600)
def check_ledger() -> None:
    """Ask every invariant of the ledger, and tell people if one is broken."""
    actions.note_ledger_check(checks.check_ledger(), now=app_now())


# What Stripe says


@job("payments.process_stripe_event", queue="payments", timeout=120)
def process_stripe_event(mode: str, event: str) -> None:
    """Act on a stored event."""
    stripe_events.process_event(mode, event)


@job("payments.catch_up_stripe_events", queue="payments", timeout=300)
def catch_up_stripe_events() -> None:
    """Store events that never arrived, and ask about what waits for one."""
    stripe_events.catch_up(now=app_now())


@job("payments.charge_funding", queue="payments", timeout=120)
def charge_funding(funding: str) -> None:
    """Charge a lab's payment once."""
    actions.carry_funding(UUID(funding))


@job("payments.read_funding", queue="payments", timeout=120)
def read_funding(funding: str) -> None:
    """Ask Stripe how a lab's payment stands."""
    actions.look_up_funding(UUID(funding))


@job("payments.open_invoice", queue="payments", timeout=120)
def open_invoice(funding: str) -> None:
    """Open the invoice that a lab asked for, if that was not done at once."""
    actions.open_invoice(UUID(funding))


@job("payments.read_payee", queue="payments", timeout=120)
def read_payee(payee: str) -> None:
    """Ask Stripe whether an expert can be paid."""
    actions.read_payee(UUID(payee))


# Papers


@job("payments.issue_invoice", queue="payments")
def issue_invoice(funding: str) -> None:
    """Issue the invoice of a deposit."""
    actions.issue_invoice(Funding.objects.select_related("lab").get(pk=UUID(funding)), now=app_now())


@job("payments.issue_receipt", queue="payments")
def issue_receipt(funding: str) -> None:
    """Issue the receipt of a confirmed payment."""
    actions.issue_receipt(Funding.objects.select_related("lab").get(pk=UUID(funding)), now=app_now())


@job("payments.issue_lab_statement", queue="payments", timeout=120)
def issue_lab_statement(lab: str, start: str) -> None:
    """Issue a lab's statement of the month that begins on ``start``."""
    actions.issue_lab_statement(Lab.objects.get(pk=UUID(lab)), month_of(date.fromisoformat(start)), now=app_now())


@job("payments.issue_expert_statement", queue="payments", timeout=120)
def issue_expert_statement(expert: str, start: str) -> None:
    """Issue an expert's statement of the month that begins on ``start``."""
    row = Expert.objects.select_related("user").get(pk=UUID(expert))
    actions.issue_expert_statement(row, month_of(date.fromisoformat(start)), now=app_now())


@job("payments.issue_expert_year", queue="payments")
def issue_expert_year(expert: str, year: int) -> None:
    """Issue an expert's summary of a year."""
    actions.issue_expert_year(Expert.objects.select_related("user").get(pk=UUID(expert)), year, now=app_now())


@job("payments.make_statements_due", queue="payments", timeout=300)
def make_statements_due(start: str) -> None:
    """Make each statement of the month that begins on ``start`` due."""
    actions.make_statements_due(month_of(date.fromisoformat(start)))


@job("payments.sweep_statements", queue="payments")
def sweep_statements() -> None:
    """Close last month, an hour after its end: by then every commit of it is there."""
    actions.close_month(month_before((app_now() - timedelta(hours=1)).date()))


@job("payments.expire_tax_forms", queue="payments")
def expire_tax_forms() -> None:
    """Ask again for tax forms that hold no longer."""
    while actions.expire_tax_forms(app_now()):
        pass


# Asking


@job("payments.ask_for_payee", queue="payments")
def ask_for_payee(expert: str) -> None:
    """Ask an expert where to send the first pay."""
    actions.ask_for_payee(UUID(expert), now=app_now())


# Test mode


@job("payments.grant_play_money", queue="payments")
def grant_play_money(lab: str) -> None:
    """Give a lab that begins to try things out its first play money."""
    actions.grant_play_money(Lab.objects.get(pk=UUID(lab)), now=app_now())
