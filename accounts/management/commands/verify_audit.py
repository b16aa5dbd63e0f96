"""Verify the audit log against its chain of seals."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import AuditEvent, AuditSeal
from accounts.seals import verify_audit


class Command(BaseCommand):
    """Name each broken row, or say that there is none."""

    help = "Check every sealed audit row and every link of the chain; exit 1 and name what is broken."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print faults as they are found."""
        faults = 0
        for fault in verify_audit():
            faults += 1
            self.stdout.write(f"BROKEN {fault.what} {fault.row}: {fault.detail}")
        if faults:
            raise CommandError(f"{faults} faults.")
        head = AuditSeal.objects.order_by("-number").first()
        mark = f"{head.number} {bytes(head.hash).hex()}" if head else "none yet"
        self.stdout.write(f"OK {AuditEvent.objects.count()} events; newest seal {mark}")
