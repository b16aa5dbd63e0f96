"""Move the one clock, where the mode allows it: demo and tests."""

from datetime import timedelta

from django.conf import settings
from django.db import connection

MODES = frozenset({"demo", "test"})


class ClockIsFixed(RuntimeError):
    """Only the demo and the tests move the clock."""


def move_clock(by: timedelta) -> None:
    """Shift ``app_now()`` by ``by`` from where it stands."""
    _set("UPDATE app_clock SET shift = shift + make_interval(secs => %s::float)", by)


def set_offset(shift: timedelta) -> None:
    """Make ``app_now()`` the true time plus ``shift``."""
    _set("UPDATE app_clock SET shift = make_interval(secs => %s::float)", shift)


def _set(statement: str, interval: timedelta) -> None:
    if settings.GUILDHALL_MODE not in MODES:
        raise ClockIsFixed("The clock moves in demo and test modes only.")
    with connection.cursor() as cursor:
        cursor.execute(statement, [str(interval.total_seconds())])
