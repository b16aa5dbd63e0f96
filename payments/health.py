"""How the ledger is, for the page of operators."""

from __future__ import annotations

from datetime import timedelta

from accounts.health import Check, part
from kernel.db import app_now
from payments.models import LedgerCheck

LATE = timedelta(hours=26)  # It is asked once a day.
ADVICE = "Run manage.py check_ledger, and follow the runbook."


@part
def ledger() -> Check:
    """Say what the last nightly check of the ledger found."""
    last = LedgerCheck.objects.first()
    if last is None:
        return Check("Ledger", "wait", "Not checked yet", ADVICE)
    when = f"{last.at:%Y-%m-%d %H:%M} UTC"
    if last.broken:
        names = "; ".join(each["name"] for each in last.broken)
        return Check("Ledger", "stopped", f"Broken at {when}: {names}", ADVICE)
    if app_now() - last.at > LATE:
        return Check("Ledger", "wait", f"Last checked at {when}", "Is the worker of payments running?")
    return Check("Ledger", "settled", f"All {last.asked} invariants held at {when}")
