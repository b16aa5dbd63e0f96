"""Read lists and single objects over HTTP, out of a million tasks, as two callers at once do."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from statistics import median
from typing import Any

import psycopg
from django.conf import settings

from bench.cast import Cast, Stage, post_lines, task_lines
from bench.report import Figure, Report
from bench.server import Server, gunicorn
from kernel.db import app_now
from labs.actions import create_api_key
from labs.models import Mode, Scope
from tasks.actions import publishing
from tasks.models import Batch, Task

MUST = 1.0  # The bound over the worst of the p95.
MOST_P95_MS = 50.0
BATCHES = 10  # Each of as many tasks as the most lines of one posting.
CALLERS = 2  # As many as there are cores: this measures an answer, and not the queue before it.
KEYS = 40  # A key may call 50 times a second.
REQUESTS = 150  # By each caller, of each kind.
DEEP_PAGES = 100  # Of the most rows a page has.
PRODUCT = "marketplace.wsgi:application"
RANDOM_BYTES = 100_000

# Sealed bytes do not compress. The oldest tenth is one wave, and of that the oldest tenth is done: lists go from the
# newest on, so what they look for there is as far away as can be.
SEED_TASKS = """
INSERT INTO tasks_task (id, batch_id, project_id, external_id, payload, payload_sha256, tags, metadata, overlap,
                        priority, created_at)
SELECT uuidv7(), %(batch)s, %(project)s, 'seeded-' || n, substring(%(bytes)s FROM 1 + n * 37 %% 90000 FOR 1100),
       substring(%(bytes)s FROM 1 + n * 41 %% 90000 FOR 32),
       ARRAY['fiction', CASE WHEN n <= %(tasks)s / 10 THEN 'first wave' ELSE 'second wave' END],
       substring(%(bytes)s FROM 1 + n * 43 %% 90000 FOR 120), 1, 0, %(now)s
  FROM generate_series(1, %(tasks)s) AS n
"""
SEED_TAGS = "INSERT INTO tasks_tasktag SELECT batch_id, unnest(tags), id FROM tasks_task ON CONFLICT DO NOTHING"
SEED_SLOTS = """
INSERT INTO tasks_slot (kind, project_id, batch_id, task_id, number, layer, round, priority, state, state_changed_at)
SELECT 'work', project_id, batch_id, id, 1, 0, 0, 0,
       CASE WHEN substr(external_id, 8)::int <= %(tasks)s / 100 THEN 'ACCEPTED' ELSE 'OPEN' END, %(now)s
  FROM tasks_task WHERE external_id LIKE 'seeded-%%'
