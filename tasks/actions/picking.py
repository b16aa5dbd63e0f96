"""Take a slot by the one statement that picks, moves and claims it, so that no two can be given the same.

The statement is a function of the database (migration 0004): there its plan is kept between claims.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from experts.models import Expert
from kernel.db import require_transaction
from kernel.ids import uuid7
from tasks import rules
from tasks.models import Batch, Claim, Project, WorkKind

TAKE = """
SELECT {columns} FROM {function}(
    %(claim)s, %(hold)s, %(expert)s, %(kind)s, %(batch)s, %(project)s, %(without)s::uuid[], %(now)s, %(lease)s,
    %(lease_caps)s, %(day_start)s, %(week_start)s, %(day_seconds)s, %(week_seconds)s, %(draw)s)
"""
FIELDS = [field.attname for field in Claim._meta.concrete_fields]
COLUMNS = ", ".join(f'"{field.column}"' for field in Claim._meta.concrete_fields)
TAKES = {
    kind: TAKE.format(columns=COLUMNS, function=function)
    for kind, function in ((WorkKind.WORK, "tasks_take_work"), (WorkKind.REVIEW, "tasks_take_review"))
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for: any work, or that of one batch or project."""

    kind: str
    batch: Batch | None = None
    project: Project | None = None


def take_slot(expert: Expert, wish: Wish, *, without: Collection[UUID], now: datetime) -> Claim | None:
    """Claim the best open slot for the expert, or return None when there is none that they may have."""
    require_transaction()
    values: dict[str, Any] = {
        "claim": uuid7(),
        "hold": uuid7(),  # Made a moment later; the reference is checked at the commit.
        "expert": expert.pk,
        "kind": wish.kind,
        "batch": wish.batch and wish.batch.pk,
        "project": wish.project and wish.project.pk,
        "without": list(without),
        "now": now,
        "lease": now + rules.LEASE,
        "lease_caps": rules.LEASE_CAPS,
        "day_start": rules.day_start(now),
        "week_start": rules.week_start(now),
        "day_seconds": rules.DAY_SECONDS,
        "week_seconds": rules.WEEK_SECONDS,
        "draw": random.randrange(10_000),  # noqa: S311 -- chooses a sample, guards nothing.
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKES[WorkKind(wish.kind)], values)
        row = cursor.fetchone()
    return None if row is None else Claim.from_db(connection.alias, FIELDS, row)
