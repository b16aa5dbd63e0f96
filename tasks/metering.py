"""Heartbeats in, active time out: pure, by the server's receipt times, so that nobody is paid beyond the clock.

A page beats every 15 seconds. What a beat says of the page (seen, idle) holds until the next one. Spans begin at the
next whole second and end at the last one, so they are disjoint and their sum is exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

BEAT_SECONDS = 15
WHOLE_GAP_SECONDS = 30  # A gap up to here is credited whole; a longer one gets this much.
OFFLINE_SECONDS = 120  # After a gap up to here, beats that queued while offline count.
IDLE_TAIL_SECONDS = 60
RESEARCH_PRESS_SECONDS = 600
SECOND = timedelta(seconds=1)

WORK, RESEARCH = "work", "research"


class Verdict(Enum):
    """What a beat's nonce says of where it came from."""

    NEXT = "next"  # The answer to the newest beat reached the page.
    ANSWER_LOST = "answer_lost"  # The page never saw our last answer, so it repeats the nonce before.
    REPLAY = "replay"
    FORGED = "forged"


@dataclass(frozen=True, slots=True)
class Span:
    """A closed stretch of counted time, in whole seconds."""

    since: datetime
    until: datetime
    kind: str

    @property
    def seconds(self) -> int:
        """Its length."""
        return seconds_between(self.since, self.until)


@dataclass(frozen=True, slots=True)
class Meter:
    """Where a claim's meter stands; ``active_seconds`` holds the closed spans only."""

    last_beat_at: datetime | None = None
    nonce: str = ""
    nonce_was: str = ""
    counter: int = 0
    input_at: datetime | None = None
    is_visible: bool = False
    running_since: datetime | None = None
    running_until: datetime | None = None
    running_kind: str = WORK
    raw_seconds: int = 0
    active_seconds: int = 0
    research_seconds: int = 0
    research_until: datetime | None = None
    paused_until: datetime | None = None

    @property
    def is_counting(self) -> bool:
        """Tell whether time counts from the last beat on."""
        return self.running_since is not None

    @property
    def open_seconds(self) -> int:
        """The credited length of the stretch that is not closed yet."""
        if self.running_since is None or self.running_until is None:
            return 0
        return seconds_between(self.running_since, self.running_until)

    @property
    def total_seconds(self) -> int:
        """Active seconds so far, the open stretch included."""
        return self.active_seconds + self.open_seconds


@dataclass(frozen=True, slots=True)
class Pulse:
    """What the page says at one moment; ``delivered`` is how many beats arrive in this one, itself included."""

    at: datetime
    is_visible: bool = True
    had_input: bool = True
    delivered: int = 1


@dataclass(frozen=True, slots=True)
class Step:
    """The meter after a pulse, the spans it closed, and the moment from which idle time has to go."""

    meter: Meter
    closed: tuple[Span, ...] = ()
    cut_at: datetime | None = None


