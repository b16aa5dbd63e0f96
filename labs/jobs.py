"""Background work of labs: mail about applications, and forgetting the keys of old requests."""

from __future__ import annotations

from uuid import UUID

from accounts.outbox import job
from kernel.db import app_now
from labs import notices
from labs.doors.idempotency import sweep_records
from labs.models import Lab


@job("labs.tell_operators_of_application")
def tell_operators_of_application(lab: str) -> None:
    """Write to trust and owners that a lab waits for them."""
    notices.tell_operators_of_application(Lab.objects.get(pk=UUID(lab)), now=app_now())


@job("labs.tell_owners_of_approval")
def tell_owners_of_approval(lab: str) -> None:
    """Write to the lab's owners that they may begin."""
    notices.tell_owners_of_approval(Lab.objects.get(pk=UUID(lab)), now=app_now())


@job("labs.tell_owners_of_decline")
def tell_owners_of_decline(lab: str) -> None:
    """Write to the lab's owners that their application was declined."""
    notices.tell_owners_of_decline(Lab.objects.get(pk=UUID(lab)), now=app_now())


@job("labs.sweep_idempotency", timeout=120)
def sweep_idempotency() -> None:
    """Forget Idempotency-Keys older than seven days."""
    while sweep_records(app_now()):
        continue
