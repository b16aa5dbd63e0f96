"""Start a throw-away PostgreSQL and Valkey for every test run, before the settings are read.

``DATABASE_URL`` with ``DATABASE_OWNER_URL`` and ``REDIS_URL`` win when set, and nothing is started.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from marketplace.embedded import OWNER, Postgres, Valkey
from marketplace.guardian import Guardian

STARTED: list[Postgres | Valkey | Guardian] = []


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    """Start the services before the settings are read; workers of one run share them, each in its own database."""
    os.environ["GUILDHALL_MODE"] = "test"
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright runs a loop in the thread of the tests.
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker:
        os.environ["REDIS_URL"] = os.environ["REDIS_URL"].rpartition("/")[0] + f"/{int(worker[2:]) + 1}"
        return
    if {"-h", "--help", "--version", "-V"}.intersection(args) or (
        "DATABASE_URL" in os.environ and "REDIS_URL" in os.environ
    ):
        return
    guardian = Guardian()
    STARTED.append(guardian)
    home = Path(tempfile.mkdtemp(prefix="guildhall-tests-"))
    home.chmod(0o711)
    guardian.remove(home)
    if "DATABASE_URL" not in os.environ:
        postgres = Postgres(home / "postgres", guardian, is_throw_away=True).start()
        STARTED.append(postgres)
        os.environ["DATABASE_URL"] = os.environ["DATABASE_OWNER_URL"] = postgres.url(OWNER)
    if "REDIS_URL" not in os.environ:
        valkey = Valkey(home / "valkey", guardian, is_throw_away=True).start()
        STARTED.append(valkey)
        os.environ["REDIS_URL"] = valkey.url()
    os.environ["DATA_DIR"] = str(home / "files")
    (home / "files" / "static").mkdir(
        parents=True, exist_ok=True
    )  # WhiteNoise wants it there, though tests use the finders.


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Stop what was started."""
    while STARTED:
        service = STARTED.pop()
        if isinstance(service, Guardian):
            service.close()
        else:
            service.stop()
