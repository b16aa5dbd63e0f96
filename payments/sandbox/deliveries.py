"""Webhooks out: signed per endpoint, retried, and on request duplicated, shuffled or dropped."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import queue
import random
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from payments.sandbox.wire import Body

MAX_ATTEMPTS = 5
FIRST_RETRY_SECONDS = 0.2
GATHER_SECONDS = 0.3


@dataclass
class Hook:
    """An endpoint that wants events."""

    id: str
    url: str
    secret: str
    events: list[str] = field(default_factory=lambda: ["*"])
    wants_connect: bool = False
    payload: str = "snapshot"

    def wants(self, event: Body, account: str | None) -> bool:
        """Say whether this endpoint is to hear of an event."""
        payload = "thin" if event["object"] == "v2.core.event" else "snapshot"
        about = payload == "thin" or bool(account) == self.wants_connect
        return payload == self.payload and about and ("*" in self.events or event["type"] in self.events)


@dataclass
class Manners:
    """How deliveries misbehave: copies of each, mixed order, and how many to lose."""

    duplicate: int = 0
    shuffle: bool = False
    drop: int = 0


@dataclass(frozen=True)
class Parcel:
    """One event on its way to one endpoint."""

    hook: Hook
    event: Body
    attempt: int = 1


class Deliveries:
    """Send events from a thread of their own, so that no answer waits for a webhook."""

    def __init__(self, seed: int = 0) -> None:
        self.queue: queue.Queue[Parcel | None] = queue.Queue()
        self.random = random.Random(seed)  # noqa: S311 - a repeatable shuffle, not a secret
        self.timers: set[threading.Timer] = set()
        self.reset()

    def reset(self) -> None:
        """Forget the manners and the log."""
        self.manners = Manners()
        self.log: list[list[object]] = []

    def offer(self, hooks: list[Hook], event: Body, account: str | None) -> None:
        """Queue an event for every endpoint that wants it."""
        for hook in hooks:
            if hook.wants(event, account):
                self.send(hook, event)

    def send(self, hook: Hook, event: Body) -> None:
        """Queue one event for one endpoint, or lose it when so ordered."""
        if self.manners.drop > 0:
            self.manners.drop -= 1
            self.log.append([event["id"], event["type"], "dropped"])
            return
        for _ in range(1 + self.manners.duplicate):
            self.queue.put(Parcel(hook, event))

    def run(self) -> None:
        """Deliver until told to stop."""
        while True:
            first = self.queue.get()
            parcels = self._gather(first) if self.manners.shuffle else [first]
            for parcel in parcels:
                if parcel is None:
                    return
                self._deliver(parcel)

    def stop(self) -> None:
        """End the thread and forget retries."""
        for timer in list(self.timers):
            timer.cancel()
        self.queue.put(None)

    def _gather(self, first: Parcel | None) -> list[Parcel | None]:
        time.sleep(GATHER_SECONDS)
        parcels = [first]
        while not self.queue.empty():
            parcels.append(self.queue.get())
        self.random.shuffle(parcels)
        return sorted(parcels, key=lambda parcel: parcel is None)

    def _deliver(self, parcel: Parcel) -> None:
        status = _post(parcel.hook, parcel.event)
        self.log.append([parcel.event["id"], parcel.event["type"], status])
        if not 200 <= status < 300 and parcel.attempt < MAX_ATTEMPTS:
            self._retry_later(parcel)

    def _retry_later(self, parcel: Parcel) -> None:
        again = Parcel(parcel.hook, parcel.event, parcel.attempt + 1)
        timer = threading.Timer(FIRST_RETRY_SECONDS * 2**parcel.attempt, self.queue.put, [again])
        timer.daemon = True
        self.timers = {each for each in self.timers if each.is_alive()} | {timer}
        timer.start()


def sign(payload: bytes, secret: str, at: int) -> str:
    """Return the ``Stripe-Signature`` header of a payload."""
    digest = hmac.new(secret.encode(), b"%d." % at + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _post(hook: Hook, event: Body) -> int:
    payload = json.dumps(event, indent=2).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": sign(payload, hook.secret, int(time.time())),
        "User-Agent": "Stripe/1.0 (local sandbox)",
    }
    address = urlsplit(hook.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 80, timeout=10)
    try:
        connection.request("POST", address.path or "/", payload, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
