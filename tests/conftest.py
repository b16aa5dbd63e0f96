"""What every test may ask for."""

from __future__ import annotations

from tests.browser import chromium, live, page
from tests.database import django_db_setup
from tests.payments.ledger_check import ledger_holds_at_the_end

__all__ = ["chromium", "django_db_setup", "ledger_holds_at_the_end", "live", "page"]
