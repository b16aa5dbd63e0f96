"""Read again what a lab asks for, once it asks for something else."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from accounts.audit import audit
from experts.models import Expert
from experts.pseudonyms import pseudonym
from kernel.db import action
from labs.events import record_event
from tasks.actions.timing import claim_in_hand
from tasks.models import Claim


@action
def acknowledge_guideline(claim_id: UUID, *, expert: Expert, fence: int, now: datetime) -> Claim:
    """Say that the version this claim goes by was read; its reading is time on the claim. A second press says no more.

    The lab hears of it by pseudonym. Until then the work cannot be handed in.
    """
    claim = claim_in_hand(claim_id, expert=expert, fence=fence, now=now)
    if not claim.is_guideline_changed:
        return claim
    assert claim.guideline is not None  # Only a claim that has one is marked.
    Claim.objects.filter(pk=claim.pk).update(is_guideline_changed=False)
    claim.is_guideline_changed = False
    number = claim.guideline.number
    audit(expert.user, "guideline.acknowledged", claim, at=now, guideline=claim.guideline.public_id, number=number)
    record_event(
        claim.lab_id,
        claim.project.mode,
        "guideline.acknowledged",
        at=now,
        project=claim.project.public_id,
        expert=pseudonym(claim.project_id, expert.pk),
        version=number,
    )
    return claim