"""
SEEDED = ("tasks_task", "tasks_tasktag", "tasks_slot")


@dataclass(frozen=True)
class Kind:
    """One thing that callers ask for."""

    name: str
    path: str


def measure(options: argparse.Namespace) -> Report:
    """Return how long lists and single objects take, against the bound."""
    stage = Cast(app_now()).stage(experts=1, tasks=0)
    batch = seed(stage, options.tasks)
    keys = [stage.api_key, *(_another_key(stage) for _ in range(KEYS - 1))]
    with gunicorn(PRODUCT) as server:
        kinds = kinds_of(server, keys, batch)
        ask_all(server, keys, kinds[0])  # Each thread opens a connection, and each connection plans.
        taken = {kind.name: [ask_all(server, keys, kind) for _ in range(options.rounds)] for kind in kinds}
    figures = [figure for name, rounds in taken.items() for figure in _figures(name, rounds)]
    found = {name: median(_part(each, 0.95) for each in rounds) for name, rounds in taken.items()}
    musts = tuple((f"p95 of {name}, ms", p95, MOST_P95_MS, p95 <= MOST_P95_MS) for name, p95 in found.items())
    return Report("lists", MOST_P95_MS / max(found.values()), MUST, tuple(figures), musts)


def seed(stage: Stage, tasks: int) -> Batch:
    """Fill ten batches by SQL, as many tasks in each as asked for; return the one in the middle."""
    batches = [_running_batch(stage, number) for number in range(BATCHES)]
    values: dict[str, Any] = {"project": stage.project.pk, "tasks": tasks, "now": app_now()}
    values["bytes"] = os.urandom(RANDOM_BYTES)
    with psycopg.connect(settings.DATABASE_OWNER_URL, autocommit=True) as owner:
        for batch in batches:
            owner.execute(SEED_TASKS, {**values, "batch": batch.pk})
        owner.execute(SEED_TAGS)
        owner.execute(SEED_SLOTS, values)
        for table in SEEDED:
            owner.execute(f"VACUUM (ANALYZE) {table}")
    return batches[BATCHES // 2]


def _running_batch(stage: Stage, number: int) -> Batch:
    batch = publishing.create_batch(stage.project, name=f"Wave {number}", by=stage.owner, now=app_now())
    post_lines(batch, task_lines(1), by=stage.owner, now=app_now())
    batch.refresh_from_db()
    return publishing.launch_batch(batch, by=stage.owner, now=app_now())


def _another_key(stage: Stage) -> str:
    _, text = create_api_key(
        stage.lab, mode=Mode.LIVE, label="bench", scopes=list(Scope.values), by=stage.owner, now=app_now()
    )
    return text


def kinds_of(server: Server, keys: Sequence[str], batch: Batch) -> list[Kind]:
    """Return what is measured."""
    tasks = f"/api/v1/batches/{batch.public_id}/tasks"
    one = Task.objects.filter(batch=batch).order_by("pk").only("pk")[0]
    return [
        Kind("tasks, first page", tasks),
        Kind("tasks, first page of 200", f"{tasks}?limit=200"),
        Kind("tasks, deep page", f"{tasks}?cursor={_deep_cursor(server, keys, tasks)}"),
        Kind("tasks by state, all but the newest", f"{tasks}?state=ACCEPTED"),
        Kind("tasks by state, nearly all", f"{tasks}?state=OPEN"),
        Kind("tasks by tag, all but the newest", f"{tasks}?tag=first%20wave"),
        Kind("tasks by tag, all", f"{tasks}?tag=fiction"),
        Kind("tasks by tag and state", f"{tasks}?tag=first%20wave&state=ACCEPTED"),
        Kind("tasks by external id", f"{tasks}?external_id=seeded-7"),
        Kind("one task", f"/api/v1/tasks/{one.public_id}"),
        Kind("one batch, its progress counted", f"/api/v1/batches/{batch.public_id}"),
        Kind("batches", "/api/v1/batches"),
        Kind("projects", "/api/v1/projects"),
    ]


def _deep_cursor(server: Server, keys: Sequence[str], path: str) -> str:
    """Follow the pages for a while."""
    line, turn, cursor = _line(server), cycle(keys), ""
    for _ in range(DEEP_PAGES):
        answer = json.loads(_get(line, f"{path}?limit=200{cursor and f'&cursor={cursor}'}", next(turn)))
        cursor = answer["next_cursor"] or cursor
    return cursor


def ask_all(server: Server, keys: Sequence[str], kind: Kind) -> list[float]:
    """Let all callers ask for one kind at once; return the times in milliseconds, in order."""
    taken: list[float] = []
    share = len(keys) // CALLERS
    threads = [
        threading.Thread(target=_call, args=(server, keys[number * share : (number + 1) * share], kind.path, taken))
        for number in range(CALLERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(taken) != CALLERS * REQUESTS:
        raise RuntimeError(f"{kind.name}: {len(taken)} of {CALLERS * REQUESTS} requests were answered")
    return sorted(taken)


def _call(server: Server, keys: Sequence[str], path: str, taken: list[float]) -> None:
    line, turn = _line(server), cycle(keys)
    for _ in range(REQUESTS):
        begun = time.monotonic()
        _get(line, path, next(turn))
        taken.append(1000 * (time.monotonic() - begun))


def _line(server: Server) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)


def _get(line: http.client.HTTPConnection, path: str, key: str) -> bytes:
    line.request("GET", path, headers={"Host": "localhost", "Authorization": f"Bearer {key}"})
    response = line.getresponse()
    body = response.read()
    if response.status != 200:
        raise RuntimeError(f"{path}: {response.status} {body[:500]!r}")
    return body


def _part(taken: Sequence[float], share: float) -> float:
    return taken[int(len(taken) * share)]


def _figures(name: str, rounds: Sequence[Sequence[float]]) -> list[Figure]:
    return [
        Figure(f"{name}, p{int(share * 100)}", "ms", tuple(_part(each, share) for each in rounds))
        for share in (0.5, 0.95)
    ]
