"""Who may do what for a lab: pure questions about loaded rows."""

from __future__ import annotations

from datetime import datetime

from labs.models import ApiKey, Lab, LabState, Member, Role


def can_manage(membership: Member | None) -> bool:
    """Tell whether this person may change the lab's keys, people and money."""
    return membership is not None and membership.role == Role.OWNER


def can_see(membership: Member | None) -> bool:
    """Tell whether this person acts for the lab at all."""
    return membership is not None


def is_open_for_business(lab: Lab) -> bool:
    """Tell whether the lab may post and launch work."""
    return lab.state == LabState.ACTIVE


def is_usable(key: ApiKey, now: datetime) -> bool:
    """Tell whether the key still speaks for its lab."""
    return key.revoked_at is None and (key.expires_at is None or key.expires_at > now)


def has_scope(key: ApiKey, scope: str) -> bool:
    """Tell whether the key was made for this use."""
    return scope in key.scopes
