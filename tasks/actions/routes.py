"""Write down who may do what, so that a claim has nothing to work out."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from kernel.db import action
from tasks import routing
from tasks.models import Eligibility, Project

UPDATED = (
    "tier",
    "rate_minor",
    "card_version",
    "fee_bps",
    "review_rate_minor",
    "hold_minor",
    "budget_account",
    "is_eligible",
    "can_review",
    "reasons",
    "review_reasons",
    "computed_at",
)


@action
def compute_eligibility(project: Project, *, now: datetime, only: Collection[UUID] | None = None) -> int:
    """Judge all experts of the project's domain, or those in ``only``; return how many may do its work."""
    # One at a time for a project: of two that judge at once, the later would write what it read earlier.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    rows = routing.judge(project, routing.candidates_for(project, now, only=only), now)
    Eligibility.objects.bulk_create(
        rows,
        batch_size=1_000,
        update_conflicts=True,
        unique_fields=("expert", "project"),
        update_fields=UPDATED,
    )
    return sum(row.is_eligible for row in rows)
