"""Bring the database up to date, as the role that owns it."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Migrate, make the cache's table, and give the app's role its rights."""

    help = "Migrate, make the cache's table and grant the app's role its rights. Run it at each deployment."

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the three in their order; each does nothing when it is done."""
        verbosity = options["verbosity"]
        call_command("migrate", interactive=False, verbosity=verbosity)
        call_command("createcachetable", verbosity=verbosity)
        call_command("grant_app_role", stdout=self.stdout)
