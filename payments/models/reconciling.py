"""Whether our books are Stripe's: what moved there, where we differ, and whether payouts stand still for it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.expressions import ExpressionWrapper

from kernel.ids import TypedIdModel
from payments.models.ledger import Entry
from payments.models.payouts import PayoutRun


class DifferenceKind(models.TextChoices):
    """What does not agree with what."""

    BALANCE = "balance"
    MOVEMENT = "movement"
    ENTRY = "entry"
    TRANSFER = "transfer"
    COVER = "cover"
    LEDGER = "ledger"


class Movement(models.Model):
    """One balance transaction of ours at Stripe, and the entries that explain it: each explains one movement."""

    stripe_id = models.CharField(max_length=255, unique=True)
    kind = models.CharField(max_length=60)
    source = models.CharField(max_length=255, blank=True, default="")
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    fee_minor = models.BigIntegerField()
    net_minor = models.BigIntegerField()
    created_at = models.DateTimeField(db_index=True)  # Stripe's time.
    seen_at = models.DateTimeField()  # Ours.
    entry = models.OneToOneField(Entry, models.PROTECT, null=True, related_name="movement")
    fee_entry = models.OneToOneField(Entry, models.PROTECT, null=True, related_name="fee_movement")

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(net_minor=F("amount_minor") - F("fee_minor")), name="movement_adds_up"),
            models.CheckConstraint(
                condition=Q(fee_entry__isnull=True) | Q(entry__isnull=False), name="movement_fee_beside_its_amount"
            ),
        )
        indexes = (models.Index(fields=["id"], condition=Q(entry__isnull=True), name="movement_unexplained"),)

    def __str__(self) -> str:
        return self.stripe_id


class Reconciliation(models.Model):
    """One comparison of all our money with Stripe's, line by line."""

    at = models.DateTimeField(db_index=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")  # None: the night's.
    movements = models.PositiveIntegerField()  # Imported by this one.
    lines = models.JSONField(default=list)  # [{what, ours_minor, theirs_minor, currency}]
    found = models.PositiveIntegerField()  # Differences that were open at its end.

    class Meta:
        ordering = ("-at", "-id")

    def __str__(self) -> str:
        return f"Reconciliation of {self.at}"


class Difference(TypedIdModel):
    """Something that does not agree: while one is open, nothing is approved and nothing is sent."""

    PREFIX: ClassVar[str] = "dif"

    kind = models.CharField(max_length=10, choices=DifferenceKind)
    key = models.CharField(max_length=200)  # The same cause is one row.
    what = models.CharField(max_length=500)
    currency = models.CharField(max_length=3, blank=True, default="")
    ours_minor = models.BigIntegerField(default=0)
    theirs_minor = models.BigIntegerField(default=0)
    movement = models.ForeignKey(Movement, models.PROTECT, null=True, related_name="differences")
    run = models.ForeignKey(PayoutRun, models.PROTECT, null=True, related_name="differences")
    found_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )  # None: it agreed by itself.
    reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ("-found_at", "-id")
        constraints = (
            models.CheckConstraint(condition=Q(kind__in=DifferenceKind.values), name="difference_kind_known"),
            models.UniqueConstraint(fields=["key"], condition=Q(resolved_at__isnull=True), name="difference_open_once"),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True, resolved_by__isnull=True, reason="")
                | (Q(resolved_at__isnull=False) & ~Q(reason="")),
                name="difference_resolved_for_a_reason",
            ),
        )

    def __str__(self) -> str:
        return self.what


class PayoutStop(TypedIdModel):
    """The emergency stop: while one is in force nothing is sent; whoever lifts it is another person."""

    PREFIX: ClassVar[str] = "stp"

    reason = models.CharField(max_length=500)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    started_at = models.DateTimeField()
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    lifted_at = models.DateTimeField(null=True)
    lift_reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ("-started_at",)
        constraints = (
            models.CheckConstraint(condition=~Q(reason=""), name="stop_has_reason"),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True, lift_reason="")
                | (Q(lifted_at__isnull=False, lifted_by__isnull=False) & ~Q(lift_reason="")),
                name="stop_lifted_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(lifted_by__isnull=True) | ~Q(lifted_by=F("started_by")), name="stop_two_persons"
            ),
            models.UniqueConstraint(
                ExpressionWrapper(Q(lifted_at__isnull=True), output_field=models.BooleanField()),
                condition=Q(lifted_at__isnull=True),
                name="stop_one_in_force",
            ),
        )

    def __str__(self) -> str:
        return self.reason
