"""Tell people things: a line in their inbox, and a letter where that is wanted."""

from datetime import datetime

from accounts.models import Notification, User
from kernel.db import require_transaction


def notify(user: User, text: str, url: str, at: datetime) -> None:
    """Put a line with a link into ``user``'s inbox."""
    require_transaction()
    if user.is_simulated:
        return  # Nobody reads it.
    Notification.objects.create(user=user, text=text, url=url, at=at)
