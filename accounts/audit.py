"""Record what happened, in the transaction in which it happens."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.db import models

from accounts.context import door
from accounts.models import AuditEvent
from kernel.db import require_transaction


class Actor(Protocol):
    """Somebody with a public id: a user, or a lab's key."""

    @property
    def public_id(self) -> str:
        """Name the actor."""


def audit(
    actor: Actor | None,
    verb: str,
    obj: models.Model,
    *,
    at: datetime,
    was: str | None = None,
    **details: str | int | UUID | datetime | None,
) -> None:
    """Write one row: who did what to which object, from which state; ids and figures, never content."""
    require_transaction()
    at_door = door.get()
    AuditEvent.objects.create(
        at=at,
        actor=actor.public_id if actor else "",
        acting_role=at_door.acting_role,
        verb=verb,
        object_type=obj._meta.label_lower,
        object_id=getattr(obj, "public_id", None) or str(obj.pk),
        was=was or "",
        details=details,
        ip=at_door.ip,
        request_id=at_door.request_id,
    )
