"""Restart a worker that went deaf: nothing reached it for a minute while rows of its queues were due."""

import os
import signal
import threading
import time

import structlog
from celery.signals import task_received, worker_ready
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection

log = structlog.get_logger(__name__)

DEAF_SECONDS = 60
LOOK_EVERY_SECONDS = 15


class Watchdog:
    """Remember when the worker last heard something."""

    def __init__(self) -> None:
        self.heard_at = time.monotonic()

    def hear(self, **kwargs: object) -> None:
        """Note that a message arrived."""
        self.heard_at = time.monotonic()

    def start(self, **kwargs: object) -> None:
        """Begin to watch, once the worker listens."""
        self.hear()
        threading.Thread(target=self._watch, name="outbox-watchdog", daemon=True).start()

    def is_deaf(self) -> bool:
        """Has nothing arrived for a minute, though somebody was nudged about rows that still wait?"""
        return time.monotonic() - self.heard_at > DEAF_SECONDS and _nudged_rows_wait()

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            try:
                if self.is_deaf():
                    log.error("worker.deaf", seconds=int(time.monotonic() - self.heard_at))
                    os.kill(os.getpid(), signal.SIGTERM)  # Finish and leave; the supervisor starts anew.
                    return
            except DatabaseError as error:
                log.warning("worker.watchdog_blind", error=type(error).__name__)
            finally:
                close_old_connections()


def _nudged_rows_wait() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM accounts_outboxitem WHERE done_at IS NULL AND dead_at IS NULL"
            " AND run_after < app_now() - make_interval(secs => %s)"
            " AND nudged_at BETWEEN clock_timestamp() - interval '1 hour' AND clock_timestamp() - interval '10 seconds'"
            " AND (locked_until IS NULL OR locked_until < clock_timestamp()))",
            [DEAF_SECONDS],
        )
        return bool(cursor.fetchone()[0])


watchdog = Watchdog()
task_received.connect(watchdog.hear)
worker_ready.connect(watchdog.start)
