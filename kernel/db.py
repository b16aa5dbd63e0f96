"""Own the transaction: actions commit, steps demand one, calls to others refuse one."""

from collections.abc import Callable
from contextlib import ExitStack
from contextvars import ContextVar
from datetime import datetime
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, connection, transaction

from kernel.errors import LostRace

P = ParamSpec("P")
R = TypeVar("R")

# What an API request wants done in its action's transaction: it closes the request's idempotency row.
before_commit: ContextVar[Callable[[object], None] | None] = ContextVar("before_commit", default=None)
_sending: ContextVar[ExitStack] = ContextVar("sending")  # What holds an action's pipeline open, past its commit.
LOST_RACE = "GH409"  # The state of SQL in which the database says so: see ``must_be_one`` in accounts' migrations.


def action(function: Callable[P, R]) -> Callable[P, R]:
    """Make ``function`` own its transaction; it cannot be nested in another by accident."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        is_framed = connection.in_atomic_block  # By a test, which never commits.
        try:
            with ExitStack() as around, transaction.atomic(durable=True), ExitStack() as inside:
                outer = _sending.set(inside if is_framed else around)
                try:
                    outcome = function(*args, **kwargs)
                    hook = before_commit.get()
                    if hook is not None:
                        hook(outcome)
                    return outcome
                finally:
                    _sending.reset(outer)
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", "") == LOST_RACE:
                raise LostRace(str(error).partition("\n")[0]) from error
            raise

    return run


def send_ahead() -> None:
    """From here on send the action's statements, its commit included, without waiting for answers that nobody reads.

    Reading an answer waits for all that was sent before it. What goes wrong is raised there, or by the commit, which
    then commits nothing: this is for actions that catch no error of the database inside.
    """
    require_transaction()
    stack = _sending.get()
    stack.enter_context(connection.wrap_database_errors)
    stack.enter_context(connection.connection.pipeline())


def is_sent_ahead() -> bool:
    """Tell whether statements are on their way whose answers nobody has read yet."""
    return bool(connection.connection.info.pipeline_status)


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
