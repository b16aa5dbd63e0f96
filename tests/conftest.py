"""What every test may ask for."""

from __future__ import annotations

from tests.database import django_db_setup

__all__ = ["django_db_setup"]
