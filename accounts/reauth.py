"""Ask again who somebody is before money moves."""

from accounts.doors import recently_authenticated, require_recent_auth

__all__ = ["recently_authenticated", "require_recent_auth"]
