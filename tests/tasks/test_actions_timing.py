"""The running meter: beats, nonces, tabs, research, pauses and leases, by the server's clock alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from pytest_django import DjangoAssertNumQueries

from experts.models import Expert
from kernel.errors import Refused
from tasks.actions import timing
from tasks.actions.claims import claim_next, release_claim
from tasks.actions.timing import Reading, declare_pause, declare_research, extend_lease, take_over
from tasks.errors import Lapsed, NotYours, TakenOver
from tasks.models import Claim, Segment
from tests.tasks.factories import NOW, World, claim_for, hand_in, make_world, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def claim(world: World) -> Claim:
    return claim_for(world.cyd)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def opened(world: World, claim: Claim, second: float = 0) -> Reading:
    return take_over(claim.pk, expert=world.cyd, session="tab", now=at(second))


def beat(world: World, claim: Claim, reading: Reading, second: float, **said: object) -> Reading:
    values = {
        "fence": reading.fence,
        "nonce": reading.nonce,
        "counter": reading.counter + 1,
        "is_visible": True,
        "had_input": True,
        "queued": 0,
        **said,
    }
    return timing.beat(claim.pk, expert=world.cyd, now=at(second), **values)  # type: ignore[arg-type]  # Defaults mixed with the test's own.


def test_a_beat_counts_the_time_since_the_last_and_gives_a_new_nonce(world: World, claim: Claim) -> None:
    first = opened(world, claim)

    reading = beat(world, claim, first, 15)

    assert (reading.active_seconds, reading.counter, reading.is_counting, reading.note) == (15, 1, True, "")
    assert reading.nonce not in ("", first.nonce)
    assert (reading.earned_minor, reading.currency, reading.cap_seconds) == (75, "USD", 1_200)


def test_a_beat_takes_few_statements(
    world: World, claim: Claim, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    reading = opened(world, claim)

    with django_assert_max_num_queries(4):  # Two of them are the savepoint of the test's own frame.
        beat(world, claim, reading, 15)


def test_a_replayed_beat_counts_nothing_and_answers_the_same(world: World, claim: Claim) -> None:
    first = opened(world, claim)
    second = beat(world, claim, first, 15)

    again = timing.beat(
        claim.pk,
        expert=world.cyd,
        fence=1,
        nonce=first.nonce,
        counter=1,
        is_visible=True,
        had_input=True,
        queued=0,
        now=at(30),
    )

    assert again == second


def test_a_page_whose_answer_was_lost_goes_on_with_the_nonce_before(world: World, claim: Claim) -> None:
    first = opened(world, claim)
    beat(world, claim, first, 15)

    reading = beat(world, claim, replace(first, counter=1), 30, queued=1)

    assert (reading.active_seconds, reading.counter) == (30, 2)


@pytest.mark.parametrize("nonce", ["", "forged"])
def test_a_forged_nonce_counts_nothing(world: World, claim: Claim, nonce: str) -> None:
    reading = opened(world, claim)

    with pytest.raises(TakenOver):
        beat(world, claim, reading, 15, nonce=nonce)

    claim.refresh_from_db()
    assert (claim.running_until, claim.active_seconds) == (NOW, 0)


def test_a_second_tab_takes_over_without_a_gap_and_the_first_is_told(world: World, claim: Claim) -> None:
    first = beat(world, claim, opened(world, claim), 15)

    second = take_over(claim.pk, expert=world.cyd, session="other tab", now=at(25))

    with pytest.raises(TakenOver):
        beat(world, claim, first, 30)
    assert beat(world, claim, second, 40).active_seconds == 40


def test_hidden_time_does_not_count_and_says_so(world: World, claim: Claim) -> None:
    reading = beat(world, claim, opened(world, claim), 15, is_visible=False)

    back = beat(world, claim, reading, 60)
    later = beat(world, claim, back, 75)

    assert (reading.note, reading.is_counting) == ("hidden", False)
    assert (back.active_seconds, later.active_seconds) == (15, 30)


def test_idle_time_goes_back_to_a_minute_after_the_last_input(world: World, claim: Claim) -> None:
    reading = opened(world, claim)
    for second in range(15, 301, 15):
        reading = beat(world, claim, reading, second, had_input=False)

    assert (reading.active_seconds, reading.note, reading.is_counting) == (60, "idle", False)
    release_claim(claim, expert=world.cyd, reason="", now=at(300))
    assert [(row.during.lower, row.during.upper) for row in Segment.objects.all()] == [(NOW, at(60))]


def test_idle_time_goes_from_stretches_that_a_gap_had_closed(world: World, claim: Claim) -> None:
    reading = opened(world, claim)
    for second in (15, 100, 115, 200, 215, 310):
        reading = beat(world, claim, reading, second, had_input=False)

    assert reading.active_seconds == 45
    assert [(row.during.lower, row.during.upper) for row in Segment.objects.all()] == [(NOW, at(45))]


def test_a_stretch_across_the_end_of_the_idle_minute_is_cut_there(world: World, claim: Claim) -> None:
    reading = opened(world, claim)
    for second in (30, 60, 90, 200, 310):
        reading = beat(world, claim, reading, second, had_input=False)

    assert reading.active_seconds == 60


def test_counted_work_moves_the_lease(world: World, claim: Claim) -> None:
    reading = opened(world, claim)

    counted = beat(world, claim, reading, 15)
    hidden = beat(world, claim, beat(world, claim, counted, 30, is_visible=False), 45, is_visible=False)

    assert counted.lease_until == at(15 + 900)
    assert hidden.lease_until == at(15 + 900)


def test_a_lease_never_passes_four_caps(world: World, claim: Claim) -> None:
    end = work(claim, world.cyd, 4_440, since=NOW)

    claim.refresh_from_db()
    assert (end, claim.lease_until) == (at(4_440), at(4_800))


def test_one_key_extends_the_lease(world: World, claim: Claim) -> None:
    reading = extend_lease(claim.pk, expert=world.cyd, fence=1, now=at(600))

    assert reading.lease_until == at(1_500)


@pytest.mark.parametrize("second", [900, 901, 10_000])
def test_after_the_lease_no_beat_counts(world: World, claim: Claim, second: int) -> None:
    reading = opened(world, claim)

    with pytest.raises(Lapsed):
        beat(world, claim, reading, second)


def test_an_old_fence_beats_nothing(world: World, claim: Claim) -> None:
    reading = opened(world, claim)

    with pytest.raises(Lapsed):
        beat(world, claim, reading, 15, fence=2)


def test_a_claim_beats_for_its_expert_only(world: World, claim: Claim) -> None:
    with pytest.raises(NotYours):
        take_over(claim.pk, expert=world.dov, session="tab", now=NOW)


def test_research_counts_while_hidden_for_ten_minutes_at_most(world: World, claim: Claim) -> None:
    Claim.objects.filter(pk=claim.pk).update(cap_seconds=3_600)
    opened(world, claim)

    reading = declare_research(claim.pk, expert=world.cyd, fence=1, is_on=True, now=at(15))
    for second in range(30, 645, 15):
        reading = beat(world, claim, reading, second, is_visible=False, had_input=False)

    assert (reading.active_seconds, reading.note, reading.research_left_seconds) == (615, "hidden", 600)
    kinds = list(Segment.objects.order_by("during").values_list("kind", flat=True))
    assert kinds == ["work", "research"]


def test_research_takes_a_third_of_the_cap_at_most(world: World, claim: Claim) -> None:
    opened(world, claim)
    reading = declare_research(claim.pk, expert=world.cyd, fence=1, is_on=True, now=NOW)
    until = reading.research_until
    for second in range(15, 420, 15):
        reading = beat(world, claim, reading, second)

    assert (until, reading.note, reading.research_left_seconds) == (at(400), "", 0)
    with pytest.raises(Refused):
        declare_research(claim.pk, expert=world.cyd, fence=1, is_on=True, now=at(425))


def test_research_ends_when_said(world: World, claim: Claim) -> None:
    opened(world, claim)
    declare_research(claim.pk, expert=world.cyd, fence=1, is_on=True, now=NOW)

    reading = declare_research(claim.pk, expert=world.cyd, fence=1, is_on=False, now=at(20))

    assert (reading.note, reading.active_seconds) == ("", 20)


def test_a_pause_stops_the_meter_and_keeps_the_slot_for_two_hours(world: World, claim: Claim) -> None:
    opened(world, claim)

    paused = declare_pause(claim.pk, expert=world.cyd, fence=1, is_on=True, now=at(20))
    beaten = beat(world, claim, paused, 35)

    assert (paused.note, paused.lease_until, paused.paused_until) == ("paused", at(7_220), at(7_220))
    assert (beaten.active_seconds, beaten.lease_until) == (20, at(7_220))


def test_after_a_pause_the_work_goes_on_with_its_lease(world: World, claim: Claim) -> None:
    opened(world, claim)
    declare_pause(claim.pk, expert=world.cyd, fence=1, is_on=True, now=at(20))

    resumed = declare_pause(claim.pk, expert=world.cyd, fence=1, is_on=False, now=at(6_000))

    assert (resumed.note, resumed.lease_until) == ("", at(6_900))
    assert beat(world, claim, resumed, 6_015).active_seconds == 35


def test_pauses_last_two_hours_in_all(world: World, claim: Claim) -> None:
    opened(world, claim)
    declare_pause(claim.pk, expert=world.cyd, fence=1, is_on=True, now=at(0))
    declare_pause(claim.pk, expert=world.cyd, fence=1, is_on=False, now=at(7_000))

    second = declare_pause(claim.pk, expert=world.cyd, fence=1, is_on=True, now=at(7_100))

    assert second.paused_until == at(7_300)
    with pytest.raises(Lapsed):
        declare_pause(claim.pk, expert=world.cyd, fence=1, is_on=False, now=at(7_300))


def test_a_pause_declared_twice_is_one(world: World, claim: Claim) -> None:
    opened(world, claim)
    first = declare_pause(claim.pk, expert=world.cyd, fence=1, is_on=True, now=at(0))

    again = declare_pause(claim.pk, expert=world.cyd, fence=1, is_on=True, now=at(60))

    assert (again.paused_until, again.lease_until) == (first.paused_until, first.lease_until)


def test_research_is_not_declared_in_a_pause(world: World, claim: Claim) -> None:
    opened(world, claim)
    declare_pause(claim.pk, expert=world.cyd, fence=1, is_on=True, now=at(0))

    with pytest.raises(Refused):
        declare_research(claim.pk, expert=world.cyd, fence=1, is_on=True, now=at(10))


def test_the_page_says_when_the_cap_is_reached(world: World, claim: Claim) -> None:
    end = work(claim, world.cyd, 1_290, since=NOW)

    reading = take_over(claim.pk, expert=world.cyd, session="tab", now=end)

    assert (reading.note, reading.active_seconds, reading.earned_minor) == ("cap", 1_290, 6_000)


def test_seconds_of_one_expert_never_overlap(world: World, claim: Claim) -> None:
    hand_in(claim, world.cyd, now=work(claim, world.cyd, 300, since=NOW))
    second = claim_next(world.cyd, now=at(300))
    hand_in(second, world.cyd, now=work(second, world.cyd, 300, since=at(300)))
    during = DateTimeTZRange(at(200), at(400))

    with pytest.raises(IntegrityError, match="one_place_at_a_time"), transaction.atomic():
        Segment.objects.create(claim=claim, expert=world.cyd, during=during, kind="work")

    spans = Segment.objects.order_by("during").values_list("during", flat=True)
    assert [(span.lower, span.upper) for span in spans] == [(NOW, at(300)), (at(300), at(600))]


def test_three_tabs_of_a_minute_are_a_minute(world: World, claim: Claim) -> None:
    for second in range(61):
        take_over(claim.pk, expert=world.cyd, session=f"tab {second % 3}", now=at(second))

    release_claim(claim, expert=Expert.objects.get(pk=world.cyd.pk), reason="", now=at(60))

    assert sum((row.during.upper - row.during.lower).total_seconds() for row in Segment.objects.all()) == 60
