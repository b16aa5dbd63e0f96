"""Let work stand still while its agreement waits for a signature, and go on."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from accounts.audit import audit
from agreements.queries import owes_urgent_signature
from kernel.db import action
from tasks import rules
from tasks.actions.timing import lift_suspension, suspend_meter
from tasks.models import Claim
from tasks.states import ClaimState


def suspend_unsigned(agreement_id: UUID, *, now: datetime) -> list[Claim]:
    """Suspend the live claims under an agreement whose experts owe an urgent signature; return those suspended.

    Time up to now is counted; the slot is kept for 24 hours, each claim in its own transaction.
    """
    live = _live().filter(project__agreement=agreement_id, lease_until__gt=now)
    return [claim for pk in live.values_list("pk", flat=True) if (claim := _suspend(pk, now))]


def lift_signed(user_id: UUID, agreement_id: UUID, *, now: datetime) -> int:
    """Let a signer's suspended claims go on; return how many."""
    standing = _live().filter(expert__user=user_id, project__agreement=agreement_id, paused_at__isnull=False)
    return sum([_lift(pk, now) for pk in standing.values_list("pk", flat=True)])


def _live() -> QuerySet[Claim]:
    return Claim.objects.filter(state=ClaimState.WORKING)


@action
def _suspend(claim_id: UUID, now: datetime) -> Claim | None:
    claim = _lock(claim_id, now)
    if claim is None or rules.is_suspended(claim):
        return None
    if not owes_urgent_signature(claim.expert.user_id, claim.project.agreement_id):
        return None
    suspend_meter(claim, now)
    audit(None, "claim.suspended", claim, at=now, agreement=claim.project.agreement_id)
    return claim


@action
def _lift(claim_id: UUID, now: datetime) -> bool:
    claim = _lock(claim_id, now)
    if claim is None or not rules.is_suspended(claim):
        return False
    if owes_urgent_signature(claim.expert.user_id, claim.project.agreement_id):
        return False
    lift_suspension(claim, now)
    audit(claim.expert.user, "claim.resumed", claim, at=now)
    return True


def _lock(claim_id: UUID, now: datetime) -> Claim | None:
    """Lock a claim that is still in its expert's hands."""
    rows = Claim.objects.select_for_update(of=("self",)).select_related("project", "slot", "expert__user")
    claim = rows.filter(pk=claim_id).first()
    return claim if claim is not None and rules.is_in_hand(claim, now) else None
