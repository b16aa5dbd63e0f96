"""What every test may ask for."""

from __future__ import annotations

from tests.browser import chromium, live, page
from tests.database import django_db_setup

__all__ = ["chromium", "django_db_setup", "live", "page"]
