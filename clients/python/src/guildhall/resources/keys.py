"""Keys of the same mode, for a key with the scope ``admin``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from guildhall.models import Key, KeyWithSecret
from guildhall.resources.resource import Resource, given

Scope = Literal["tasks:write", "results:read", "funds:read", "webhooks:write", "admin"]


class Keys(Resource):
    """API keys. A secret is in the answer to the making alone; it is None where that answer was lost: rotate then."""

    def all(self) -> Iterator[Key]:
        """Yield keys, newest first."""
        return self._transport.pages("/keys")

    def get(self, key: str) -> Key:
        """Return a key, without its secret."""
        found: Key = self._transport.get(f"/keys/{key}")
        return found

    def create(
        self,
        *,
        label: str,
        scopes: Sequence[Scope],
        expires_at: datetime | None = None,
        allowed_networks: Sequence[str] | None = None,
        idempotency_key: str | None = None,
    ) -> KeyWithSecret:
        """Make a key; ``allowed_networks`` (CIDR) binds it to where it may be used from."""
        expires = None if expires_at is None else expires_at.isoformat()
        values = given(label=label, scopes=scopes, expires_at=expires, allowed_networks=allowed_networks)
        made: KeyWithSecret = self._transport.post("/keys", values, key=idempotency_key)
        return made

    def update(self, key: str, *, allowed_networks: Sequence[str]) -> Key:
        """Bind a key to networks, or to none."""
        changed: Key = self._transport.patch(f"/keys/{key}", {"allowed_networks": allowed_networks})
        return changed

    def rotate(self, key: str, *, idempotency_key: str | None = None) -> KeyWithSecret:
        """Make a key that takes another's place; that one works for 24 more hours."""
        made: KeyWithSecret = self._transport.post(f"/keys/{key}:rotate", key=idempotency_key)
        return made

    def revoke(self, key: str, *, idempotency_key: str | None = None) -> Key:
        """End a key with the next request."""
        ended: Key = self._transport.post(f"/keys/{key}:revoke", key=idempotency_key)
        return ended
