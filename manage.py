#!/usr/bin/env python3
"""Django's command line. Without GUILDHALL_MODE it works on the demo that bin/demo made, if there is one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

DEMO_ENVIRONMENT = Path(__file__).resolve().parent / ".guildhall" / "environment"

# The web runs as a role that owns nothing; these commands change the schema or the rights of that role.
OWNER_COMMANDS = frozenset({"prepare_database", "migrate", "createcachetable", "grant_app_role", "flush"})


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")
    if "GUILDHALL_MODE" not in os.environ and DEMO_ENVIRONMENT.exists():
        for line in DEMO_ENVIRONMENT.read_text().splitlines():
            name, _, value = line.partition("=")
            os.environ.setdefault(name, value)
    if OWNER_COMMANDS.intersection(sys.argv[1:2]) and os.environ.get("DATABASE_OWNER_URL"):
        os.environ["DATABASE_URL"] = os.environ["DATABASE_OWNER_URL"]
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
