"""Proofs, tiers and reviewer marks: what an expert holds, and who gave it."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from accounts.models import User
from experts.models.people import Domain, Expert
from experts.states import CredentialClass, CredentialState
from kernel.ids import TypedIdModel
from kernel.states import Stateful

TWO_PERSON_TIER = 4


class CredentialQuerySet(models.QuerySet["Credential"]):
    """Credentials, by whether they count."""

    def counting(self, on: date) -> CredentialQuerySet:
        """Keep those verified and not past their expiry on ``on``."""
        return self.filter(Q(expires_on__isnull=True) | Q(expires_on__gte=on), state=CredentialState.VERIFIED)


class Credential(TypedIdModel, Stateful):
    """One proof: who issued it, where it counts, and who checked what where."""

    PREFIX: ClassVar[str] = "crd"

    expert = models.ForeignKey(Expert, models.PROTECT, related_name="credentials")
    credential_class = models.CharField(max_length=40, choices=CredentialClass)
    title = models.CharField(max_length=200, blank=True, default="")
    issuer = models.CharField(max_length=200)
    jurisdiction = models.CharField(max_length=40, blank=True, default="")
    number = models.CharField(max_length=80, blank=True, default="")
    expires_on = models.DateField(null=True, blank=True)
    added_at = models.DateTimeField()
    checked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    checked_at = models.DateTimeField(null=True, blank=True)
    checked_where = models.CharField(max_length=300, blank=True, default="")
    finding = models.TextField(max_length=2000, blank=True, default="")

    objects = CredentialQuerySet.as_manager()

    class Meta:
        ordering = ("added_at", "id")
        constraints = (
            models.CheckConstraint(condition=Q(state__in=CredentialState.values), name="credential_state_known"),
            models.CheckConstraint(
                condition=Q(credential_class__in=CredentialClass.values), name="credential_class_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=(CredentialState.CLAIMED, CredentialState.CHECKING))
                | (Q(checked_by__isnull=False) & Q(checked_at__isnull=False) & ~Q(checked_where="") & ~Q(finding="")),
                name="credential_verdict_says_who_what_where",
            ),
        )

    def __str__(self) -> str:
        """Show the public id."""
        return self.public_id


class TierGrantQuerySet(models.QuerySet["TierGrant"]):
    """Tier grants, by whether they count."""

    def live(self) -> TierGrantQuerySet:
        """Keep those in force: not revoked, and seen by two people where two are needed."""
        return self.filter(Q(tier__lt=TWO_PERSON_TIER) | Q(second_by__isnull=False), revoked_at__isnull=True)

    def pending(self) -> TierGrantQuerySet:
        """Keep those that still want a second person."""
        return self.filter(tier__gte=TWO_PERSON_TIER, second_by__isnull=True, revoked_at__isnull=True)


class TierGrant(TypedIdModel):
    """A tier held in a domain: who granted it, why, from when, and who looked a second time."""

    PREFIX: ClassVar[str] = "tgr"

    expert = models.ForeignKey(Expert, models.PROTECT, related_name="tier_grants")
    domain = models.ForeignKey(Domain, models.PROTECT, related_name="+")
    tier = models.PositiveSmallIntegerField()
    granted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    second_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.TextField(max_length=2000)
    granted_at = models.DateTimeField()
    second_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    revoke_reason = models.TextField(max_length=2000, blank=True, default="")

    objects = TierGrantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(tier__gte=1, tier__lte=5), name="tier_grant_1_to_5"),
            models.CheckConstraint(condition=~Q(reason=""), name="tier_grant_has_reason"),
            models.CheckConstraint(
                condition=Q(second_by__isnull=True) | ~Q(second_by=F("granted_by")), name="tier_grant_two_people_differ"
            ),
            models.CheckConstraint(
                condition=Q(second_by__isnull=True, second_at__isnull=True)
                | Q(second_by__isnull=False, second_at__isnull=False),
                name="tier_grant_second_has_time",
            ),
            models.UniqueConstraint(
                fields=("expert", "domain"),
                condition=Q(revoked_at__isnull=True) & (Q(tier__lt=TWO_PERSON_TIER) | Q(second_by__isnull=False)),
                name="tier_grant_one_live_per_domain",
            ),
            models.UniqueConstraint(
                fields=("expert", "domain"),
                condition=Q(revoked_at__isnull=True, tier__gte=TWO_PERSON_TIER, second_by__isnull=True),
                name="tier_grant_one_pending_per_domain",
            ),
        )

    def __str__(self) -> str:
        """Show the public id."""
        return self.public_id


class ReviewerMark(TypedIdModel):
    """Leave to review in a domain: who gave it and why."""

    PREFIX: ClassVar[str] = "rmk"

    expert = models.ForeignKey(Expert, models.PROTECT, related_name="reviewer_marks")
    domain = models.ForeignKey(Domain, models.PROTECT, related_name="+")
    granted_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    reason = models.TextField(max_length=2000)
    granted_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    revoke_reason = models.TextField(max_length=2000, blank=True, default="")

    class Meta:
        constraints = (
            models.CheckConstraint(condition=~Q(reason=""), name="reviewer_mark_has_reason"),
            models.UniqueConstraint(
                fields=("expert", "domain"),
                condition=Q(revoked_at__isnull=True),
                name="reviewer_mark_one_live_per_domain",
            ),
        )

    def __str__(self) -> str:
        """Show the public id."""
        return self.public_id
