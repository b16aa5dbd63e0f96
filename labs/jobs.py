"""Background work of labs: letters, deliveries to labs' endpoints, and forgetting what is old."""

from __future__ import annotations

from uuid import UUID

from accounts.outbox import job
from kernel.db import app_now
from labs import notices
from labs.doors.idempotency import sweep_records
from labs.invitations import actions as invitations
from labs.models import Invitation, Lab, WebhookEndpoint
from labs.webhooks import deliveries, retention


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


@job("labs.send_invitation")
def send_invitation(invitation: str) -> None:
    """Write to somebody whom a lab invites."""
    invitations.send_invitation(Invitation.objects.get(pk=UUID(invitation)), now=app_now())


@job("labs.sweep_idempotency", timeout=120)
def sweep_idempotency() -> None:
    """Forget Idempotency-Keys older than seven days."""
    while sweep_records(app_now()):
        continue


@job("labs.deliver", queue="webhooks", timeout=60)
def deliver(endpoint: str) -> None:
    """Deliver what is due at an endpoint."""
    deliveries.deliver(UUID(endpoint))


@job("labs.sweep_deliveries")
def sweep_deliveries() -> None:
    """Look for deliveries that nobody came for."""
    deliveries.ask_for_left_behind()


@job("labs.prune_deliveries", timeout=120)
def prune_deliveries() -> None:
    """Forget deliveries that ended long ago, with their attempts."""
    while retention.prune_deliveries(now=app_now()):
        continue


@job("labs.tell_owners_of_disabled_endpoint")
def tell_owners_of_disabled_endpoint(endpoint: str) -> None:
    """Write to the lab's owners that nothing is sent to an endpoint any more."""
    notices.tell_owners_of_disabled_endpoint(WebhookEndpoint.objects.get(pk=UUID(endpoint)), now=app_now())
