"""What may be seen of invitations, and by whom."""

from __future__ import annotations

from django.db.models import QuerySet

from labs.invitations.actions import hash_of
from labs.models import Invitation, Lab

LONGEST_TOKEN = 100


def invitations_of(lab: Lab) -> QuerySet[Invitation]:
    """List the lab's invitations that were neither accepted nor withdrawn, newest first."""
    rows = Invitation.objects.filter(lab=lab, accepted_at=None, revoked_at=None)
    return rows.select_related("invited_by", "lab").order_by("-created_at", "-id")


def find_invitation(token: str) -> Invitation | None:
    """Return the invitation that a link names, over or not; None for a link that never was or was replaced."""
    if not token.isascii() or len(token) > LONGEST_TOKEN:
        return None
    rows = Invitation.objects.filter(token_sha256=hash_of(token)).exclude(token_sha256=b"")
    return rows.select_related("lab", "invited_by").first()
