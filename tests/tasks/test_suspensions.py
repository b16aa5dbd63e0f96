"""An urgent version of an agreement: live work stands still, is kept a day, and goes on once it is signed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.urls import reverse

from accounts.models import Notification
from accounts.outbox import drain
from agreements import actions as agreement_actions
from agreements.models import AgreementVersion
from kernel.db import app_now
from kernel.errors import Refused
from tasks.actions import claims, suspensions, timing
from tasks.models import Claim, Segment
from tasks.states import ClaimState
from tests.tasks.factories import NOW, World, claim_for, make_world, work

pytestmark = pytest.mark.django_db(transaction=True)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def world() -> World:
    return make_world()


def publish(world: World, *, urgent: bool = True, at: datetime = NOW) -> AgreementVersion:
    version = agreement_actions.draft_version(
        world.version.agreement, text="# Agreement\n\nSay nothing.", urgent=urgent, by=world.owner, now=at
    )
    agreement_actions.publish_version(version, by=world.owner, now=at)
    return version


def sign_as_cyd(world: World, version: AgreementVersion, *, at: datetime) -> None:
    cyd, name = world.cyd.user, world.cyd.user.get_full_name()
    agreement_actions.sign_version(version, user=cyd, typed_name=name, consent=True, ip=None, user_agent="", now=at)


def suspended(world: World, at: datetime) -> tuple[Claim, AgreementVersion]:
    """Let Cyd work for five minutes, publish, and suspend."""
    claim = claim_for(world.cyd)
    work(claim, world.cyd, 300, since=NOW)
    version = publish(world, at=at)
    suspensions.suspend_unsigned(version.agreement_id, now=at)
    claim.refresh_from_db()
    return claim, version


def test_live_work_stands_still_and_is_kept_for_a_day(world: World) -> None:
    at = NOW + 5 * MINUTE

    claim, _ = suspended(world, at)

    assert (claim.state, claim.lease_until, claim.paused_at) == (ClaimState.WORKING, at + DAY, at)
    assert (claim.active_seconds, claim.running_since) == (300, None)


def test_publishing_an_urgent_version_does_it_by_itself_and_tells_the_expert(world: World) -> None:
    claim = claim_for(world.cyd, now=app_now())

    version = publish(world, at=app_now())
    drain()

    claim.refresh_from_db()
    assert claim.paused_at is not None
    notice = Notification.objects.get(user=world.cyd.user)
    assert notice.text == "Saltmarsh: the agreement has changed. Your task is kept for 24 h; sign to go on."
    assert notice.url == reverse("agreements:sign", args=[version.pk])


def test_signing_lets_it_go_on_by_itself(world: World) -> None:
    claim = claim_for(world.cyd, now=app_now())
    version = publish(world, at=app_now())
    drain()

    sign_as_cyd(world, version, at=app_now())
    drain()

    claim.refresh_from_db()
    assert (claim.paused_at, claim.paused_until, claim.paused_seconds) == (None, None, 0)
    assert claim.lease_until <= app_now() + 15 * MINUTE


def test_no_second_counts_while_it_stands_still(world: World) -> None:
    claim, version = suspended(world, NOW + 5 * MINUTE)
    reading = timing.take_over(claim.pk, expert=world.cyd, session="tab", now=NOW + HOUR)
    sign_as_cyd(world, version, at=NOW + 5 * HOUR)

    assert not reading.is_counting
    assert suspensions.lift_signed(world.cyd.user_id, version.agreement_id, now=NOW + 5 * HOUR) == 1

    end = work(claim, world.cyd, 60, since=NOW + 5 * HOUR)
    timing.declare_pause(claim.pk, expert=world.cyd, fence=1, is_on=True, now=end)
    claim.refresh_from_db()
    assert claim.active_seconds == 360
    assert sum(row.during.upper - row.during.lower < 6 * MINUTE for row in Segment.objects.filter(claim=claim)) == 2


def test_it_takes_nothing_of_the_expert_s_own_two_hours_nor_of_the_lease(world: World) -> None:
    claim, version = suspended(world, NOW + 5 * MINUTE)
    sign_as_cyd(world, version, at=NOW + 23 * HOUR)
    suspensions.lift_signed(world.cyd.user_id, version.agreement_id, now=NOW + 23 * HOUR)

    reading = timing.declare_pause(claim.pk, expert=world.cyd, fence=1, is_on=True, now=NOW + 23 * HOUR)

    assert reading.paused_until == NOW + 25 * HOUR


def test_nobody_goes_on_without_signing(world: World) -> None:
    claim, version = suspended(world, NOW + 5 * MINUTE)

    with pytest.raises(Refused, match="Sign the new version"):
        timing.declare_pause(claim.pk, expert=world.cyd, fence=1, is_on=False, now=NOW + HOUR)

    assert suspensions.lift_signed(world.cyd.user_id, version.agreement_id, now=NOW + HOUR) == 0


def test_who_signed_in_time_is_not_stopped(world: World) -> None:
    claim = claim_for(world.cyd)
    version = publish(world)
    sign_as_cyd(world, version, at=NOW)

    assert suspensions.suspend_unsigned(version.agreement_id, now=NOW + MINUTE) == []
    claim.refresh_from_db()
    assert claim.paused_at is None


def test_a_version_that_is_not_urgent_stops_nobody(world: World) -> None:
    claim = claim_for(world.cyd, now=app_now())

    version = publish(world, urgent=False, at=app_now())
    drain()

    claim.refresh_from_db()
    assert claim.paused_at is None
    assert suspensions.suspend_unsigned(version.agreement_id, now=app_now()) == []


def test_a_pause_of_one_s_own_becomes_one_for_the_signature(world: World) -> None:
    claim = claim_for(world.cyd)
    timing.take_over(claim.pk, expert=world.cyd, session="tab", now=NOW)
    timing.declare_pause(claim.pk, expert=world.cyd, fence=1, is_on=True, now=NOW + MINUTE)
    version = publish(world, at=NOW + HOUR)

    (found,) = suspensions.suspend_unsigned(version.agreement_id, now=NOW + HOUR)

    assert (found.paused_at, found.lease_until) == (NOW + MINUTE, NOW + HOUR + DAY)


def test_unsigned_for_a_day_the_slot_is_free_and_the_time_is_paid(world: World) -> None:
    claim, _ = suspended(world, NOW + 5 * MINUTE)

    assert claims.expire_claims(NOW + 5 * MINUTE + DAY, 10) == 1

    claim.refresh_from_db()
    assert (claim.state, claim.approved_seconds) == (ClaimState.EXPIRED, 300)
