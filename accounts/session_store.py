"""Keep sessions in the database under a hash of their key: a stolen copy of the table opens nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.db.models import DateTimeField, Func
from django.utils import timezone

from accounts.models import Session, User
from kernel.prepared import Prepared

# One question a request: which session, whose, and when it is.
SESSION = Prepared(
    lambda key, now: (
        Session.objects.filter(session_key=key, expire_date__gt=now)
        .select_related("user")
        .annotate(read_at=Func(function="app_now", output_field=DateTimeField()))
    ),
    key="key",
    now=datetime.now(UTC),
)


def stored_key(key: str) -> str:
    """Return what the table holds for a browser's session key."""
    return sha256(key.encode()).hexdigest()[:40]


class SessionStore(db.SessionStore):
    """Django's sessions, stored by hash and with whose they are."""

    person: User | None = None  # Who it was signed in as when it was loaded; whether they still may is not asked here.
    read_at: datetime | None = None  # When it was loaded, by the one clock.

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Return our own rows."""
        return Session

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
        row.user_id = UUID(data[SESSION_KEY]) if SESSION_KEY in data else None
        return row

    def _get_session_from_db(self) -> Session | None:
        key = self.session_key
        if key is None:
            return None
        row = SESSION.get(key=stored_key(key), now=timezone.now())
        if row is None:
            self._session_key = None
            return None
        self.person, self.read_at = row.user, row.read_at  # type: ignore[attr-defined]  # annotated above
        return row
