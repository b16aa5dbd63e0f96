"""Give and take tiers and reviewer marks; tiers 4 and 5 take two different operators."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import PermissionDenied

from accounts.audit import audit
from accounts.models import User
from experts.actions.effects import tell_routing
from experts.models import TWO_PERSON_TIER, Domain, Expert, ReviewerMark, TierGrant
from experts.rules import can_confirm, can_vet
from kernel.db import action, require_transaction
from kernel.errors import LostRace, Refused


class NeedsReason(Refused):
    """A decision about a person was given without its reason."""

    code = "reason_missing"
    status = 422


class SecondPersonNeeded(Refused):
    """The decision waits for a second, different operator."""

    code = "second_person_needed"


def require_vetting(by: User, expert: Expert) -> None:
    """Refuse an operator without the vetting role, and anybody who would vet themselves."""
    if not can_vet(by, expert):
        raise PermissionDenied("Only a vetting operator decides, and nobody vets themselves.")


def require_reason(reason: str) -> None:
    """Refuse a decision about a person that gives no reason."""
    if not reason.strip():
        raise NeedsReason("Write the reason: the expert and every later operator will read it.")


@action
def grant_tier(expert: Expert, domain: Domain, tier: int, *, by: User, reason: str, now: datetime) -> TierGrant:
    """Grant a tier in a domain; at 4 and 5 it counts only once ``confirm_tier`` has been called by another operator."""
    return give_tier(expert, domain, tier, by=by, reason=reason, now=now)


def give_tier(expert: Expert, domain: Domain, tier: int, *, by: User, reason: str, now: datetime) -> TierGrant:
    """Grant a tier inside the caller's transaction: in force at once below 4, pending a second person from 4 up."""
    require_transaction()
    require_vetting(by, expert)
    require_reason(reason)
    _lock(expert)
    is_two_person = tier >= TWO_PERSON_TIER
    if is_two_person and TierGrant.objects.pending().filter(expert=expert, domain=domain).exists():
        raise SecondPersonNeeded(f"A tier in {domain.name} already waits for a second operator.")
    if not is_two_person:
        _replace_live(expert, domain, by=by, tier=tier, now=now)
    grant = TierGrant.objects.create(
        expert=expert, domain=domain, tier=tier, granted_by=by, reason=reason, granted_at=now
    )
    audit(by, "tier.proposed" if is_two_person else "tier.granted", grant, at=now, tier=tier, domain=domain.slug)
    if not is_two_person:
        tell_routing(expert)
    return grant


@action
def confirm_tier(grant: TierGrant, *, by: User, now: datetime) -> TierGrant:
    """Confirm a tier of 4 or 5 as the second, different operator; it counts from now."""
    return second_tier(grant, by=by, now=now)


def second_tier(grant: TierGrant, *, by: User, now: datetime) -> TierGrant:
    """Confirm a pending tier inside the caller's transaction."""
    require_transaction()
    if not can_confirm(by, grant):
        raise PermissionDenied("The second person is a vetting operator other than the first and than the expert.")
    _lock(grant.expert)
    _replace_live(grant.expert, grant.domain, by=by, tier=grant.tier, now=now)
    won = TierGrant.objects.pending().filter(pk=grant.pk).update(second_by=by, second_at=now)
    if not won:
        raise LostRace("This tier no longer waits for a second operator.")
    grant.second_by, grant.second_at = by, now
    audit(by, "tier.granted", grant, at=now, tier=grant.tier, domain=grant.domain.slug)
    tell_routing(grant.expert)
    return grant


def _lock(expert: Expert) -> None:
    """Let grants to one expert follow each other: each sees what the one before left in force."""
    Expert.objects.select_for_update(of=("self",)).get(pk=expert.pk)


def _replace_live(expert: Expert, domain: Domain, *, by: User, tier: int, now: datetime) -> None:
    """End the tier in force in ``domain``, because another takes its place."""
    TierGrant.objects.live().filter(expert=expert, domain=domain).update(
        revoked_at=now, revoked_by=by, revoke_reason=f"Replaced by tier {tier}."
    )


@action
def revoke_tier(grant: TierGrant, *, by: User, reason: str, now: datetime) -> None:
    """Take a tier back, in force or pending; claims already begun keep their rate."""
    require_vetting(by, grant.expert)
    require_reason(reason)
    changes = {"revoked_at": now, "revoked_by": by, "revoke_reason": reason}
    if not TierGrant.objects.filter(pk=grant.pk, revoked_at__isnull=True).update(**changes):
        raise LostRace("This tier was already taken back.")
    audit(by, "tier.revoked", grant, at=now, tier=grant.tier, domain=grant.domain.slug)
    tell_routing(grant.expert)


@action
def grant_reviewer_mark(expert: Expert, domain: Domain, *, by: User, reason: str, now: datetime) -> ReviewerMark:
    """Let an expert review in a domain and below; give the mark they have if they have one."""
    require_vetting(by, expert)
    require_reason(reason)
    mark, is_new = ReviewerMark.objects.get_or_create(
        expert=expert,
        domain=domain,
        revoked_at=None,
        defaults={"granted_by": by, "reason": reason, "granted_at": now},
    )
    if is_new:
        audit(by, "reviewer_mark.granted", mark, at=now, domain=domain.slug)
        tell_routing(expert)
    return mark


@action
def revoke_reviewer_mark(mark: ReviewerMark, *, by: User, reason: str, now: datetime) -> None:
    """Take a reviewer mark back."""
    require_vetting(by, mark.expert)
    require_reason(reason)
    changes = {"revoked_at": now, "revoked_by": by, "revoke_reason": reason}
    if not ReviewerMark.objects.filter(pk=mark.pk, revoked_at__isnull=True).update(**changes):
        raise LostRace("This mark was already taken back.")
    audit(by, "reviewer_mark.revoked", mark, at=now, domain=mark.domain.slug)
    tell_routing(mark.expert)
