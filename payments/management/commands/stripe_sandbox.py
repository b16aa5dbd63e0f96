"""Run the local Stripe as a process of its own."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from payments.sandbox.deliveries import Hook
from payments.sandbox.server import Sandbox

ENDPOINTS = ("account", "connect", "thin")


class Command(BaseCommand):
    """Serve until asked to stop; what it knows survives a restart."""

    help = "Run the local Stripe sandbox at STRIPE_API_BASE (loopback only, never in production)."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where events are to be delivered and where the state is kept."""
        parser.add_argument("--deliver-to", default=settings.PUBLIC_URL, help="the site's own address")
        parser.add_argument("--snapshot", type=Path, default=Path(settings.DATA_DIR) / "stripe_sandbox.json")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start the sandbox and wait for a signal."""
        if settings.IS_PRODUCTION:
            raise CommandError("The Stripe sandbox does not exist in production.")
        address = urlsplit(settings.STRIPE_API_BASE)
        if address.scheme != "http" or address.port is None:
            raise CommandError("STRIPE_API_BASE must be a loopback address with a port, as http://127.0.0.1:8430.")
        options["snapshot"].parent.mkdir(parents=True, exist_ok=True)
        sandbox = Sandbox(address.port, host=address.hostname or "", snapshot=options["snapshot"])
        sandbox.world.hooks = site_hooks(options["deliver_to"])
        sandbox.start()
        self.stdout.write(f"Stripe sandbox at {sandbox.url}")
        self.stdout.flush()
        wait_for_signal()
        sandbox.stop()


def site_hooks(base_url: str) -> list[Hook]:
    """Return the site's three endpoints with the secrets it expects."""
    return [
        Hook(
            id=f"we_sbx{name}",
            url=f"{base_url}/stripe/webhook/{name}",
            secret=settings.STRIPE_WEBHOOK_SECRETS[name][0],
            wants_connect=name == "connect",
            payload="thin" if name == "thin" else "snapshot",
        )
        for name in ENDPOINTS
    ]


def wait_for_signal() -> None:
    """Sleep until SIGINT or SIGTERM."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    stopping.wait()
