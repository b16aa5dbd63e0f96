"""Who calls: a key in the Authorization header, looked up by its id and compared by its hash."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.utils.crypto import constant_time_compare
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from kernel.db import app_now
from kernel.errors import Refused
from kernel.http import client_ip
from labs import queries, rules
from labs.actions import note_key_use
from labs.models import ApiKey, LabState
from labs.secrets import parse_key_text

# One sentence for every way in which a key can be wrong: a stranger learns nothing from it.
NO_KEY = "Send a key that is valid now: Authorization: Bearer gh_live_… or gh_test_…"


class LabIsFrozen(Refused):
    """The lab may read, and may not write, until an operator lifts it."""

    code = "lab_frozen"
    status = 403


class NotFromHere(Refused):
    """The key is bound to networks, and this is none of them."""

    code = "network_not_allowed"
    status = 403


class LabKeyAuthentication(BaseAuthentication):
    """Read ``Authorization: Bearer gh_…``; ``request.auth`` is the ApiKey, ``request.user`` stays anonymous."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey] | None:
        """Return the key, None when no header came, or raise for a key that does not open anything."""
        words = get_authorization_header(request).split()
        if not words:
            return None
        if len(words) != 2 or words[0].lower() != b"bearer" or not words[1].isascii():
            raise AuthenticationFailed(NO_KEY)
        now = app_now()
        key = usable_key(words[1].decode("ascii"), now=now)
        request._request.api_key = key  # type: ignore[attr-defined]  # whose access was refused, for the audit log
        ip = client_ip(request._request)
        if not rules.is_allowed_from(key, ip):
            raise NotFromHere("This key may not be used from your address. Its lab's owners say from where it may.")
        note_key_use(key, ip=ip, now=now)
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:
        """Say how to authenticate; this is what makes the answer 401 rather than 403."""
        return 'Bearer realm="Guildhall"'


def usable_key(text: str, *, now: datetime) -> ApiKey:
    """Return the key that ``text`` spells, or raise AuthenticationFailed."""
    parts = parse_key_text(text)
    key = queries.find_key(parts.mode, parts.key_id) if parts else None
    if parts is None or key is None:
        raise AuthenticationFailed(NO_KEY)
    if not constant_time_compare(bytes(key.secret_sha256), parts.secret_sha256):
        raise AuthenticationFailed(NO_KEY)
    if not rules.is_usable(key, now) or key.lab.state == LabState.CLOSED:
        raise AuthenticationFailed(NO_KEY)
    return key


class HasScope(BasePermission):
    """Ask the view which scope the method needs; ``None`` takes any key."""

    message = "This key was not made for this. Make one with the scope that the documentation names."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Refuse callers without a key, keys without the scope, and writes of a frozen lab."""
        key = request.auth
        if not isinstance(key, ApiKey):
            return False
        scope = getattr(view, "scopes", {}).get("GET" if request.method == "HEAD" else request.method)
        if scope is not None and not rules.has_scope(key, scope):
            return False
        if request.method not in {"GET", "HEAD", "OPTIONS"} and key.lab.state == LabState.FROZEN:
            raise LabIsFrozen("This lab is frozen: it can read, and an operator has to lift it before it can post.")
        return True
