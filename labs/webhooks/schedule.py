"""When a delivery is tried again, and when an endpoint is given up: the times that Standard Webhooks proposes."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Final

# After each failed attempt, how long until the next: ten attempts in about 76 hours.
WAITS: Final = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
MOST_ATTEMPTS: Final = len(WAITS) + 1
JITTER: Final = 0.1
GIVES_UP_AFTER: Final = timedelta(days=3)
REST: Final = timedelta(seconds=60)


def next_attempt(attempts: int, now: datetime) -> datetime | None:
    """Return when to try again after this many failed attempts, or None when there were enough."""
    if attempts >= MOST_ATTEMPTS:
        return None
    wait = WAITS[attempts - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # jitter
    return now + timedelta(seconds=wait)


def is_hopeless(failing_since: datetime | None, now: datetime) -> bool:
    """Tell whether an endpoint has failed for so long, without one success, that it is left alone."""
    return failing_since is not None and now - failing_since >= GIVES_UP_AFTER
