"""Answer questions about a bare user; safe for visitors who are not signed in."""

from django.contrib.auth.models import AnonymousUser

from accounts.models import Role, User


def is_operator(user: User | AnonymousUser) -> bool:
    """Does this user hold any operator role?"""
    return bool(_roles(user))


def is_vetting(user: User | AnonymousUser) -> bool:
    """May this user work at the vetting desk?"""
    return Role.VETTING in _roles(user)


def is_finance(user: User | AnonymousUser) -> bool:
    """May this user work at the payout desk?"""
    return Role.FINANCE in _roles(user)


def is_trust(user: User | AnonymousUser) -> bool:
    """May this user settle cases?"""
    return Role.TRUST in _roles(user)


def is_owner(user: User | AnonymousUser) -> bool:
    """May this user give and take roles?"""
    return Role.OWNER in _roles(user)


def can_grant_role(by: User | AnonymousUser, user: User) -> bool:
    """An owner gives and takes roles, never their own."""
    return is_owner(by) and by.pk != user.pk


def _roles(user: User | AnonymousUser) -> list[str]:
    return user.operator_roles if isinstance(user, User) and user.is_active else []
