"""Every job has one name, a queue that a worker reads, and every recurring one exists."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from accounts.outbox import registry
from marketplace.celery import QUEUES, RECURRING, app

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "labs", "experts", "agreements", "payments", "tasks", "marketplace")


def texts() -> list[str]:
    """Return the sources of all apps."""
    return [path.read_text() for name in APPS for path in (ROOT / name).rglob("*.py") if "migrations" not in path.parts]


def test_no_two_jobs_share_a_name() -> None:
    named = Counter(name for text in texts() for name in re.findall(r'@job\(\s*"([a-z_.]+)"', text))

    assert named
    assert [name for name, times in named.items() if times > 1] == []


def test_a_job_is_named_after_its_app() -> None:
    app.loader.import_default_modules()
    homes = {kind: job.run.__module__.partition(".")[0] for kind, job in registry.items()}
    ours = {kind: home for kind, home in homes.items() if home in APPS}  # Tests register jobs of their own.

    assert ours
    assert {kind.partition(".")[0]: home for kind, home in ours.items()} == {home: home for home in ours.values()}


def test_every_queue_has_a_worker() -> None:
    app.loader.import_default_modules()

    assert {job.queue for job in registry.values()} <= set(QUEUES)


def test_every_recurring_job_exists() -> None:
    app.loader.import_default_modules()

    assert set(RECURRING) <= set(registry)


def test_every_sweep_recurs() -> None:
    app.loader.import_default_modules()
    sweeps = {kind for kind in registry if re.search(r"\.(sweep|expire|prune|catch_up|seal)_", f"{kind}_")}

    assert sweeps <= set(RECURRING)


def test_work_is_asked_for_only_where_somebody_does_it() -> None:
    app.loader.import_default_modules()
    asked = {name for text in texts() for name in re.findall(r'\bdue\(\s*"([a-z_.]+)"', text)}

    assert asked
    assert asked - set(registry) == set()
