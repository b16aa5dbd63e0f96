"""The meter of a claim as it runs: beats, research, pauses, leases; the server's clock decides."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from accounts.audit import audit
from agreements.queries import owes_urgent_signature
from experts.models import Expert
from kernel.db import action, require_transaction
from kernel.errors import Refused
from payments.rates import pay_minor
from tasks import metering, rules
from tasks.errors import Lapsed, NotYours, TakenOver
from tasks.metering import Meter, Pulse, Span, Verdict
from tasks.models import Claim, Segment
from tasks.states import ClaimState

# How a meter's fields are called on its claim, where the names differ.
RENAMED = {"nonce": "beat_nonce", "nonce_was": "beat_nonce_was", "counter": "beat_counter"}
METER_FIELDS = {name: RENAMED.get(name, name) for name in Meter.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Reading:
    """What the page shows of a running claim, and the nonce its next beat must carry."""

    claim_id: str
    fence: int
    nonce: str
    counter: int
    active_seconds: int
    cap_seconds: int
    earned_minor: int
    currency: str
    lease_until: datetime
    is_counting: bool
    note: str  # '', 'hidden', 'idle', 'paused', 'research' or 'cap': why it counts as it does.
    research_until: datetime | None
    research_left_seconds: int
    paused_until: datetime | None
    can_extend_cap: bool


@action
def beat(
    claim_id: UUID,
    *,
    expert: Expert,
    fence: int,
    nonce: str,
    counter: int,
    is_visible: bool,
    had_input: bool,
    queued: int,
    now: datetime,
) -> Reading:
    """Count the time since the last beat; a replay counts nothing, a stranger's nonce is refused."""
    claim = claim_in_hand(claim_id, expert=expert, fence=fence, now=now)
    meter = read_meter(claim)
    verdict = metering.judge(meter, nonce, counter)
    if verdict is Verdict.FORGED:
        raise TakenOver("This task is open in another tab or on another device, which holds its meter now.")
    if verdict is Verdict.REPLAY:
        return reading_of(claim, now)
    delivered = metering.delivered_beats(meter, counter, queued)
    meter = replace(meter, nonce=_new_nonce(), nonce_was=nonce, counter=counter)
    _save_pulse(claim, meter, Pulse(now, is_visible, had_input, delivered))
    return reading_of(claim, now)


@action
def take_over(claim_id: UUID, *, expert: Expert, session: str, now: datetime) -> Reading:
    """Give this tab the claim's meter: time goes on without a gap, and the tab before is told at its next beat."""
    claim = claim_in_hand(claim_id, expert=expert, fence=None, now=now)
    meter = replace(read_meter(claim), nonce=_new_nonce(), nonce_was="", counter=0)
    claim.beat_session = session
    _save_pulse(claim, meter, Pulse(now), beat_session=session)
    return reading_of(claim, now)


@action
def extend_lease(claim_id: UUID, *, expert: Expert, fence: int, now: datetime) -> Reading:
    """Keep the slot for another quarter of an hour, as counted work does."""
    claim = claim_in_hand(claim_id, expert=expert, fence=fence, now=now)
    _save(claim, lease_until=max(claim.lease_until, rules.lease_end(claim, now)))
    return reading_of(claim, now)


@action
def declare_research(claim_id: UUID, *, expert: Expert, fence: int, is_on: bool, now: datetime) -> Reading:
    """Start ten minutes in which time counts while the page is hidden, or end them; a third of the cap at most."""
    claim = claim_in_hand(claim_id, expert=expert, fence=fence, now=now)
    if claim.paused_at is not None:
        raise Refused("This task is paused. Go on first, then declare research.")
    meter = read_meter(claim)
    left = metering.research_left(meter, claim.cap_seconds)
    if is_on and not left:
        raise Refused("A third of this task's cap has gone into research, which is the most that is paid.")
    until = now + timedelta(seconds=min(metering.RESEARCH_PRESS_SECONDS, left)) if is_on else now
    _save_pulse(claim, replace(meter, research_until=until), Pulse(now))
    audit(expert.user, "claim.research_declared" if is_on else "claim.research_ended", claim, at=now)
    return reading_of(claim, now)


