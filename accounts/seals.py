"""Seal the audit log into a chain of hashes, and find what was changed behind its back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

import orjson
from django.db import connection
from django.db.models import QuerySet

from accounts.models import AuditEvent, AuditSeal
from kernel.db import action, app_now

MOST_EVENTS = 5_000
DIGEST = 32
START = bytes(DIGEST)
FIELDS = (
    "id", "at", "actor", "acting_role", "verb", "object_type", "object_id", "was", "details", "ip", "request_id", "xid",
)  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """Something that is not as it was sealed."""

    what: str
    row: int
    detail: str


@action
def seal_audit() -> int:
    """Seal the events of all transactions that are surely over; return how many were sealed.

    A transaction's number is lower than that of every running one once it can write no more, so the events between two
    such marks are complete: no later link can miss a row, and no writer ever waits for the sealer.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('accounts.audit_seal'))")
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
        (settled,) = cursor.fetchone()
    last = AuditSeal.objects.order_by("-number").first()
    from_xid = last.upto_xid if last else 0
    upto = _cut(from_xid, settled)
    events = list(_events(from_xid, upto))
    if not events:
        return 0
    number, ids = (last.number if last else 0) + 1, [event.pk for event in events]
    digests = b"".join(map(_digest, events))
    AuditSeal.objects.create(
        number=number, from_xid=from_xid, upto_xid=upto, event_ids=ids, digests=digests, sealed_at=app_now(),
        hash=_link(bytes(last.hash) if last else START, number, from_xid, upto, ids, digests),
    )  # fmt: skip
    return len(events)


def verify_audit() -> Iterator[Fault]:
    """Walk the chain from its start and yield each broken link and each row changed, added or taken away."""
    before, number, from_xid = START, 0, 0
    for seal in AuditSeal.objects.order_by("number").iterator(chunk_size=50):
        number += 1
        digests = bytes(seal.digests)
        if seal.number != number or seal.from_xid != from_xid:
            yield Fault("seal", seal.number, "A link before it is missing.")
        link = _link(before, seal.number, seal.from_xid, seal.upto_xid, seal.event_ids, digests)
        if link != bytes(seal.hash):
            yield Fault("seal", seal.number, "The link does not follow from the one before it.")
        yield from _verify_events(seal, digests)
        before, number, from_xid = bytes(seal.hash), seal.number, seal.upto_xid


def _verify_events(seal: AuditSeal, digests: bytes) -> Iterator[Fault]:
    sealed = {pk: digests[at * DIGEST : (at + 1) * DIGEST] for at, pk in enumerate(seal.event_ids)}
    found = {event.pk: event for event in _events(seal.from_xid, seal.upto_xid)}
    for pk, digest in sealed.items():
        event = found.pop(pk, None)
        if event is None:
            yield Fault("event", pk, f"The row that seal {seal.number} holds is gone.")
        elif _digest(event) != digest:
            yield Fault("event", pk, f"The row is not what seal {seal.number} holds.")
    for pk in found:
        yield Fault("event", pk, f"The row was slipped in after seal {seal.number}.")


def _events(from_xid: int, upto_xid: int) -> QuerySet[AuditEvent]:
    return AuditEvent.objects.filter(xid__gte=from_xid, xid__lt=upto_xid).order_by("xid", "id")


def _cut(from_xid: int, settled: int) -> int:
    """End a link after a page of events, between two transactions: one transaction is never cut in two."""
    page = list(_events(from_xid, settled).values_list("xid", flat=True)[:MOST_EVENTS])
    if len(page) < MOST_EVENTS:
        return settled
    return page[-1] if page[0] < page[-1] else page[-1] + 1


def _digest(event: AuditEvent) -> bytes:
    values = {name: getattr(event, name) for name in FIELDS}
    return sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).digest()


def _link(before: bytes, number: int, from_xid: int, upto_xid: int, ids: Sequence[int], digests: bytes) -> bytes:
    head = orjson.dumps([number, from_xid, upto_xid, list(ids)])
    return sha256(before + head + digests).digest()
