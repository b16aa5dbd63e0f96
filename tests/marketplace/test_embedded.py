"""PostgreSQL and Valkey out of wheels start, serve two roles, keep their data, and never outlive who started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from marketplace.embedded import APP, LONGEST_SOCKET_PATH, OWNER, Postgres, Valkey
from marketplace.guardian import Guardian, is_alive

ROOT = Path(__file__).resolve().parents[2]
STARTER = """
import os, signal, sys, time
from pathlib import Path
from marketplace.embedded import Postgres, Valkey
from marketplace.guardian import Guardian
home, guardian = Path(sys.argv[1]), Guardian()
postgres = Postgres(home / "postgres", guardian, is_throw_away=True).start()
valkey = Valkey(home / "valkey", guardian, is_throw_away=True).start()
print(postgres.process.pid, valkey.process.pid, guardian.process.pid, flush=True)
time.sleep(600)
"""
PATIENCE_SECONDS = 60

pytestmark = pytest.mark.processes


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a folder that PostgreSQL's user can reach, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="gh-test-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture
def guardian() -> Iterator[Guardian]:
    """Return a guardian that ends with the test, and with it what it watches."""
    one = Guardian()
    yield one
    one.close()


def start_elsewhere(home: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """Start both services in a process of their own; return it and the pids of PostgreSQL, Valkey and the guardian."""
    starter = subprocess.Popen([sys.executable, "-c", STARTER, str(home)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    with starter.stdout as said:
        return starter, [int(pid) for pid in said.readline().split()]


def eventually(fact: Callable[[], bool]) -> bool:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not fact() and time.monotonic() < deadline:
        time.sleep(0.05)
    return fact()


def test_the_role_that_serves_owns_nothing(home: Path, guardian: Guardian) -> None:
    postgres = Postgres(home / "postgres", guardian, is_throw_away=True).start()

    with psycopg.connect(postgres.url(OWNER)) as owner:
        owner.execute("CREATE TABLE kept (id int)")
    with psycopg.connect(postgres.url(APP)) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
        app.execute("CREATE TABLE mine (id int)")

    postgres.stop()


def test_data_is_there_again_after_a_stop(home: Path, guardian: Guardian) -> None:
    first = Postgres(home / "postgres", guardian, is_throw_away=False).start()
    with psycopg.connect(first.url(OWNER)) as owner:
        owner.execute("CREATE TABLE kept AS SELECT 7 AS id")
    first.stop()

    second = Postgres(home / "postgres", guardian, is_throw_away=False).start()
    with psycopg.connect(second.url(OWNER)) as owner:
        rows = owner.execute("SELECT id FROM kept").fetchall()
    second.stop()

    assert rows == [(7,)]


def test_the_socket_fits_the_narrowest_system(home: Path, guardian: Guardian) -> None:
    deep = home / ("a-folder-with-a-long-name-" * 6)

    postgres = Postgres(deep / "postgres", guardian, is_throw_away=True).start()
    path = postgres.socket_folder / ".s.PGSQL.5432"
    postgres.stop()

    assert len(os.fsencode(path)) <= LONGEST_SOCKET_PATH


def test_valkey_wants_its_password(home: Path, guardian: Guardian) -> None:
    valkey = Valkey(home / "valkey", guardian, is_throw_away=True).start()

    with redis.from_url(valkey.url()) as known:
        assert known.ping()
    with redis.Redis(port=valkey.port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()

    valkey.stop()


def test_killing_the_starter_stops_what_it_started(home: Path) -> None:
    starter, pids = start_elsewhere(home)

    starter.kill()
    starter.wait()

    assert eventually(lambda: not any(map(is_alive, pids)))


def test_an_orphan_of_an_earlier_run_is_stopped_first(home: Path, guardian: Guardian) -> None:
    starter, (old_postgres, old_valkey, old_guardian) = start_elsewhere(home)
    os.kill(old_guardian, signal.SIGKILL)
    starter.kill()
    starter.wait()

    postgres = Postgres(home / "postgres", guardian, is_throw_away=True).start()
    valkey = Valkey(home / "valkey", guardian, is_throw_away=True).start()

    assert not is_alive(old_postgres)
    assert not is_alive(old_valkey)
    with psycopg.connect(postgres.url(APP)) as app:
        assert app.execute("SELECT 1").fetchone() == (1,)
    valkey.stop()
    postgres.stop()
