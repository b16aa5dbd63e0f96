"""What follows when something changes that decides which work an expert may do."""

from __future__ import annotations

from accounts.outbox import due
from experts.models import Expert


def tell_routing(expert: Expert) -> None:
    """Ask, in the caller's transaction, for the expert's eligibility to be worked out again."""
    due("tasks.expert_changed", expert=expert.pk)
