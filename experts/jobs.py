"""Background work on experts' rows."""

from accounts.outbox import job
from experts.actions import expire_credentials
from kernel.db import app_now


@job("experts.expire_credentials", timeout=60)
def expire_credentials_of_the_day() -> None:
    """Expire what has passed its last day; the next beat takes up what is left."""
    expire_credentials(now=app_now())
