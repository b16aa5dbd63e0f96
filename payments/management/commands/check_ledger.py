"""Check the money: each invariant on a line, and a failure if any is broken."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from payments.checks import check_ledger


class Command(BaseCommand):
    """Print every invariant of the ledger and whether it holds."""

    help = "Checks that the ledger, holds, pay lines, payouts and fundings agree; exits 1 if they do not."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line an invariant, with what it was asked of, and below it what breaks it."""
        findings = check_ledger()
        for found in findings:
            self.stdout.write(f"{'BROKEN' if found.breaches else 'holds '}  {found.name}: {found.figure}")
            for breach in found.breaches:
                self.stdout.write(f"        {breach}")
        if any(found.breaches for found in findings):
            sys.exit(1)
