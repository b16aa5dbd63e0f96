"""The Celery application: finds every app's ``jobs.py`` and holds the whole beat schedule.

Beat does no work: each entry writes one outbox row for its period, which any worker, or the sweeper, then takes.
"""

from __future__ import annotations

import os
from typing import Final

from celery import Celery
from celery.signals import setup_logging
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketplace.settings")

MINUTE, HOUR, DAY = 60, 3_600, 86_400

RECURRING: Final[dict[str, int]] = {
    "accounts.seal_audit": 5,
    "accounts.prune": HOUR,
    "experts.expire_credentials": HOUR,
    "labs.prune_deliveries": HOUR,
    "labs.sweep_deliveries": 2 * MINUTE,
    "labs.sweep_idempotency": HOUR,
    "marketplace.sweep_simulations": 5 * MINUTE,
    "payments.catch_up_stripe_events": HOUR,
    "payments.check_ledger": DAY,
    "payments.reconcile": DAY,
    "payments.expire_tax_forms": DAY,
    "payments.sweep_payouts": 5 * MINUTE,
    "payments.sweep_statements": HOUR,
    "tasks.accept_by_clock": MINUTE,
    "tasks.close_cases": HOUR,
    "tasks.expire_claims": 15,
    "tasks.expire_offers": MINUTE,
    "tasks.sweep_budgets": MINUTE,
    "tasks.sweep_exports": 5 * MINUTE,
    "tasks.sweep_ingest": 5 * MINUTE,
}

QUEUES: Final = ("default", "mail", "notices", "payments", "routing", "exports", "ingest", "webhooks", "simulation")

app = Celery("guildhall")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(related_name="jobs")
app.conf.task_queues = [Queue(name) for name in QUEUES]
app.conf.beat_schedule = {
    kind: {"task": "accounts.recur", "args": (kind, seconds), "schedule": seconds}
    for kind, seconds in RECURRING.items()
}


@setup_logging.connect(weak=False)
def keep_our_logging(**_: object) -> None:
    """Leave logging as the settings made it: Celery would replace it."""
