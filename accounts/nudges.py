"""Tell Celery that outbox rows are due, from a thread of its own: no request waits for the broker or fails with it."""

import os
import queue
import threading
from collections.abc import Iterable

import structlog
from celery import current_app

log = structlog.get_logger(__name__)

Nudge = tuple[str, str, int]  # The job's kind, its queue, and the outbox row.
AT_MOST = 10_000
BATCH = 200


def publish(nudges: Iterable[Nudge]) -> int:
    """Send one message for each row and return how many; raises what the broker raises."""
    sent = 0
    nudges = list(nudges)
    if not nudges:
        return sent
    with current_app.producer_or_acquire() as producer:
        for kind, to, item in nudges:
            current_app.send_task(kind, args=[item], queue=to, producer=producer, retry=False, ignore_result=True)
            sent += 1
    return sent


class Nudger:
    """Publish in the background; what does not get through is found by the sweeper."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Nudge] = queue.Queue(AT_MOST)
        self._pid = 0
        self._lock = threading.Lock()
        self._is_mute = False

    def mute(self) -> None:
        """Send nothing from now on: the sweeper finds what this process makes due."""
        self._is_mute = True

    def nudge(self, one: Nudge) -> None:
        """Hand over a nudge and return at once."""
        if self._is_mute:
            return
        if self._pid != os.getpid():
            self._start()
        try:
            self._waiting.put_nowait(one)
        except queue.Full:
            log.warning("outbox.nudge_dropped", kind=one[0])

    def _start(self) -> None:
        with self._lock:
            if self._pid != os.getpid():  # A forked child has the queue but not the thread.
                self._waiting = queue.Queue(AT_MOST)
                threading.Thread(target=self._run, args=(self._waiting,), name="outbox-nudges", daemon=True).start()
                self._pid = os.getpid()

    def _run(self, waiting: "queue.Queue[Nudge]") -> None:
        while True:
            nudges = [waiting.get()]
            while len(nudges) < BATCH and not waiting.empty():
                nudges.append(waiting.get())
            try:
                publish(nudges)
            except Exception as error:
                log.warning("outbox.broker_away", error=type(error).__name__, count=len(nudges))


nudger = Nudger()
