"""Who is paid, and the weekly runs that pay them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from experts.models import Expert
from kernel.ids import TypedIdModel
from kernel.states import Stateful
from payments.models.ledger import PLAY_MONEY
from payments.states import BankState, ItemState, PayeeState, RunState


class Rail(models.TextChoices):
    """A way to pay people."""

    STRIPE = "stripe"
    MANUAL = "manual"


class Payee(TypedIdModel, Stateful):
    """An expert as the one who is paid: the account at Stripe, and whether it may be paid now."""

    PREFIX: ClassVar[str] = "pye"

    expert = models.OneToOneField(Expert, models.PROTECT, related_name="payee")
    rail = models.CharField(max_length=10, choices=Rail, default=Rail.STRIPE)
    stripe_id = models.CharField(max_length=255, blank=True, default="")
    needs = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    asked_at = models.DateTimeField(null=True)  # When the expert was first asked to set payouts up.
    read_at = models.DateTimeField(null=True)  # When readiness was last read from Stripe.
    ready_at = models.DateTimeField(null=True)
    bank_changed_at = models.DateTimeField(null=True)
    events_read_at = models.DateTimeField(null=True)  # Up to when the account's own events were fetched.
    created_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(state__in=PayeeState.values), name="payee_state_known"),
            models.CheckConstraint(condition=Q(rail__in=Rail.values), name="payee_rail_known"),
            models.UniqueConstraint(fields=["stripe_id"], condition=~Q(stripe_id=""), name="payee_once_per_account"),
            models.CheckConstraint(
                condition=~Q(state=PayeeState.ACTIVE)
                | (~Q(stripe_id="") & Q(ready_at__isnull=False))
                | Q(rail=Rail.MANUAL),
                name="payee_ready_has_account",
            ),
        )

    def __str__(self) -> str:
        return self.public_id


class PayoutRun(TypedIdModel, Stateful):
    """One week's payouts: built by one person, approved by others, sent once."""

    PREFIX: ClassVar[str] = "run"

    number = models.PositiveIntegerField(unique=True)
    week_start = models.DateField()
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField(default=0)
    item_count = models.PositiveIntegerField(default=0)
    left_out = models.JSONField(default=list)  # [{expert, name, amount_minor, reason}]: whom it does not pay, and why.
    content_sha256 = models.CharField(max_length=64, blank=True, default="")  # What approvals are given to.
    built_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    built_at = models.DateTimeField()
    submitted_at = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    sending_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500, blank=True, default="")  # Why it is paused, rejected or cancelled.

    class Meta:
        ordering = ("-number",)
        constraints = (
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="run_state_known"),
            models.CheckConstraint(condition=Q(week_start__iso_week_day=1), name="run_week_starts_on_monday"),
            models.CheckConstraint(condition=Q(total_minor__gte=0), name="run_total_not_negative"),
            models.CheckConstraint(condition=~Q(currency=PLAY_MONEY), name="run_is_of_real_money"),
            models.UniqueConstraint(
                fields=["week_start", "currency"],
                condition=~Q(state=RunState.CANCELLED),
                name="run_once_per_week",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[RunState.DRAFT, RunState.CANCELLED])
                | (~Q(content_sha256="") & Q(submitted_at__isnull=False)),
                name="run_submitted_has_content_hash",
            ),
        )

    def __str__(self) -> str:
        return f"Run {self.number}"


class RunEdit(models.Model):
    """Who changed what a run pays: such a person does not approve it."""

    run = models.ForeignKey(PayoutRun, models.PROTECT, related_name="edits")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    what = models.CharField(max_length=200)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.what


class RunApproval(models.Model):
    """One person's yes to exactly this content."""

    run = models.ForeignKey(PayoutRun, models.PROTECT, related_name="approvals")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    content_sha256 = models.CharField(max_length=64)
    approved_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["run", "user"], condition=Q(voided_at__isnull=True), name="approval_once_per_person"
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id} on {self.run_id}"


class PayoutItem(TypedIdModel, Stateful):
    """One expert's payout in a run: at most one transfer, whatever happens on the way."""

    PREFIX: ClassVar[str] = "itm"

    run = models.ForeignKey(PayoutRun, models.PROTECT, related_name="items")
    expert = models.ForeignKey(Expert, models.PROTECT, related_name="payouts")
    payee = models.ForeignKey(Payee, models.PROTECT, related_name="items")
    destination = models.CharField(max_length=255)  # The account at the time of building: approvals cover it.
    currency = models.CharField(max_length=3)
    amount_minor = models.BigIntegerField()
    line_count = models.PositiveIntegerField()
    seconds = models.PositiveBigIntegerField()
    usual_minor = models.BigIntegerField(null=True)  # The median of what this expert was paid before; None at first.
    anomalies = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    attempt = models.PositiveSmallIntegerField(default=1)
    stripe_key = models.CharField(max_length=255, blank=True, default="")  # Stored before the call it is for.
    stripe_id = models.CharField(max_length=255, blank=True, default="")  # The transfer.
    tries = models.PositiveSmallIntegerField(default=0)  # Calls made in this attempt.
    first_sent_at = models.DateTimeField(null=True)  # Of this attempt: Stripe forgets keys after a day.
    last_sent_at = models.DateTimeField(null=True)
    absent_at = models.DateTimeField(null=True)  # When Stripe was last asked and had no such transfer.
    lease_until = models.DateTimeField(null=True)
    problem_code = models.CharField(max_length=100, blank=True, default="")
    problem = models.CharField(max_length=500, blank=True, default="")
    paid_at = models.DateTimeField(null=True)
    reversed_minor = models.BigIntegerField(default=0)
    bank_state = models.CharField(max_length=12, choices=BankState, default=BankState.NONE)

    class Meta:
        ordering = ("run", "id")
        constraints = (
            models.CheckConstraint(condition=Q(state__in=ItemState.values), name="item_state_known"),
            models.CheckConstraint(condition=Q(amount_minor__gt=0, line_count__gt=0), name="item_pays_something"),
            models.CheckConstraint(condition=~Q(currency=PLAY_MONEY), name="item_is_of_real_money"),
            models.UniqueConstraint(fields=["run", "expert"], name="item_once_per_expert"),
            models.UniqueConstraint(fields=["stripe_id"], condition=~Q(stripe_id=""), name="item_once_per_transfer"),
            models.UniqueConstraint(fields=["stripe_key"], condition=~Q(stripe_key=""), name="item_once_per_key"),
            models.CheckConstraint(
                condition=~Q(state=ItemState.PAID) | (Q(paid_at__isnull=False) & ~Q(stripe_id="")),
                name="item_paid_has_transfer",
            ),
            models.CheckConstraint(condition=Q(bank_state__in=BankState.values), name="item_bank_state_known"),
            models.CheckConstraint(condition=Q(reversed_minor__gte=0), name="item_reversal_not_negative"),
        )
        indexes = (models.Index(fields=["run", "state"], name="item_by_run_and_state"),)

    def __str__(self) -> str:
        return self.public_id
