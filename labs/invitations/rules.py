"""Which invitations still stand, and for whom: pure questions about loaded rows."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from labs.models import Invitation


def is_open(invitation: Invitation, now: datetime) -> bool:
    """Tell whether the invitation can still be accepted."""
    return invitation.accepted_at is None and invitation.revoked_at is None and invitation.expires_at > now


def is_for(invitation: Invitation, user: User, *, is_verified: bool) -> bool:
    """Tell whether this is the person invited: the account has the address, and has proved it."""
    return is_verified and user.email.lower() == invitation.email
