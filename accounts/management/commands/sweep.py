"""Run the sweeper: overdue work gets done without Celery; several may run at once."""

import signal
import threading
from types import FrameType
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandParser
from django.db import Error as DatabaseError
from django.db import close_old_connections, connection

from accounts.sweeper import RUNS_PER_ROUND, run_in_child, sweep

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Sweep every few seconds until told to stop."""

    help = "Find overdue outbox rows, nudge the workers, and do the work when nobody comes."

    def add_arguments(self, parser: CommandParser) -> None:
        """Read how often to look, and whether once is enough."""
        parser.add_argument("--every", type=float, default=5.0, metavar="SECONDS")
        parser.add_argument("--once", action="store_true")

    def handle(self, *args: Any, every: float, once: bool, **options: Any) -> None:
        """Sweep; rest only when there is nothing left to run."""
        stop = threading.Event()

        def ask_to_stop(number: int, frame: FrameType | None) -> None:
            stop.set()

        if not once:
            signal.signal(signal.SIGTERM, ask_to_stop)
            signal.signal(signal.SIGINT, ask_to_stop)
        while not stop.is_set():
            is_busy = self._round()
            if once:
                return
            stop.wait(0 if is_busy else every)

    def _round(self) -> bool:
        close_old_connections()
        try:
            return sweep(run_in_child).ran >= RUNS_PER_ROUND
        except DatabaseError as error:
            log.warning("sweep.database_away", error=type(error).__name__)
            connection.close()
            return False
