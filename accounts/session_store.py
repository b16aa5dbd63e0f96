"""Keep sessions in the database under a hash of their key: a stolen copy of the table opens nothing."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from kernel.prepared import Prepared

SESSION = Prepared(
    lambda key, now: Session.objects.filter(session_key=key, expire_date__gt=now), key="key", now=datetime.now(UTC)
)


def stored_key(key: str) -> str:
    """Return what the table holds for a browser's session key."""
    return sha256(key.encode()).hexdigest()[:40]


class SessionStore(db.SessionStore):
    """Django's sessions, stored by hash."""

    def exists(self, session_key: str) -> bool:
        """Tell whether a key is in use."""
        return super().exists(stored_key(session_key))

    def delete(self, session_key: str | None = None) -> None:
        """Forget a session."""
        key = session_key or self.session_key
        if key is not None:
            super().delete(stored_key(key))

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """Build the row to be stored."""
        row = super().create_model_instance(data)
        assert isinstance(row, Session)  # What this store keeps.
        row.session_key = stored_key(row.session_key)
        return row

    def _get_session_from_db(self) -> Session | None:
        key = self.session_key
        if key is None:
            return None
        row = SESSION.get(key=stored_key(key), now=timezone.now())
        if row is None:
            self._session_key = None
        return row