@action
def declare_pause(claim_id: UUID, *, expert: Expert, fence: int, is_on: bool, now: datetime) -> Reading:
    """Stop the meter and keep the slot, for two hours in all, or go on."""
    claim = claim_in_hand(claim_id, expert=expert, fence=fence, now=now)
    if is_on and claim.paused_at is None:
        _pause(claim, now)
        audit(expert.user, "claim.paused", claim, at=now)
    elif not is_on and claim.paused_at is not None:
        if rules.is_suspended(claim) and owes_urgent_signature(expert.user_id, claim.project.agreement_id):
            raise Refused("The confidentiality agreement has changed. Sign the new version under Agreements to go on.")
        _resume(claim, claim.paused_at, now)
        audit(expert.user, "claim.resumed", claim, at=now)
    return reading_of(claim, now)


def _pause(claim: Claim, now: datetime) -> None:
    until = rules.pause_end(claim, now)
    if until <= now:
        raise Refused("This task has been paused for two hours, which is as long as it is kept.")
    meter = replace(read_meter(claim), paused_until=until, research_until=None)
    _save_pulse(claim, meter, Pulse(now), paused_at=now, lease_until=until)


def _resume(claim: Claim, paused_at: datetime, now: datetime) -> None:
    """Go on: what the pause took is added to how long the lease may last."""
    if rules.is_suspended(claim):
        claim.working_since += now - paused_at  # Nobody asked for it: it takes nothing of the two hours.
    else:
        claim.paused_seconds += metering.seconds_between(paused_at, now)
    claim.lease_until = rules.lease_end(claim, now)
    meter = replace(read_meter(claim), paused_until=None)
    fields = {"paused_at": None, "paused_seconds": claim.paused_seconds, "working_since": claim.working_since}
    _save_pulse(claim, meter, Pulse(now), **fields)


def suspend_meter(claim: Claim, now: datetime) -> None:
    """Stop the locked claim's meter until its expert has signed an urgent version; the slot is kept for a day."""
    require_transaction()
    until = now + rules.URGENT_LEASE
    meter = replace(read_meter(claim), paused_until=until, research_until=None)
    _save_pulse(claim, meter, Pulse(now), paused_at=claim.paused_at or now, lease_until=until)


def lift_suspension(claim: Claim, now: datetime) -> None:
    """Let the locked claim go on where it stood, with a fresh lease; the meter starts with the page."""
    require_transaction()
    assert claim.paused_at is not None  # It is suspended.
    _resume(claim, claim.paused_at, now)


def claim_in_hand(claim_id: UUID, *, expert: Expert, fence: int | None, now: datetime) -> Claim:
    """Lock and return the expert's claim while its lease and fence hold; raise NotYours or Lapsed."""
    require_transaction()
    claims = Claim.objects.select_for_update(of=("self",)).select_related("project", "slot")
    claim = claims.filter(pk=claim_id, expert=expert).first()
    if claim is None:
        raise NotYours("This task is not in your hands.")
    if not rules.is_in_hand(claim, now) or fence not in (None, claim.fence):
        raise Lapsed("Your hold on this task has ended. What you wrote is kept as a draft.")
    return claim


@dataclass(frozen=True, slots=True)
class Stopped:
    """A meter at rest: the seconds it counted in all, and the claim's fields as they are to be stored."""

    active_seconds: int
    fields: dict[str, object]


def stop_meter(claim: Claim, now: datetime, *, is_present: bool) -> Stopped:
    """Close the open stretch; an expert who is present is credited up to now. The caller stores the fields."""
    require_transaction()
    meter = read_meter(claim)
    closed: tuple[Span, ...] = ()
    if is_present and meter.is_counting:
        step = metering.pulse(meter, Pulse(now), idle_seconds=claim.project.idle_seconds)
        meter, closed = step.meter, step.closed
    last = metering.close(meter)
    meter = replace(last.meter, research_until=None, paused_until=None, nonce="", nonce_was="")
    return Stopped(meter.active_seconds, _write_meter(claim, meter, closed + last.closed))


