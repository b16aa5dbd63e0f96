"""What is due gets done: once per key, fenced, backed off, dead after five."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from accounts import outbox
from accounts.clock import move_clock
from accounts.models import OutboxItem
from accounts.outbox import drain, due, job, replay, run_due, run_item
from accounts.sweeper import prune, recur_once
from kernel.db import app_now
from kernel.errors import Refused

done: list[object] = []


@pytest.fixture(autouse=True)
def _fresh():
    done.clear()


@job("test.note", timeout=30, backoff_seconds=5)
def note(word: str) -> None:
    """Remember a word."""
    done.append(word)


@job("test.fail", backoff_seconds=10)
def fail(word: str) -> None:
    """Fail with words that must not be kept."""
    raise ValueError(f"the patient said {word}")


@job("test.refuse")
def refuse() -> None:
    """Be refused."""
    raise Refused("The payee is not ready.")


@job("test.chain")
def chain(left: int) -> None:
    """Make more work."""
    done.append(left)
    if left:
        with transaction.atomic():
            due("test.chain", left=left - 1)


@job("test.slow", timeout=3)
def slow() -> None:
    """Wait for longer than the lease."""
    threading.Event().wait(20)


def make_due(kind: str, **values: object) -> int:
    """Commit one due row."""
    with transaction.atomic():
        item = due(kind, **values)
    assert item is not None
    return item


def fail_after_due() -> None:
    """Make work due in a transaction that fails."""
    with transaction.atomic():
        due("test.note", word="a")
        raise ZeroDivisionError


def test_due_is_one_statement(db, django_assert_num_queries):
    with django_assert_num_queries(1):
        due("test.note", word="a")


@pytest.mark.django_db(transaction=True)
def test_due_needs_a_transaction():
    with pytest.raises(RuntimeError):
        due("test.note", word="a")


@pytest.mark.django_db(transaction=True)
def test_work_of_a_failed_transaction_is_never_done():
    with pytest.raises(ZeroDivisionError):
        fail_after_due()

    assert (drain(), done) == (0, [])


def test_due_work_is_done_once(db):
    item = make_due("test.note", word="a")

    assert (run_item(item), run_item(item), done) == (True, False, ["a"])
    row = OutboxItem.objects.get()
    assert (row.attempts, row.locked_by, row.locked_until, row.last_error) == (1, "", None, "")
    assert row.done_at is not None


def test_the_same_key_is_one_effect_for_ever(db):
    make_due("test.note", key="k", word="a")
    drain()

    assert due("test.note", key="k", word="b") is None
    assert due("test.chain", key="k", left=0) is not None
    assert (drain(), done) == (1, ["a", 0])


def test_rows_without_keys_are_never_merged(db):
    make_due("test.note", word="a")
    make_due("test.note", word="a")

    assert (drain(), done) == (2, ["a", "a"])


def test_work_waits_for_its_time(db):
    make_due("test.note", word="later", run_after=app_now() + timedelta(hours=1))

    before = (run_due(), list(done))
    move_clock(timedelta(hours=2))

    assert (before, run_due(), done) == ((0, []), 1, ["later"])


def test_older_work_goes_first_and_the_limit_holds(db):
    make_due("test.note", word="second", run_after=app_now() - timedelta(minutes=1))
    make_due("test.note", word="first", run_after=app_now() - timedelta(hours=1))

    assert (run_due(limit=1), done) == (1, ["first"])


def test_drain_follows_what_work_makes_due(db):
    make_due("test.chain", left=3)

    assert (drain(), done) == (4, [3, 2, 1, 0])


def test_drain_raises_the_first_failure(db):
    make_due("test.fail", word="x")

    with pytest.raises(ValueError, match="the patient said x"):
        drain()


def test_a_failure_is_put_off_with_jitter_and_keeps_no_content(db):
    item = make_due("test.fail", word="secret")
    run_item(item)
    row = OutboxItem.objects.get()

    assert timedelta(seconds=7) < row.run_after - app_now() < timedelta(seconds=13)
    assert (row.attempts, row.done_at, row.dead_at, row.locked_until) == (1, None, None, None)
    assert row.last_error.startswith("ValueError at ")
    assert "secret" not in row.last_error


def test_a_refusal_is_kept_in_its_words(db):
    run_item(make_due("test.refuse"))

    assert OutboxItem.objects.get().last_error.startswith("Refused: The payee is not ready.")


def test_failing_work_is_dead_after_five_attempts_and_others_go_on(db):
    item = make_due("test.fail", word="x")
    make_due("test.note", word="a")
    for _ in range(6):
        run_due()
        move_clock(timedelta(hours=3))
    row = OutboxItem.objects.get(pk=item)

    assert (row.attempts, row.dead_at is not None, done) == (5, True, ["a"])
    assert run_due() == 0


def test_back_off_grows(db):
    item = make_due("test.fail", word="x")
    delays = []
    for _ in range(4):
        run_item(item)
        delays.append((OutboxItem.objects.get().run_after - app_now()).total_seconds())
        move_clock(timedelta(hours=3))

    assert [round(delay / 10 / 4**step) for step, delay in enumerate(delays)] == [1, 1, 1, 1]


def test_dead_work_is_replayed_with_five_new_attempts(db):
    item = make_due("test.note", word="a")
    OutboxItem.objects.update(dead_at=app_now(), attempts=5)

    assert (run_item(item), replay(item), run_item(item), replay(item), done) == (False, True, True, False, ["a"])


def test_work_that_kills_its_worker_dies_after_five_leases(db):
    item = make_due("test.note", word="a")
    for _ in range(5):
        assert outbox._lease("TRUE") is not None
        OutboxItem.objects.update(locked_until=app_now() - timedelta(seconds=1))
    row_before = OutboxItem.objects.get()

    assert (run_due(), done, row_before.attempts) == (0, [], 5)
    row = OutboxItem.objects.get(pk=item)
    assert (row.dead_at is not None, row.last_error) == (True, "Every worker that took it up died.")


def test_held_work_is_not_taken_until_its_lease_ends(db):
    make_due("test.note", word="a")
    lease = outbox._lease("TRUE")
    row = OutboxItem.objects.get()

    assert (run_due(), row.locked_by, row.attempts) == (0, lease.holder, 1)
    assert timedelta(seconds=25) < row.locked_until - app_now() <= timedelta(seconds=30)


def test_a_late_worker_cannot_close_what_another_took_over(db):
    item = make_due("test.note", word="a")
    late = outbox._lease("TRUE")
    OutboxItem.objects.update(locked_until=app_now() - timedelta(seconds=1))
    current = outbox._lease("TRUE")

    outbox._run(late)
    row = OutboxItem.objects.get(pk=item)

    assert (row.done_at, row.locked_by, row.attempts) == (None, current.holder, 2)


def test_work_that_takes_too_long_is_interrupted(db):
    run_item(make_due("test.slow"))

    assert OutboxItem.objects.get().last_error.startswith("TookTooLong")


def test_work_of_an_unknown_kind_ends_dead_and_says_so(db):
    item = make_due("test.nobody")
    run_item(item)

    assert "No job is registered for test.nobody" in OutboxItem.objects.get().last_error


@pytest.mark.django_db(transaction=True)
def test_work_never_runs_inside_a_transaction():
    item = make_due("test.note", word="a")

    with transaction.atomic(), pytest.raises(RuntimeError):
        run_item(item)


@pytest.mark.django_db(transaction=True)
def test_many_runners_do_each_row_once():
    words = [str(number) for number in range(60)]
    with transaction.atomic():
        for word in words:
            due("test.note", word=word)

    def run() -> None:
        run_due()
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(done) == sorted(words)
    assert set(OutboxItem.objects.values_list("attempts", flat=True)) == {1}


def test_periodic_work_is_due_once_a_period_however_many_ask(db, monkeypatch):
    monkeypatch.setattr("accounts.sweeper._last_bucket", {})
    recur_once("test.chain", 3600)
    monkeypatch.setattr("accounts.sweeper._last_bucket", {})
    recur_once("test.chain", 3600)

    assert OutboxItem.objects.count() == 1


def test_done_work_is_forgotten_in_time_and_its_promises_later(db):
    for key in (None, "every-5-1", "payout-1"):
        make_due("test.note", key=key, word="a")
    drain()
    move_clock(timedelta(days=8))
    prune()
    left = list(OutboxItem.objects.values_list("key", flat=True))
    move_clock(timedelta(days=90))
    prune()

    assert (left, OutboxItem.objects.count()) == (["payout-1"], 0)
