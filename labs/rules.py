"""Who may do what for a lab: pure questions about loaded rows."""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from accounts.rules import is_owner, is_trust
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


def is_allowed_from(key: ApiKey, ip: str | None) -> bool:
    """Tell whether the key may be used from this address."""
    if not key.allowed_networks:
        return True
    if ip is None:
        return False
    address = ip_address(ip)
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in ip_network(network) for network in key.allowed_networks)


def has_scope(key: ApiKey, scope: str) -> bool:
    """Tell whether the key was made for this use."""
    return scope in key.scopes


def may_decide(user: User | AnonymousUser) -> bool:
    """Tell whether this operator decides on labs at all."""
    return is_trust(user) or is_owner(user)


def can_decide(user: User, lab: Lab, is_member: bool) -> bool:
    """Tell whether this operator may decide on this application; nobody decides on their own lab."""
    return may_decide(user) and not is_member and lab.state == LabState.APPLICANT
