"""The names under which labs know experts."""

from __future__ import annotations

import hmac
from base64 import b32encode
from uuid import UUID

from django.conf import settings


def pseudonym(within: UUID, expert_id: UUID) -> str:
    """Name an expert the same way throughout a project, or an agreement; no other's rows can be matched to the name."""
    digest = hmac.digest(settings.SECRET_KEY.encode(), b"expert:" + within.bytes + expert_id.bytes, "sha256")
    return "expert-" + b32encode(digest[:10]).decode().lower()
