"""One accepted answer with all that a trainer may want to know of it: what every shape is made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Accepted:
    """An accepted answer, opened. ``response`` is the final one; ``original`` is set where a reviewer fixed it."""

    task_id: str
    submission_id: str
    external_id: str
    kind: str
    payload: Json
    response: Json
    original: Json | None
    tags: list[str]
    metadata: Json | None
    provenance: Json

    def common(self) -> Json:
        """Return what every row of every shape carries beside its own fields."""
        return {
            "task_id": self.task_id,
            "submission_id": self.submission_id,
            "external_id": self.external_id,
            "tags": self.tags,
            "metadata": self.metadata,
            "provenance": self.provenance,
        }


def provenance(
    *,
    expert: str,
    tier: int,
    classes: list[str],
    guideline: int | None,
    agreement: int,
    active_seconds: int,
    shown_order: list[int],
    kind_version: int,
) -> Json:
    """Say who made an answer, as far as a lab may know, and under which rules; gold is never told."""
    return {
        "expert": expert,
        "tier": tier,
        "credential_classes": classes,
        "guideline_version": guideline,
        "agreement_version": agreement,
        "active_seconds": active_seconds,
        "shown_order": shown_order,
        "kind_version": kind_version,
    }
