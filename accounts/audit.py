"""Record what happened, in the transaction in which it happens."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from django.db import models, transaction

from accounts.context import door
from accounts.models import AuditEvent
from kernel.db import app_now, require_transaction
from kernel.rows import insert


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
    object_id = getattr(obj, "public_id", None) or str(obj.pk)
    _write(actor, verb, obj._meta.label_lower, object_id, at, was or "", dict(details))


def audit_now(actor: Actor | None, verb: str, obj: models.Model) -> None:
    """Write one row in a transaction of its own, for what happens outside any action, such as signing in."""
    with transaction.atomic():
        audit(actor, verb, obj, at=app_now())


def audit_refusal(actor: Actor, *, method: str, path: str, status: int) -> None:
    """Keep, in a transaction of its own, that somebody asked for what they may not have."""
    with transaction.atomic():
        details = {"method": method, "path": path[:200], "status": status}
        _write(actor, "access.refused", "url", "", app_now(), "", details)


def _write(
    actor: Actor | None, verb: str, kind: str, object_id: str, at: datetime, was: str, details: dict[str, object]
) -> None:
    at_door = door.get()
    insert(
        AuditEvent(
            at=at,
            actor=actor.public_id if actor else "",
            acting_role=at_door.acting_role,
            verb=verb,
            object_type=kind,
            object_id=object_id,
            was=was,
            details=details,
            ip=at_door.ip,
            request_id=at_door.request_id,
        )
    )
