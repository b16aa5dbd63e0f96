"""Fields of knowledge, and the people who hold them."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from accounts.models import User
from experts.states import ExpertState, Mode
from kernel.ids import TypedIdModel
from kernel.states import Stateful


class Domain(models.Model):
    """A field of knowledge; ``path`` holds the ids from the root to this one."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    path = ArrayField(models.BigIntegerField(), default=list)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "name")
        constraints = (models.CheckConstraint(condition=~Q(parent=F("id")), name="domain_is_not_its_own_parent"),)

    def __str__(self) -> str:
        """Show the name."""
        return self.name


class Expert(TypedIdModel, Stateful):
    """A person who does the work, beside their user."""

    PREFIX: ClassVar[str] = "exp"

    user = models.OneToOneField(User, models.PROTECT, related_name="expert")
    mode = models.CharField(max_length=4, choices=Mode, default=Mode.LIVE)
    country = models.CharField(max_length=2)
    languages = ArrayField(models.CharField(max_length=16), default=list)
    headline = models.CharField(max_length=120, blank=True, default="")
    bio = models.TextField(max_length=4000, blank=True, default="")
    employer = models.CharField(max_length=200, blank=True, default="")
    network = models.CharField(max_length=200, blank=True, default="")
    content_flags_accepted = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    weekly_hours = models.PositiveSmallIntegerField(default=20)
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(state__in=ExpertState.values), name="expert_state_known"),
            models.CheckConstraint(condition=Q(mode__in=Mode.values), name="expert_mode_known"),
            models.CheckConstraint(condition=Q(country__regex="^[A-Z]{2}$"), name="expert_country_iso2"),
            models.CheckConstraint(condition=Q(weekly_hours__lte=80), name="expert_weekly_hours_at_most_80"),
        )

    def __str__(self) -> str:
        """Show the public id: names stay off logs."""
        return self.public_id
