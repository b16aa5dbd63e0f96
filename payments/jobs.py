"""Work that payments leave to be done after commit; every job is safe to run twice, even at once."""

from __future__ import annotations

from uuid import UUID

from accounts.outbox import job
from kernel.db import app_now
from payments import sending
from payments.models import PayoutRun
from payments.sending import STARTABLE

# Sending


@job("payments.send_run", queue="payments", timeout=120)
def send_run(run: str) -> None:
    """Begin or resume an approved run."""
    row = PayoutRun.objects.get(pk=UUID(run))
    if row.state in STARTABLE:
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
