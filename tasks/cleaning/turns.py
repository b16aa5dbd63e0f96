"""Turns at cleaning files: so many on this host at once, however many processes take files in."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from django.conf import settings

from kernel.errors import Busy

AT_ONCE = 2  # Each may take the cleaner's two gigabytes.
WAIT_SECONDS = 20.0
TRY_AGAIN_SECONDS = 5


@contextmanager
def turn() -> Iterator[int]:
    """Wait for a turn and hold it; give the number of the file that stands for it. Raises Busy when none comes free.

    A turn is a lock on that file, for as long as any process has it open: a child that inherits it keeps the turn when
    its parent is killed, and nobody keeps one beyond death.
    """
    ends_at = time.monotonic() + WAIT_SECONDS
    while (held := _free_one()) is None:
        if time.monotonic() >= ends_at:
            raise Busy("Many files are being cleaned. Send this one again in a moment.", retry_after=TRY_AGAIN_SECONDS)
        time.sleep(0.05)
    with held:
        yield held.fileno()


def _free_one() -> TextIO | None:
    folder = settings.DATA_DIR / "cleaning"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(AT_ONCE):
        held = (folder / f"{number}.lock").open("w")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.close()
        else:
            return held
    return None
