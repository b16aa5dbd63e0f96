"""Tell people things: a line in their inbox, and a letter where that is wanted."""

from datetime import datetime

from accounts.models import Notification, User
from kernel.db import require_transaction


def notify(user: User, text: str, url: str, at: datetime) -> None:
    """Put a line with a link into ``user``'s inbox."""
    require_transaction()
    Notification.objects.create(user=user, text=text, url=url, at=at)
