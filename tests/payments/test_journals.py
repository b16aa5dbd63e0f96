"""The journal for the bookkeeper: each entry once, each batch balanced, the same bytes for ever."""

from __future__ import annotations

import csv
import hashlib
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from io import StringIO
from threading import Barrier, Event

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from kernel.errors import Refused
from payments import actions, ledger
from payments.models import Entry, JournalBatch
from tests.accounts.factories import log_in
from tests.payments.factories import NOW, a_funded_lab, a_payable_expert, a_project, earn, finance

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada() -> User:
    return finance()


def lock(by: User, *, until: str = "", limit: int = 50_000) -> JournalBatch:
    """Lock the next batch, once transactions of others no longer hold the entry of key ``until`` back."""
    for _ in range(200):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT txid_snapshot_xmin(txid_current_snapshot())")
            oldest = cursor.fetchone()[0]
        newest = Entry.objects.filter(key=until) if until else Entry.objects.all()
        if not newest.filter(xid__gte=oldest).exists():
            break
        time.sleep(0.05)
    return actions.lock_journal_batch(by=by, now=NOW, limit=limit)


def lines(batch: JournalBatch) -> list[dict[str, str]]:
    """Return a batch's file as its reader gets it."""
    return list(csv.DictReader(StringIO(zlib.decompress(batch.content).decode())))


def move(key: str) -> None:
    """Post a cent."""
    with transaction.atomic():
        legs = [(ledger.bank_operating("USD"), 1), (ledger.opening_equity("USD"), -1)]
        ledger.post("float", legs, key=key, at=NOW)


def test_each_entry_of_real_money_is_in_one_batch_and_balances(ada: User) -> None:
    lab = a_funded_lab(10_000_00)
    actions.add_play_money(lab, 100_00, by=None, now=NOW)
    first = lock(ada)
    earn(lab, a_project(lab, 5_000_00), a_payable_expert(), 3_600)
    second = lock(ada)

    rows = [*lines(first), *lines(second)]
    sums = Counter[str]()
    for row in rows:
        sums[row["journal"]] += int(Decimal(row["debit"] or 0) * 100) - int(Decimal(row["credit"] or 0) * 100)
    real = Entry.objects.exclude(kind="play_money").values_list("pk", flat=True)
    assert set(sums.values()) == {0}
    assert sorted(map(int, sums)) == sorted(real)
    assert {row["journal"] for row in lines(first)} & {row["journal"] for row in lines(second)} == set()


def test_a_line_names_account_and_whose_it_is(ada: User) -> None:
    lab = a_funded_lab(10_000_00)
    row = next(row for row in lines(lock(ada)) if row["account"] == "lab_prepaid")

    assert (row["name"], row["class"], row["debit"], row["credit"], row["currency"]) == (
        lab.public_id, "liability", "", "10000.00", "USD",
    )  # fmt: skip


def test_what_was_locked_is_downloaded_in_the_same_bytes(ada: User) -> None:
    a_funded_lab(10_000_00)
    batch = lock(ada)
    move("later")
    browser = log_in(Client(), finance("Bo"))
    first, again = (browser.get(reverse("payments:journal_csv", args=[batch.pk])) for _ in range(2))

    assert first.content == again.content == zlib.decompress(batch.content)
    assert hashlib.sha256(first.content).hexdigest() == batch.sha256
    assert first["Content-Disposition"] == 'attachment; filename="guildhall-journal-00001.csv"'


def test_nothing_is_exported_twice(ada: User) -> None:
    move("once")
    lock(ada)

    with pytest.raises(Refused, match="in a batch already"):
        lock(ada)


def test_an_entry_that_commits_late_is_in_the_next_batch(ada: User) -> None:
    move("early")
    is_written, may_commit = Event(), Event()

    def be_slow() -> None:
        with transaction.atomic():
            legs = [(ledger.bank_operating("USD"), 1), (ledger.opening_equity("USD"), -1)]
            ledger.post("float", legs, key="slow", at=NOW)
            is_written.set()
            may_commit.wait(20)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(be_slow)
        is_written.wait(20)
        move("quick")  # Begun after the slow one, and over before it.
        first = lock(ada, until="early")
        may_commit.set()
        slow.result()
    second = lock(ada)

    assert [{row["key"] for row in lines(batch)} for batch in (first, second)] == [{"early"}, {"slow", "quick"}]


def test_a_long_journal_goes_out_in_several_batches(ada: User) -> None:
    for number in range(5):
        move(f"cent-{number}")
    sizes = [lock(ada, limit=2).entry_count for _ in range(3)]

    assert sizes == [2, 2, 1]


def test_of_five_who_lock_at_once_one_gets_the_entries(ada: User) -> None:
    move("wanted")
    start = Barrier(5)

    def press(_: int) -> int:
        start.wait()
        try:
            return lock(ada).entry_count
        except Refused:
            return 0
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        assert sorted(pool.map(press, range(5))) == [0, 0, 0, 0, 1]


def test_no_memo_runs_as_a_formula(ada: User) -> None:
    with transaction.atomic():
        legs = [(ledger.bank_operating("USD"), 1), (ledger.opening_equity("USD"), -1)]
        ledger.post("float", legs, key='=HYPERLINK("x")', at=NOW, memo={"said": "=1+1"})

    row = lines(lock(ada))[0]
    assert (row["key"], row["memo"]) == ('\'=HYPERLINK("x")', '{"said":"=1+1"}')


def test_the_database_keeps_batches_and_their_order(ada: User) -> None:
    move("kept")
    batch = lock(ada)
    values = JournalBatch.objects.filter(pk=batch.pk).values().get()
    values.pop("id")
    later = {"from_xid": batch.to_xid, "to_xid": batch.to_xid + 1}

    for change in (
        lambda: JournalBatch.objects.update(sha256="0" * 64),
        lambda: JournalBatch.objects.all().delete(),
        lambda: JournalBatch.objects.create(**values | later | {"number": 3}),
        lambda: JournalBatch.objects.create(**values | {"number": 2, "to_xid": 2**60}),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_finance_locks_a_batch_on_the_desk(ada: User) -> None:
    move("by-hand")
    browser = log_in(Client(), ada)
    page = browser.get(reverse("payments:journal"))
    said = browser.post(reverse("payments:journal"), follow=True).content.decode()

    assert (page.status_code, "for the bookkeeper" in page.content.decode()) == (200, True)
    assert "Batch 1 is locked" in said
