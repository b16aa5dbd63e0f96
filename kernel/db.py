"""Own the transaction: actions commit, steps demand one, calls to others refuse one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import connection, transaction

P = ParamSpec("P")
R = TypeVar("R")

# What an API request wants done in its action's transaction: it closes the request's idempotency row.
before_commit: ContextVar[Callable[[object], None] | None] = ContextVar("before_commit", default=None)


def action(function: Callable[P, R]) -> Callable[P, R]:
    """Make ``function`` own its transaction; it cannot be nested in another by accident."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with transaction.atomic(durable=True):
            outcome = function(*args, **kwargs)
            hook = before_commit.get()
            if hook is not None:
                hook(outcome)
            return outcome

    return run


@contextmanager
def together() -> Iterator[None]:
    """Send the block's statements without waiting for each other's answers; what went wrong is raised at its end.

    Reading an answer inside the block waits for all that was sent before it.
    """
    require_transaction()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


def require_transaction() -> None:
    """Crash unless a transaction is open: a step must stand or fall with its action."""
    if not connection.in_atomic_block:
        raise RuntimeError("This step belongs inside an action.")


def forbid_transaction() -> None:
    """Crash if a transaction is open: what leaves the process must not hold rows (a test's own frame apart)."""
    if any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks):
        raise RuntimeError("This call must not run inside a transaction.")


def app_now() -> datetime:
    """Read the one clock, as aware UTC; a door reads it once and passes it down."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT app_now()")
        (now,) = cursor.fetchone()
    assert isinstance(now, datetime)
    return now
