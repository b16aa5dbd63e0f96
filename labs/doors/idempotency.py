"""Idempotency-Key: one effect and one answer, however often a POST is sent.

A record is leased before the work, closed inside the action's own transaction, and given the answer afterwards. A crash
before the commit leaves a lease that lapses; a crash after it leaves a closed record whose answer is rebuilt from its
object. Nobody ever sees half of either.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from kernel.db import app_now
from kernel.errors import FieldError, Invalid, LostRace, Refused
from labs.models import ApiKey, IdempotencyRecord

LEASE = timedelta(seconds=45)
KEPT = timedelta(days=7)
_NAME = re.compile(r"[\x21-\x7e]{1,255}")


class InFlight(Refused):
    """The first request with this key is still at work."""

    code = "idempotency_in_flight"

    def __init__(self, seconds: float) -> None:
        super().__init__("The first request with this Idempotency-Key is still at work. Ask again in a moment.")
        self.retry_after = seconds


class KeyReused(Refused):
    """The key was used for something else."""

    code = "idempotency_key_reused"
    status = 422


@dataclass(frozen=True)
class Stored:
    """What a finished request left behind."""

    status: int | None
    content_type: str
    body: bytes | None
    object_id: str
    fingerprint: bytes


@dataclass
class Reservation:
    """The right to act under a key, for as long as its lease is kept."""

    record_id: int
    fence: int
    fingerprint: bytes
    object_id: str = ""
    is_closed: bool = False

    def renew(self) -> None:
        """Keep the lease while a long body comes in."""
        if not self._mine().update(lease_until=app_now() + LEASE):
            raise LostRace("This request took so long that another one with its Idempotency-Key went ahead.")

    def close(self, outcome: object) -> None:
        """Mark the key as used, in the action's transaction: ``kernel.db.before_commit`` calls this."""
        if self.is_closed:
            return
        self.object_id = str(getattr(_row_of(outcome), "public_id", ""))
        changed = self._mine().update(
            done_at=app_now(), object_id=self.object_id, fingerprint=self.fingerprint, lease_until=app_now()
        )
        if not changed:
            raise LostRace("This request took so long that another one with its Idempotency-Key went ahead.")
        self.is_closed = True

    def store_answer(self, status: int, content_type: str, body: bytes) -> None:
        """Keep the answer for those who ask again."""
        if not self.is_closed:
            self.close(None)
        IdempotencyRecord.objects.filter(pk=self.record_id, fence=self.fence).update(
            status=status, content_type=content_type, body=body
        )

    def free(self) -> None:
        """Give the key back after a refusal; a record that was closed stays closed."""
        self._mine().delete()

    def _mine(self) -> QuerySet[IdempotencyRecord]:
        return IdempotencyRecord.objects.filter(pk=self.record_id, fence=self.fence, done_at__isnull=True)


def reserve(key: ApiKey, name: str, *, fingerprint: bytes, now: datetime) -> Reservation | Stored:
    """Take the key for this request, or return what the first one left; ``fingerprint`` is b'' while unknown.

    Raises InFlight while another request holds it, and KeyReused where that one asked for something else.
    """
    if not _NAME.fullmatch(name):
        detail = "An Idempotency-Key has 1 to 255 visible ASCII characters."
        raise Invalid([FieldError("Idempotency-Key", "wrong_form", detail)])
    found, is_new = IdempotencyRecord.objects.get_or_create(
        lab_id=key.lab_id,
        mode=key.mode,
        key=name,
        defaults={"fingerprint": fingerprint, "lease_until": now + LEASE, "created_at": now},
    )
    if is_new:
        return Reservation(found.pk, found.fence, fingerprint)
    if found.done_at is not None and found.created_at > now - KEPT:
        if fingerprint:
            check_fingerprint(bytes(found.fingerprint), fingerprint)
        return Stored(
            found.status,
            found.content_type,
            bytes(found.body) if found.body else None,
            found.object_id,
            bytes(found.fingerprint),
        )
    if found.done_at is None and found.lease_until > now:
        raise InFlight((found.lease_until - now).total_seconds())
    return _take_over(found, fingerprint, now)


def check_fingerprint(stored: bytes, sent: bytes) -> None:
    """Refuse a key whose first request asked for something else."""
    if stored != sent:
        raise KeyReused("This Idempotency-Key was used for a different request. Take a new one.")


def fingerprint_of(method: str, path: str, body: bytes) -> bytes:
    """Hash what was asked, whole."""
    return fingerprint_with(method, path, digest_of(body))


def digest_of(body: bytes) -> bytes:
    """Hash a body."""
    return hashlib.sha256(body).digest()


def fingerprint_with(method: str, path: str, body_digest: bytes) -> bytes:
    """Hash what was asked, given the hash of its body."""
    return hashlib.sha256(f"{method} {path}\n".encode() + body_digest).digest()


def sweep_records(now: datetime, *, limit: int = 5_000) -> int:
    """Forget keys older than seven days; return how many."""
    old = IdempotencyRecord.objects.filter(created_at__lt=now - KEPT).order_by("created_at").values("pk")[:limit]
    return IdempotencyRecord.objects.filter(pk__in=old).delete()[0]


def _take_over(found: IdempotencyRecord, fingerprint: bytes, now: datetime) -> Reservation:
    """Take a record whose lease lapsed or whose week is over; of two who try, one gets it."""
    mine = IdempotencyRecord.objects.filter(pk=found.pk, fence=found.fence).update(
        fence=found.fence + 1,
        fingerprint=fingerprint,
        lease_until=now + LEASE,
        created_at=now,
        done_at=None,
        status=None,
        content_type="",
        body=None,
        object_id="",
    )
    if not mine:
        raise InFlight(1)
    return Reservation(found.pk, found.fence + 1, fingerprint)


def _row_of(outcome: object) -> object:
    """Return the row an action gave back: itself, or the first of several things."""
    return outcome[0] if isinstance(outcome, tuple) and outcome else outcome
