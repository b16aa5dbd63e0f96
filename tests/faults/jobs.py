"""Jobs that real workers do in these tests."""

import os
import signal
import time

from django.db import transaction

from accounts.mail import post_mail
from accounts.outbox import job


@job("faults.effect", timeout=20)
def effect(number: int) -> None:
    """Take effect once, however often it runs: by the letter's key."""
    with transaction.atomic():
        post_mail(to="cyd@example.com", subject=f"Effect {number}", body="", key=f"effect-{number}")


@job("faults.slow_effect", timeout=4)
def slow_effect(number: int) -> None:
    """Be at it for a while, then take effect."""
    time.sleep(1.5)
    effect(number)


@job("faults.poison", timeout=1)
def poison() -> None:
    """Kill the process that does it."""
    os.kill(os.getpid(), signal.SIGKILL)
