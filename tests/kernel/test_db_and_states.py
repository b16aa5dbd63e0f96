"""Actions own their transaction, steps demand one, and of two moves one wins."""

from datetime import UTC, timedelta

import pytest
from django.db import IntegrityError, connection, models, transaction

from accounts.clock import ClockIsFixed, move_clock, set_offset
from accounts.models import User
from kernel.db import action, app_now, before_commit, forbid_transaction, require_transaction
from kernel.errors import IllegalMove, LostRace
from kernel.states import Stateful, move
from tests.accounts.factories import make_user


class Lamp(Stateful):
    """A row with two states, in a table that each test makes."""

    brightness = models.IntegerField(default=0)

    class Meta:
        app_label = "kernel"
        db_table = "test_lamp"
        managed = False


MOVES = {"OFF": frozenset({"ON"}), "ON": frozenset({"OFF", "BROKEN"}), "BROKEN": frozenset()}


@pytest.fixture
def lamp(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE test_lamp"
            " (id bigint PRIMARY KEY, state text, state_changed_at timestamptz, brightness int) ON COMMIT DROP"
        )
    return Lamp.objects.create(id=1, state="OFF", state_changed_at=app_now())


def test_a_move_changes_state_time_and_fields_and_tells_the_old_state(lamp):
    now = app_now()

    was = move(lamp, "ON", moves=MOVES, now=now, brightness=7)

    assert was == "OFF"
    assert list(Lamp.objects.values_list("state", "state_changed_at", "brightness")) == [("ON", now, 7)]
    assert (lamp.state, lamp.brightness) == ("ON", 7)


def test_a_move_the_table_lacks_is_refused_in_words(lamp):
    with pytest.raises(IllegalMove, match=r"^This lamp is off, so it cannot become broken\.$"):
        move(lamp, "BROKEN", moves=MOVES, now=app_now())

    assert Lamp.objects.get().state == "OFF"


def test_of_two_moves_one_is_told(lamp):
    stale = Lamp.objects.get()
    move(lamp, "ON", moves=MOVES, now=app_now())

    with pytest.raises(LostRace, match="Somebody else changed this lamp"):
        move(stale, "ON", moves=MOVES, now=app_now())


@pytest.mark.django_db(transaction=True)
def test_a_move_needs_a_transaction():
    with pytest.raises(RuntimeError, match="inside an action"):
        move(Lamp(id=1, state="OFF"), "ON", moves=MOVES, now=app_now())


@action
def rename(user: User, name: str) -> User:
    """Rename and give back."""
    User.objects.filter(pk=user.pk).update(name=name)
    if name == "bad":
        raise IntegrityError
    return user


@pytest.mark.django_db(transaction=True)
def test_an_action_commits_or_leaves_nothing():
    user = make_user()
    rename(user, "good")
    with pytest.raises(IntegrityError):
        rename(user, "bad")

    assert User.objects.get().name == "good"


@pytest.mark.django_db(transaction=True)
def test_an_action_does_not_nest():
    user = make_user()

    with transaction.atomic(), pytest.raises(RuntimeError):
        rename(user, "good")


@pytest.mark.django_db(transaction=True)
def test_the_requests_hook_runs_before_the_commit():
    user, seen = make_user(), []

    def hook(outcome):
        seen.append((outcome, connection.in_atomic_block))

    token = before_commit.set(hook)
    rename(user, "good")
    before_commit.reset(token)

    assert seen == [(user, True)]


@pytest.mark.django_db(transaction=True)
def test_steps_demand_a_transaction_and_calls_refuse_one():
    with pytest.raises(RuntimeError):
        require_transaction()
    forbid_transaction()

    with transaction.atomic():
        require_transaction()
        with pytest.raises(RuntimeError):
            forbid_transaction()


def test_the_clock_moves_where_it_may(db):
    before = app_now()
    move_clock(timedelta(days=3))
    moved = app_now()
    set_offset(timedelta())

    assert timedelta(days=3) <= moved - before < timedelta(days=3, minutes=1)
    assert app_now() - before < timedelta(minutes=1)
    assert before.tzinfo is UTC or before.utcoffset() == timedelta()


@pytest.mark.parametrize("mode", ["production", "", "staging"])
def test_the_clock_stays_in_production(db, settings, mode):
    settings.GUILDHALL_MODE = mode

    with pytest.raises(ClockIsFixed):
        move_clock(timedelta(seconds=1))
