"""One process that does due work until it is ended, as a worker of the payments queue does."""

from __future__ import annotations

import time

import django
from django.conf import settings

django.setup()

from accounts.outbox import run_due  # noqa: E402  (models need the settings)
from marketplace.celery import app  # noqa: E402  (as above)

AT_ONCE = 50


def main() -> None:
    """Work; Stripe's library repeats nothing by itself, so that every fault reaches the sender."""
    settings.STRIPE_NETWORK_RETRIES = 0
    settings.STRIPE_READ_TIMEOUT_SECONDS = 1
    settings.OUTBOX_NUDGES = False
    app.loader.import_default_modules()
    print("ready", flush=True)
    while True:
        if not run_due(AT_ONCE):
            time.sleep(0.05)


if __name__ == "__main__":
    main()
