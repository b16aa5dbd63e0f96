"""Money set aside for claims, and accepted time at a rate."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from experts.models import Expert
from kernel.ids import TypedIdModel
from kernel.states import Stateful
from labs.models import Lab
from payments.models.ledger import Entry
from payments.states import HoldState, PayLineState


class WorkKind(models.TextChoices):
    """What was done for the pay."""

    WORK = "work"
    REVIEW = "review"


class PayReason(models.TextChoices):
    """Why time is paid."""

    ACCEPTED = "accepted"
    FIXED = "fixed"
    REJECTED = "rejected"
    RELEASED = "released"
    EXPIRED = "expired"
    CLOSED_OUT = "closed_out"
    REVIEWED = "reviewed"
    CASE = "case"


class Hold(TypedIdModel, Stateful):
    """The most a claim and its reviews can still cost, set aside from the project's budget."""

    PREFIX: ClassVar[str] = "hld"

    subject = models.CharField(max_length=40, unique=True)
    project = models.CharField(max_length=40)
    lab = models.ForeignKey(Lab, models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()  # What is still held: 0 once settled or released.
    review_minor = models.BigIntegerField(default=0)
    review_parts_left = models.PositiveSmallIntegerField(default=0)
    parent = models.ForeignKey("self", models.PROTECT, null=True, related_name="parts")
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(state__in=HoldState.values), name="hold_state_known"),
            models.CheckConstraint(
                condition=Q(state=HoldState.OPEN, amount_minor__gte=0) | Q(amount_minor=0),
                name="hold_closed_holds_nothing",
            ),
            models.CheckConstraint(condition=Q(review_minor__gte=0), name="hold_review_part_not_negative"),
        )
        indexes = (
            models.Index(fields=["project"], condition=Q(state=HoldState.OPEN), name="hold_open_by_project"),
            models.Index(fields=["lab"], condition=Q(state=HoldState.OPEN), name="hold_open_by_lab"),
        )

    def __str__(self) -> str:
        return self.subject


class PayLineQuerySet(models.QuerySet["PayLine"]):
    """Pay lines, by whom they concern."""

    def standing(self) -> PayLineQuerySet:
        """Keep those that were not withheld."""
        return self.exclude(state=PayLineState.VOID)

    def charged(self) -> PayLineQuerySet:
        """Keep those that a lab bears: not withheld, and neither paid nor refunded by the house."""
        return self.standing().filter(is_on_house=False)


class PayLine(TypedIdModel, Stateful):
    """Seconds at a rate: what one claim earned, rounded once."""

    PREFIX: ClassVar[str] = "pln"

    expert = models.ForeignKey(Expert, models.PROTECT, related_name="pay_lines")
    lab = models.ForeignKey(Lab, models.PROTECT, related_name="+")
    project = models.CharField(max_length=40)
    subject = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=10, choices=WorkKind)
    reason = models.CharField(max_length=20, choices=PayReason)
    seconds = models.PositiveIntegerField()
    rate_minor = models.BigIntegerField()
    tier = models.PositiveSmallIntegerField()
    card_version = models.PositiveIntegerField()
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    week_start = models.DateField()
    decided_at = models.DateTimeField()
    entry = models.ForeignKey(Entry, models.PROTECT, null=True, related_name="+")
    item = models.ForeignKey("payments.PayoutItem", models.PROTECT, null=True, related_name="lines")
    is_on_house = models.BooleanField(default=False, db_default=False)  # A case had the platform bear what it cost.

    objects = PayLineQuerySet.as_manager()

    class Meta:
        ordering = ("-decided_at", "-id")
        constraints = (
            models.CheckConstraint(condition=Q(state__in=PayLineState.values), name="payline_state_known"),
            models.CheckConstraint(condition=Q(kind__in=WorkKind.values), name="payline_kind_known"),
            models.CheckConstraint(condition=Q(reason__in=PayReason.values), name="payline_reason_known"),
            models.CheckConstraint(condition=Q(seconds__gt=0), name="payline_pays_time"),
            models.CheckConstraint(
                condition=Q(amount_minor__gte=0, fee_minor__gte=0, rate_minor__gt=0), name="payline_not_negative"
            ),
            models.CheckConstraint(condition=Q(week_start__iso_week_day=1), name="payline_week_starts_on_monday"),
            # A line is in one item at most: it has room for one, and leaves it before it enters another (0002).
            models.CheckConstraint(
                condition=Q(state__in=[PayLineState.AVAILABLE, PayLineState.VOID], item__isnull=True)
                | Q(state__in=[PayLineState.LOCKED, PayLineState.PAID, PayLineState.CLAWED_BACK], item__isnull=False),
                name="payline_locked_in_an_item",
            ),
        )
        indexes = (
            models.Index(fields=["expert", "-decided_at"], name="payline_by_expert"),
            models.Index(fields=["lab", "project"], name="payline_by_project"),
            models.Index(
                fields=["currency", "decided_at"],
                condition=Q(state=PayLineState.AVAILABLE),
                name="payline_waiting",
            ),
        )

    def __str__(self) -> str:
        return self.public_id