def read_meter(claim: Claim) -> Meter:
    """Return the claim's meter as the pure part knows it."""
    return Meter(**{name: getattr(claim, field) for name, field in METER_FIELDS.items()})


def reading_of(claim: Claim, now: datetime) -> Reading:
    """Return what the page shows of the claim."""
    meter = read_meter(claim)
    active = meter.total_seconds
    return Reading(
        claim_id=claim.public_id,
        fence=claim.fence,
        nonce=meter.nonce,
        counter=meter.counter,
        active_seconds=active,
        cap_seconds=claim.cap_seconds,
        earned_minor=pay_minor(min(active, claim.cap_seconds), claim.rate_minor),
        currency=claim.currency,
        lease_until=claim.lease_until,
        is_counting=meter.is_counting,
        note=_note(meter, active >= claim.cap_seconds, now),
        research_until=meter.research_until,
        research_left_seconds=metering.research_left(meter, claim.cap_seconds),
        paused_until=meter.paused_until,
        can_extend_cap=rules.can_extend_cap(claim),
    )


def _note(meter: Meter, is_capped: bool, now: datetime) -> str:
    if metering.is_paused(meter, now):
        return "paused"
    if is_capped:
        return "cap"
    if meter.is_counting:
        return "research" if meter.running_kind == metering.RESEARCH else ""
    return "idle" if meter.is_visible else "hidden"


def _save_pulse(claim: Claim, meter: Meter, pulse: Pulse, **fields: object) -> None:
    """Take a pulse in: one update, and rows for the stretches it closed; counted work moves the lease."""
    step = metering.pulse(meter, pulse, idle_seconds=claim.project.idle_seconds)
    meter = step.meter
    changes = _write_meter(claim, meter, step.closed)
    if step.cut_at is not None:
        changes["active_seconds"] = meter.active_seconds - _cut_segments(claim, step.cut_at)
    if meter.is_counting:
        changes["lease_until"] = max(claim.lease_until, rules.lease_end(claim, pulse.at))
    _save(claim, **{**changes, **fields})


def _write_meter(claim: Claim, meter: Meter, closed: Sequence[Span]) -> dict[str, object]:
    """Store the closed stretches; return the claim's meter fields as they are to be."""
    if closed:
        Segment.objects.bulk_create(
            Segment(claim=claim, expert_id=claim.expert_id, during=_range(span), kind=span.kind) for span in closed
        )
    return {field: getattr(meter, name) for name, field in METER_FIELDS.items()}


def _cut_segments(claim: Claim, cut_at: datetime) -> int:
    """Take back idle time after ``cut_at`` from the stored stretches; return how many seconds went."""
    rows = list(Segment.objects.filter(claim=claim, during__endswith__gt=cut_at))
    removed = 0
    for row in rows:
        span = Span(row.during.lower, row.during.upper, row.kind)
        kept = metering.cut([span], cut_at)
        removed += span.seconds - sum(part.seconds for part in kept)
        if not kept:
            row.delete()
        elif kept != [span]:
            row.during = _range(kept[0])
            row.save(update_fields=("during",))
    return removed


def _save(claim: Claim, **changes: object) -> None:
    """Update the locked, working claim."""
    if not Claim.objects.filter(pk=claim.pk, state=ClaimState.WORKING).update(**changes):
        raise Lapsed("Your hold on this task has ended. What you wrote is kept as a draft.")
    for name, value in changes.items():
        setattr(claim, name, value)


def _range(span: Span) -> DateTimeTZRange:
    return DateTimeTZRange(span.since, span.until)


def _new_nonce() -> str:
    return secrets.token_urlsafe(12)
