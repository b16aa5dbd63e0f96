"""What an expert asks to be vetted for, and what each operator said."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.models import User
from experts.models.people import Domain, Expert
from experts.states import ApplicationState
from kernel.ids import TypedIdModel
from kernel.states import Stateful


class Application(TypedIdModel, Stateful):
    """What an expert asks to be vetted for, and what was decided."""

    PREFIX: ClassVar[str] = "app"

    expert = models.ForeignKey(Expert, models.PROTECT, related_name="applications")
    statement = models.TextField(max_length=4000, blank=True, default="")
    created_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True, blank=True)
    promised_at = models.DateTimeField(null=True, blank=True)
    taken_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(max_length=2000, blank=True, default="")

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(state__in=ApplicationState.values), name="application_state_known"),
            models.CheckConstraint(
                condition=Q(state=ApplicationState.DRAFT) | Q(submitted_at__isnull=False),
                name="application_submitted_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=(ApplicationState.APPROVED, ApplicationState.DECLINED))
                | (Q(decided_at__isnull=False) & Q(decided_by__isnull=False) & ~Q(reason="")),
                name="application_decided_has_who_when_why",
            ),
            models.UniqueConstraint(
                fields=("expert",),
                condition=~Q(state__in=(ApplicationState.APPROVED, ApplicationState.DECLINED)),
                name="application_one_open_per_expert",
            ),
        )
        indexes = (models.Index(fields=("state", "submitted_at"), name="application_queue"),)

    def __str__(self) -> str:
        """Show the public id."""
        return self.public_id


class TierRequest(models.Model):
    """One domain that an application asks for, at a tier."""

    application = models.ForeignKey(Application, models.CASCADE, related_name="requests")
    domain = models.ForeignKey(Domain, models.PROTECT, related_name="+")
    tier = models.PositiveSmallIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("application", "domain"), name="tier_request_once_per_domain"),
            models.CheckConstraint(condition=Q(tier__gte=1, tier__lte=5), name="tier_request_1_to_5"),
        )

    def __str__(self) -> str:
        """Show what is asked for."""
        return f"domain {self.domain_id} at tier {self.tier}"


class VerdictKind(models.TextChoices):
    """What an operator decided on an application."""

    APPROVE = "approve", "approved"
    SECOND = "second", "approved as the second"
    MORE = "more", "asked for more"
    DECLINE = "decline", "declined"


class Verdict(models.Model):
    """One operator's word on an application, kept beside the checks they ticked."""

    application = models.ForeignKey(Application, models.PROTECT, related_name="verdicts")
    operator = models.ForeignKey(User, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=VerdictKind)
    reason = models.TextField(max_length=2000)
    checks = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=VerdictKind.values), name="verdict_kind_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="verdict_has_reason"),
        )

    def __str__(self) -> str:
        """Show the word given."""
        return self.kind