def seconds_between(since: datetime, until: datetime) -> int:
    """Return whole seconds, never less than none."""
    return max(0, int((until - since) // SECOND))


def floor_second(at: datetime) -> datetime:
    """Return the whole second that ``at`` has reached."""
    return at.replace(microsecond=0)


def ceil_second(at: datetime) -> datetime:
    """Return the next whole second, or ``at`` itself when it is one."""
    floor = floor_second(at)
    return floor if floor == at else floor + SECOND


def judge(meter: Meter, nonce: str, counter: int) -> Verdict:
    """Tell what a nonce and its counter say: only the holder of our last answers can go on."""
    if nonce and nonce == meter.nonce:
        return Verdict.NEXT if counter > meter.counter else Verdict.REPLAY
    if nonce and nonce == meter.nonce_was:
        return Verdict.ANSWER_LOST if counter > meter.counter else Verdict.REPLAY
    return Verdict.FORGED


def credit_seconds(gap: int, delivered: int) -> int:
    """Return what a gap is worth: up to 30 s whole; up to 120 s, 15 s for each beat that queued meanwhile."""
    credit = min(gap, WHOLE_GAP_SECONDS)
    if gap <= OFFLINE_SECONDS:
        credit = max(credit, min(gap, BEAT_SECONDS * delivered))
    return max(0, credit)


def delivered_beats(meter: Meter, counter: int, queued: int) -> int:
    """Return how many beats one delivery may stand for: never more than its counter rose."""
    return max(1, min(queued + 1, counter - meter.counter))


def pulse(meter: Meter, pulse: Pulse, *, idle_seconds: int) -> Step:
    """Credit the gap since the last beat and take in what the page says now; time never runs backwards."""
    pulse = replace(pulse, at=max(pulse.at, meter.last_beat_at or pulse.at))
    credited, closed = _credit(meter, pulse)
    input_at = pulse.at if pulse.had_input or credited.input_at is None else credited.input_at
    seen = replace(credited, last_beat_at=pulse.at, input_at=input_at, is_visible=pulse.is_visible)

    if _is_research(seen, pulse.at):
        step = _go_on(seen, pulse.at, RESEARCH)
    elif is_paused(seen, pulse.at) or not pulse.is_visible:
        step = close(seen)
    elif _is_idle(seen, pulse.at, idle_seconds):
        step = _cut_idle_tail(seen) if meter.is_counting else Step(seen)
    else:
        step = _go_on(seen, pulse.at, WORK)
    return replace(step, closed=closed + step.closed)


def is_paused(meter: Meter, at: datetime) -> bool:
    """Tell whether the expert said they would be away now."""
    return meter.paused_until is not None and meter.paused_until > at


def close(meter: Meter) -> Step:
    """Close the open stretch, if there is one."""
    if meter.running_since is None or meter.running_until is None:
        return Step(meter)
    stopped = replace(meter, running_since=None, running_until=None)
    span = Span(meter.running_since, meter.running_until, meter.running_kind)
    if not span.seconds:
        return Step(stopped)
    research = span.seconds if span.kind == RESEARCH else 0
    stopped = replace(
        stopped,
        active_seconds=meter.active_seconds + span.seconds,
        research_seconds=meter.research_seconds + research,
    )
    return Step(stopped, (span,))


def cut(spans: Iterable[Span], cut_at: datetime) -> list[Span]:
    """Return what is left of ``spans`` when work after ``cut_at`` goes; declared research stays."""
    kept = (span if span.kind == RESEARCH else replace(span, until=min(span.until, cut_at)) for span in spans)
    return [span for span in kept if span.seconds]


def research_left(meter: Meter, cap_seconds: int) -> int:
    """Return how many seconds of research the cap still allows: a third of it, all presses together."""
    open_research = meter.open_seconds if meter.running_kind == RESEARCH else 0
    return max(0, cap_seconds // 3 - meter.research_seconds - open_research)


def _credit(meter: Meter, pulse: Pulse) -> tuple[Meter, tuple[Span, ...]]:
    """Extend the open stretch by what the gap is worth; close it where the gap was longer than that."""
    if meter.last_beat_at is None:
        return meter, ()
    base = meter.running_until or ceil_second(meter.last_beat_at)
    gap = seconds_between(base, floor_second(pulse.at))
    credit = credit_seconds(gap, pulse.delivered)
    meter = replace(meter, raw_seconds=meter.raw_seconds + credit)
    if meter.running_until is None:
        return meter, ()
    until = meter.running_until + credit * SECOND
    meter, closed = _leave_research(meter, until)
    if credit < gap:
        step = close(meter)
        return step.meter, closed + step.closed
    return meter, closed


def _leave_research(meter: Meter, until: datetime) -> tuple[Meter, tuple[Span, ...]]:
    """Extend to ``until``, but let declared research end when it was to end: the rest counts only if it was seen."""
    ends = meter.research_until and floor_second(meter.research_until)
    if meter.running_kind != RESEARCH or ends is None or until <= ends:
        return replace(meter, running_until=until), ()
    assert meter.running_until is not None  # Only a running meter is extended.
    ends = max(ends, meter.running_until)
    step = close(replace(meter, running_until=ends))
    if not meter.is_visible:
        return step.meter, step.closed
    rest = replace(step.meter, running_since=ends, running_until=until, running_kind=WORK)
    return rest, step.closed


def _is_research(meter: Meter, at: datetime) -> bool:
    return meter.research_until is not None and meter.research_until > at


def _last_sign_of_work(meter: Meter, at: datetime) -> datetime:
    """Return when work was last shown: an input, or declared research, which needs none."""
    assert meter.input_at is not None  # Set by the first pulse.
    if meter.research_until is None:
        return meter.input_at
    return max(meter.input_at, min(meter.research_until, at))


def _is_idle(meter: Meter, at: datetime, idle_seconds: int) -> bool:
    return at - _last_sign_of_work(meter, at) >= timedelta(seconds=idle_seconds)


def _cut_idle_tail(meter: Meter) -> Step:
    """Stop, and name the moment, a minute after the last sign of work, from which ``cut`` takes time back."""
    assert meter.last_beat_at is not None  # Set by the pulse that found it idle.
    signed_at = floor_second(_last_sign_of_work(meter, meter.last_beat_at))
    return replace(close(meter), cut_at=signed_at + IDLE_TAIL_SECONDS * SECOND)


def _go_on(meter: Meter, at: datetime, kind: str) -> Step:
    """Keep the open stretch going in ``kind``, or begin one at the next whole second."""
    if meter.is_counting and meter.running_kind == kind:
        return Step(meter)
    step = close(meter)
    since = max(ceil_second(at), meter.running_until or ceil_second(at))
    return replace(step, meter=replace(step.meter, running_since=since, running_until=since, running_kind=kind))
