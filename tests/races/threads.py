"""Run the same thing in many threads at once, each with its own connection, and collect what each came to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

T = TypeVar("T")
R = TypeVar("R")


def at_once(run: Callable[[T], R], inputs: Sequence[T]) -> list[R | Exception]:
    """Start ``run`` on every input at the same moment; an exception is an outcome like any other."""
    barrier = Barrier(len(inputs))

    def one(value: T) -> R | Exception:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=60)
            return run(value)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(inputs)) as pool:
        return list(pool.map(one, inputs))


def failures(outcomes: Sequence[object], *, of: type[Exception] = Exception) -> list[Exception]:
    """Return the outcomes that are exceptions of a kind."""
    return [outcome for outcome in outcomes if isinstance(outcome, of)]
