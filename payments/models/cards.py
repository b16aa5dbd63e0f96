"""The one public rate card, versioned; same domain, tier and kind, same rate: there is nowhere to store another."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import Q

from experts.models import Domain


class RateCard(models.Model):
    """A version of the card, with the fee that labs pay on top."""

    version = models.PositiveIntegerField(unique=True)
    fee_bps = models.PositiveIntegerField()
    valid_from = models.DateField()
    note = models.CharField(max_length=500, blank=True, default="")
    installed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    installed_at = models.DateTimeField()

    class Meta:
        ordering = ("-version",)
        constraints = (
            models.CheckConstraint(condition=Q(version__gt=0), name="rate_card_version_counts_from_one"),
            models.CheckConstraint(condition=Q(fee_bps__lte=10_000), name="rate_card_fee_at_most_whole"),
        )

    def __str__(self) -> str:
        return f"Rate card {self.version}"


class Rate(models.Model):
    """What an hour is paid in one domain, tier, kind ('' is any) and currency, while it holds."""

    card = models.ForeignKey(RateCard, models.PROTECT, related_name="rates")
    domain = models.ForeignKey(Domain, models.PROTECT, related_name="+")
    tier = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=40, blank=True, default="")
    currency = models.CharField(max_length=3)
    during = DateRangeField()
    minor_per_hour = models.BigIntegerField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(tier__gte=1, tier__lte=5), name="rate_tier_is_1_to_5"),
            models.CheckConstraint(condition=Q(minor_per_hour__gt=0), name="rate_pays_something"),
            ExclusionConstraint(
                name="rate_holds_alone",
                expressions=[
                    ("domain", RangeOperators.EQUAL),
                    ("tier", RangeOperators.EQUAL),
                    ("kind", RangeOperators.EQUAL),
                    ("currency", RangeOperators.EQUAL),
                    ("during", RangeOperators.OVERLAPS),
                ],
            ),
        )

    def __str__(self) -> str:
        return f"{self.domain_id} T{self.tier} {self.kind} {self.minor_per_hour} {self.currency}"
