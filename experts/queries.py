"""What is known of an expert: tiers by domain, marks, proofs; read by routing and by pages."""

from __future__ import annotations

from datetime import date

from experts.models import Credential, Domain, Expert, ReviewerMark, TierGrant


def tiers_by_domain(expert: Expert) -> dict[int, int]:
    """Map each domain id with a grant of its own to the tier in force there."""
    return dict(TierGrant.objects.live().filter(expert=expert).values_list("domain_id", "tier"))


def nearest(path: list[int], tiers: dict[int, int]) -> int | None:
    """Return the tier that counts at the end of ``path``: its own, else the nearest ancestor's."""
    return next((tiers[domain] for domain in reversed(path) if domain in tiers), None)


def tier_of(expert: Expert, domain: Domain) -> int | None:
    """Return the tier that counts in ``domain``: granted there, else in the nearest ancestor, else None."""
    return nearest(domain.path, tiers_by_domain(expert))


def has_reviewer_mark(expert: Expert, domain: Domain) -> bool:
    """Tell whether the expert may review in ``domain``; a mark on an ancestor counts below it."""
    return ReviewerMark.objects.filter(expert=expert, domain__in=domain.path, revoked_at__isnull=True).exists()


def verified_credential_classes(expert: Expert, on: date) -> set[str]:
    """Return the classes of proof that are verified and not expired on ``on``."""
    return set(Credential.objects.counting(on).filter(expert=expert).values_list("credential_class", flat=True))


def jurisdictions(expert: Expert, on: date) -> set[str]:
    """Return the places where the expert holds a verified, unexpired credential on ``on``."""
    held = Credential.objects.counting(on).filter(expert=expert).exclude(jurisdiction="")
    return set(held.values_list("jurisdiction", flat=True))
