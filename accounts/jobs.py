"""Background work of accounts: letters, seals, tidying."""

from accounts import seals, sweeper, watchdog
from accounts.actions import forget_ended_sessions
from accounts.mail import send_letter
from accounts.models import Mail
from accounts.outbox import job
from kernel.db import app_now

__all__ = ["prune", "seal_audit", "send_mail", "watchdog"]


@job("accounts.send_mail", queue="mail", timeout=50, backoff_seconds=15)
def send_mail(mail: int) -> None:
    """Carry one letter to the mail server; a letter that has gone is not sent again."""
    send_letter(Mail.objects.get(pk=mail), now=app_now())


@job("accounts.seal_audit", timeout=50)
def seal_audit() -> None:
    """Seal what can be sealed of the audit log."""
    while seals.seal_audit():
        pass


@job("accounts.prune", timeout=120)
def prune() -> None:
    """Forget outbox rows done long ago, and sessions that ended."""
    sweeper.prune()
    forget_ended_sessions()
