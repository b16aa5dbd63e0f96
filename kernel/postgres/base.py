"""Tell whether a kept connection still stands, without asking the server."""

from select import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, where a quiet socket counts as a sound one."""

    def is_usable(self) -> bool:
        """Return False when the server has hung up.

        It says so on the socket, and between requests it says nothing else; whatever is there is a reason to ask it.
        """
        if self.connection is None or self.connection.closed:
            return False
        heard, _, _ = select([self.connection.fileno()], [], [], 0)
        return not heard or bool(super().is_usable())
