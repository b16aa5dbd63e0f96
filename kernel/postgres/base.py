"""Django's PostgreSQL backend, for connections that are kept and for statements that are sent ahead."""

from select import select
from typing import Any

import psycopg
from django.db.backends.postgresql import base


class Cursor(base.CursorMixin, psycopg.Cursor[tuple[Any, ...]]):
    """A cursor that counts rows truly while statements are sent ahead of their answers."""

    @property
    def rowcount(self) -> int:
        """Return how many rows the last statement touched; its answer is awaited first."""
        if self.pgresult is None and self.connection.info.pipeline_status:
            with self.connection.pipeline():  # Entering it once more waits for all that was sent.
                pass
        return super().rowcount


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, where a quiet socket counts as a sound one."""

    def get_connection_params(self) -> dict[str, Any]:
        """Return what to connect with; where values travel apart from statements, so do our cursors."""
        params: dict[str, Any] = super().get_connection_params()
        if params["cursor_factory"] is base.ServerBindingCursor:
            params["cursor_factory"] = Cursor
        return params

    def is_usable(self) -> bool:
        """Return False when the server has hung up.

        It says so on the socket, and between requests it says nothing else; whatever is there is a reason to ask it.
        """
        if self.connection is None or self.connection.closed:
            return False
        heard, _, _ = select([self.connection.fileno()], [], [], 0)
        return not heard or bool(super().is_usable())
