"""Heartbeats in, seconds out: what counts, what does not, and that nothing beats the clock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.metering import (
    RESEARCH,
    WORK,
    Meter,
    Pulse,
    Span,
    Verdict,
    close,
    credit_seconds,
    cut,
    delivered_beats,
    judge,
    pulse,
    research_left,
)

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
IDLE = 300


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def run(pulses: Iterable[Pulse], meter: Meter | None = None, idle_seconds: int = IDLE) -> tuple[Meter, list[Span]]:
    """Play the pulses, then stop; return the meter and the spans that would be paid."""
    meter = meter or Meter()
    spans: list[Span] = []
    for one in pulses:
        step = pulse(meter, one, idle_seconds=idle_seconds)
        meter = step.meter
        spans += step.closed
        spans = cut(spans, step.cut_at) if step.cut_at else spans
    last = close(meter)
    return last.meter, spans + list(last.closed)


def paid(pulses: Iterable[Pulse], meter: Meter | None = None, idle_seconds: int = IDLE) -> int:
    return sum(span.seconds for span in run(pulses, meter, idle_seconds)[1])


def seen(*seconds: float) -> list[Pulse]:
    return [Pulse(at(second)) for second in seconds]


@pytest.mark.parametrize(
    ("gap", "delivered", "credit"),
    [
        (0, 1, 0),
        (1, 1, 1),
        (15, 1, 15),
        (29, 1, 29),
        (30, 1, 30),
        (31, 1, 30),
        (120, 1, 30),
        (3600, 1, 30),
        (45, 3, 45),
        (90, 6, 90),
        (90, 4, 60),
        (120, 8, 120),
        (120, 100, 120),
        (121, 100, 30),
        (-5, 1, 0),
    ],
)
def test_a_gap_is_worth_its_length_up_to_thirty_seconds_or_what_queued(gap: int, delivered: int, credit: int) -> None:
    assert credit_seconds(gap, delivered) == credit


@pytest.mark.parametrize(
    ("counter", "queued", "delivered"), [(5, 0, 1), (5, 4, 5), (5, 40, 5), (5, -3, 1), (1, 9, 1), (0, 9, 1)]
)
def test_queued_beats_stand_for_no_more_than_their_counter_rose(counter: int, queued: int, delivered: int) -> None:
    assert delivered_beats(Meter(), counter, queued) == delivered


@pytest.mark.parametrize(
    ("nonce", "counter", "verdict"),
    [
        ("new", 8, Verdict.NEXT),
        ("new", 7, Verdict.REPLAY),
        ("old", 8, Verdict.ANSWER_LOST),
        ("old", 7, Verdict.REPLAY),
        ("older", 8, Verdict.FORGED),
        ("", 8, Verdict.FORGED),
    ],
)
def test_only_the_holder_of_our_last_answers_goes_on(nonce: str, counter: int, verdict: Verdict) -> None:
    meter = Meter(nonce="new", nonce_was="old", counter=7)

    assert judge(meter, nonce, counter) is verdict


def test_a_meter_without_beats_knows_no_nonce() -> None:
    assert judge(Meter(), "", 1) is Verdict.FORGED


def test_the_first_beat_starts_and_counts_nothing() -> None:
    meter, spans = run(seen(0))

    assert (meter.total_seconds, spans) == (0, [])


def test_steady_beats_count_every_second() -> None:
    meter, spans = run(seen(*range(0, 1801, 15)))

    assert spans == [Span(at(0), at(1800), WORK)]
    assert (meter.raw_seconds, meter.active_seconds) == (1800, 1800)


def test_early_beats_count_the_time_that_passed_and_no_more() -> None:
    assert paid(seen(*range(61), *([60] * 500))) == 60


def test_parts_of_a_second_are_never_paid() -> None:
    assert paid(seen(0.9, 1.1)) == 0
    assert run(seen(0.5, 15.5))[1] == [Span(at(1), at(15), WORK)]


def test_a_long_gap_counts_thirty_seconds_and_breaks_the_stretch() -> None:
    _, spans = run(seen(0, 15, 100, 115))

    assert spans == [Span(at(0), at(45), WORK), Span(at(100), at(115), WORK)]


def test_a_clock_that_goes_back_takes_nothing_and_gives_nothing() -> None:
    assert paid(seen(0, 60, 30, 75)) == 30 + 15


def test_beats_queued_while_offline_are_made_good_once() -> None:
    offline = [*seen(0, 15), Pulse(at(105), delivered=6)]

    assert paid(offline) == 105
    assert paid([*offline, Pulse(at(105), delivered=6)]) == 105


def test_hidden_time_does_not_count() -> None:
    away = [*seen(0, 15), Pulse(at(20), is_visible=False), Pulse(at(35), is_visible=False)]

    meter, spans = run([*away, *seen(80, 95)])

    assert spans == [Span(at(0), at(20), WORK), Span(at(80), at(95), WORK)]
    assert meter.raw_seconds == 20 + 15 + 30 + 15


def quiet(*seconds: float) -> list[Pulse]:
    return [Pulse(at(second), had_input=False) for second in seconds]


def test_reading_without_input_for_less_than_five_minutes_counts() -> None:
    assert paid([*seen(0), *quiet(*range(15, 300, 15)), *seen(299)]) == 299


def test_five_minutes_without_input_leave_one_minute() -> None:
    meter, spans = run([*seen(0, 15), *quiet(*range(30, 1200, 15))])

    assert spans == [Span(at(0), at(75), WORK)]
    assert not meter.is_counting


def test_a_kind_that_is_read_may_be_quiet_for_ten_minutes() -> None:
    assert paid([*seen(0), *quiet(*range(15, 600, 15)), *seen(599)], idle_seconds=600) == 599


def test_the_idle_tail_goes_even_when_gaps_broke_it() -> None:
    assert paid([*seen(0), *quiet(15, 100, 115, 200, 215, 290, 305)]) == 45


def test_input_after_idling_counts_from_then_on() -> None:
    _, spans = run([*seen(0), *quiet(*range(15, 331, 15)), *seen(340, 355)])

    assert spans == [Span(at(0), at(60), WORK), Span(at(340), at(355), WORK)]


def research(since: float, until: float) -> Meter:
    """Return a meter with research declared at ``since`` after beats from the start."""
    meter = Meter()
    for one in seen(0, since):
        meter = pulse(meter, one, idle_seconds=IDLE).meter
    declared = replace(meter, research_until=at(until))
    return pulse(declared, Pulse(at(since)), idle_seconds=IDLE).meter


def test_research_counts_while_hidden_and_ends_by_itself() -> None:
    hidden = [Pulse(at(second), is_visible=False, had_input=False) for second in range(30, 900, 15)]

    meter, spans = run(hidden, research(15, 615))

    assert spans == [Span(at(15), at(615), RESEARCH)]
    assert (meter.research_seconds, meter.active_seconds) == (600, 615)


def test_after_research_visible_work_goes_on_in_its_own_span() -> None:
    _, spans = run([Pulse(at(second), had_input=False) for second in range(30, 91, 15)], research(15, 50))

    assert spans == [Span(at(15), at(50), RESEARCH), Span(at(50), at(90), WORK)]


def test_research_is_a_sign_of_work() -> None:
    _, spans = run(quiet(*range(30, 1300, 15)), research(15, 615))

    assert spans == [Span(at(15), at(615), RESEARCH), Span(at(615), at(675), WORK)]


@pytest.mark.parametrize(("used", "left"), [(0, 300), (100, 200), (300, 0), (400, 0)])
def test_research_takes_a_third_of_the_cap_at_most(used: int, left: int) -> None:
    assert research_left(Meter(research_seconds=used), 900) == left


def test_research_under_way_is_counted_against_the_cap() -> None:
    meter = Meter(running_since=at(0), running_until=at(120), running_kind=RESEARCH)

    assert research_left(meter, 900) == 180


def test_a_pause_stops_the_meter_until_it_ends() -> None:
    paused = replace(run(seen(0, 15))[0], paused_until=at(7_200))

    assert paid(seen(30, 45, 60), meter=paused) == 0
    assert paid(seen(7_200, 7_215), meter=paused) == 15


def test_closing_twice_pays_once() -> None:
    step = close(pulse(pulse(Meter(), Pulse(at(0)), idle_seconds=IDLE).meter, Pulse(at(15)), idle_seconds=IDLE).meter)

    assert step.closed == (Span(at(0), at(15), WORK),)
    assert close(step.meter).closed == ()


def test_an_honest_session_with_lost_beats_and_an_outage_is_counted_to_a_percent() -> None:
    lost = {90, 105, 480, 900, 915, 1_260, 1_500}  # About five of a hundred, twice two in a row.
    outage = range(600, 645, 15)
    beats = [second for second in range(0, 1_801, 15) if second not in lost and second not in outage]
    counters = {second: second // 15 + 1 for second in beats}
    meter, last = Meter(), 0
    spans: list[Span] = []
    for second in beats:
        delivered = delivered_beats(replace(meter, counter=last), counters[second], counters[second] - last - 1)
        step = pulse(meter, Pulse(at(second), delivered=delivered), idle_seconds=IDLE)
        meter, last = step.meter, counters[second]
        spans += step.closed

    counted = sum(span.seconds for span in [*spans, *close(meter).closed])

    assert abs(counted - 1_800) <= 18


pulses = st.lists(
    st.tuples(
        st.floats(min_value=-30, max_value=400, allow_nan=False),
        st.booleans(),
        st.booleans(),
        st.integers(min_value=1, max_value=50),
        st.sampled_from(["", "", "", "research", "pause"]),
    ),
    max_size=60,
)


@given(pulses)
def test_whatever_is_sent_counted_time_is_disjoint_and_within_the_clock(
    sent: list[tuple[float, bool, bool, int, str]],
) -> None:
    meter, now = Meter(), 0.0
    spans: list[Span] = []
    reached = 0.0
    for gap, visible, had_input, delivered, press in sent:
        now += gap
        reached = max(reached, now)
        if press == "research":
            meter = replace(meter, research_until=at(now + 600))
        if press == "pause":
            meter = replace(meter, paused_until=at(now + 60))
        step = pulse(meter, Pulse(at(now), visible, had_input, delivered), idle_seconds=IDLE)
        meter = step.meter
        spans += step.closed
        spans = cut(spans, step.cut_at) if step.cut_at else spans
    last = close(meter)
    spans = spans + list(last.closed)

    lowest = min((at(0), *(span.since for span in spans)))
    assert all(one.until <= two.since for one, two in pairwise(spans))
    assert sum(span.seconds for span in spans) <= (at(reached) - lowest).total_seconds()
    assert all(span.until <= at(reached) for span in spans)
